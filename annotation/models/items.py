import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from annotation.models.people import Annotator
from annotation.models.projects import Project

# An array holds no foreign keys, so the database checks each inserted batch at once.
RESPONSES_EXIST = """
    IF EXISTS (
        SELECT 1 FROM added, unnest(added.response_ids) WITH ORDINALITY AS listed(id, place)
        WHERE listed.id <= COALESCE(added.response_ids[listed.place - 1], 0)
           OR NOT EXISTS (
                SELECT 1 FROM response
                WHERE response.id = listed.id
                  AND response.item_id IN (added.item_id, added.other_item_id)
           )
    ) THEN
        RAISE EXCEPTION 'a comparison names a response that is not of its item, or out of order'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'comparison_responses_exist';
    END IF;
    RETURN NULL;
"""


class Item(models.Model):
    """A prompt with the responses to compare. Fact: its content never changes.

    `messages` is `[{"role", "content": [part, …]}]`, ending with the user's turn.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="items", db_index=False)
    external_id = models.CharField(max_length=200)
    messages = models.JSONField()
    metadata = models.JSONField(default=dict)
    content_hash = models.BinaryField(max_length=32)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "item"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "external_id"], name="item_external_id_once_per_project"
            ),
            models.CheckConstraint(condition=~Q(external_id=""), name="item_external_id_not_empty"),
        ]
        indexes = [models.Index(fields=["project", "id"], name="item_page")]

    def __str__(self) -> str:
        return self.external_id


class Response(models.Model):
    """One candidate answer of an item. Fact: its content never changes.

    `content` is the list of parts of the answer. `messages` is the response's own whole
    conversation, for sets whose earlier assistant turns differ between responses; else empty.
    """

    item = models.ForeignKey(Item, models.PROTECT, related_name="responses", db_index=False)
    external_id = models.CharField(max_length=200)
    position = models.PositiveSmallIntegerField()
    content = models.JSONField()
    messages = models.JSONField(default=list)
    model_name = models.CharField(max_length=200, blank=True)
    author = models.ForeignKey(
        Annotator, models.PROTECT, null=True, related_name="responses", db_index=False
    )
    revision_of = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="revisions", db_index=False
    )
    metadata = models.JSONField(default=dict)
    content_hash = models.BinaryField(max_length=32)

    class Meta:
        db_table = "response"
        ordering = ["item_id", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["item", "position"], name="response_position_once_per_item"
            ),
            models.UniqueConstraint(
                fields=["item", "external_id"], name="response_external_id_once_per_item"
            ),
            models.CheckConstraint(
                condition=Q(revision_of__isnull=True) | ~Q(revision_of=F("id")),
                name="response_revises_another",
            ),
        ]
        indexes = [
            models.Index(
                fields=["author"], condition=Q(author__isnull=False), name="response_by_author"
            ),
            models.Index(
                fields=["revision_of"],
                condition=Q(revision_of__isnull=False),
                name="response_by_original",
            ),
        ]


class Comparison(models.Model):
    """The unit of judgment: which responses are compared, under which context. Fact.

    `response_ids` ascend. `stale_since` marks a comparison whose consensus is out of date.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="comparisons", db_index=False)
    item = models.ForeignKey(Item, models.PROTECT, related_name="comparisons", db_index=False)
    other_item = models.ForeignKey(
        Item,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="joint_comparisons",
        db_index=False,
    )
    response_ids = ArrayField(models.BigIntegerField())
    context = models.TextField(blank=True)
    rank = models.IntegerField(default=0)
    stale_since = models.DateTimeField(null=True, blank=True)
    stale_tries = models.PositiveSmallIntegerField(default=0)
    stale_error = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "comparison"
        constraints = [
            models.UniqueConstraint(
                fields=["item", "response_ids", "context"], name="comparison_once_per_item"
            ),
            models.CheckConstraint(
                condition=Q(response_ids__len__range=(2, 9)), name="comparison_2_to_9_responses"
            ),
            models.CheckConstraint(
                condition=Q(other_item__isnull=True) | ~Q(other_item=F("item")),
                name="comparison_joins_two_items",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "id"], name="comparison_page"),
            models.Index(
                fields=["stale_since"],
                condition=Q(stale_since__isnull=False),
                name="comparison_stale",
            ),
            models.Index(
                fields=["other_item"],
                condition=Q(other_item__isnull=False),
                name="comparison_by_other_item",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="comparison_responses_exist",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="added"),
                func=RESPONSES_EXIST,
            )
        ]
