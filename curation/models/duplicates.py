from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from annotation.domain.vocabulary import MOST_TRIES
from annotation.models import Item, Project
from annotation.models.choices import choices_of, one_of
from curation.domain.vocabulary import DuplicateKind, DuplicateVerb, RepresentativeRule
from curation.models.texts import Text


class DuplicatePolicy(models.Model):
    """What counts as a duplicate in a project: numbered, the highest number holds. Fact.

    `rules` is `{kind: {"what", "threshold", "linkage", …}}` as `curation.domain.duplicates` checks
    it. A project without any has the default policy. `representative` says which item of a group
    stands for it.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    number = models.PositiveIntegerField()
    rules = models.JSONField()
    representative = models.CharField(
        max_length=8, choices=choices_of(RepresentativeRule), default=RepresentativeRule.JUDGED
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "duplicate_policy"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "number"], name="duplicate_policy_number_once_per_project"
            ),
            one_of("representative", RepresentativeRule, "duplicate_policy_representative_known"),
        ]


class DuplicateRequest(models.Model):
    """A text of a project whose duplicates have yet to be looked for. A queue.

    `kind` says by which evidence: near by its signature, semantic by its vector.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    text = models.ForeignKey(Text, models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=8, choices=choices_of(DuplicateKind))
    queued_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta:
        db_table = "duplicate_request"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "kind", "text"], name="duplicate_request_once_per_text"
            ),
            one_of("kind", DuplicateKind, "duplicate_request_kind_known"),
        ]
        indexes = [
            models.Index(
                fields=["id"], condition=Q(tries__gte=MOST_TRIES), name="duplicate_request_aside"
            )
        ]


class DuplicatePair(models.Model):
    """Two texts of a project that may say the same, and how alike they are. Derived.

    `similarity` is Jaccard for near and cosine for semantic pairs; `score` in [0, 1] is what the
    policy's evidence adds up to; `evidence` holds its parts by name.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=8, choices=choices_of(DuplicateKind))
    first = models.ForeignKey(Text, models.CASCADE, related_name="+", db_index=False)
    second = models.ForeignKey(Text, models.CASCADE, related_name="+", db_index=False)
    similarity = models.FloatField()
    score = models.FloatField()
    evidence = models.JSONField(default=dict)
    version = models.PositiveSmallIntegerField()
    found_at = models.DateTimeField()

    class Meta:
        db_table = "duplicate_pair"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "kind", "first", "second"], name="duplicate_pair_once"
            ),
            models.CheckConstraint(
                condition=Q(first__lt=F("second")), name="duplicate_pair_in_order"
            ),
            one_of("kind", DuplicateKind, "duplicate_pair_kind_known"),
        ]
        indexes = [
            models.Index(fields=["second", "project"], name="duplicate_pair_by_second"),
        ]


class DuplicateGroup(models.Model):
    """Items of a project that are the same, by one kind of evidence. Derived from the pairs.

    `key` is the digest of its members, so equal groups have equal keys however they came about.
    `similarity` is the least among the links that hold it together. `is_accepted` once somebody
    has decided that exactly these belong together. An item is in at most one group of a kind.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=8, choices=choices_of(DuplicateKind))
    key = models.BinaryField(max_length=32)
    representative = models.ForeignKey(Item, models.CASCADE, related_name="+", db_index=False)
    similarity = models.FloatField()
    n_items = models.PositiveIntegerField()
    is_accepted = models.BooleanField(default=False)
    grouped_at = models.DateTimeField()

    class Meta:
        db_table = "duplicate_group"
        constraints = [
            models.UniqueConstraint(fields=["project", "kind", "key"], name="duplicate_group_once"),
            models.CheckConstraint(
                condition=Q(n_items__gte=2), name="duplicate_group_of_2_or_more"
            ),
            one_of("kind", DuplicateKind, "duplicate_group_kind_known"),
        ]
        indexes = [models.Index(fields=["project", "id"], name="duplicate_group_page")]


class DuplicateMember(models.Model):
    """An item in a group of duplicates. Derived. `similarity` is that to the representative."""

    group = models.ForeignKey(DuplicateGroup, models.CASCADE, related_name="members")
    item = models.ForeignKey(Item, models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=8, choices=choices_of(DuplicateKind))
    similarity = models.FloatField(null=True)

    class Meta:
        db_table = "duplicate_member"
        constraints = [
            models.UniqueConstraint(fields=["item", "kind"], name="duplicate_member_once_per_kind"),
            one_of("kind", DuplicateKind, "duplicate_member_kind_known"),
        ]


class DuplicateDecision(models.Model):
    """What a person decided about duplicates. Fact: later decisions overrule earlier ones.

    Accept: `items` are the same, and the group is done. Split: none of `items` is the same as any
    of `others`. Merge: all of `items` are the same.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=8, choices=choices_of(DuplicateKind))
    verb = models.CharField(max_length=6, choices=choices_of(DuplicateVerb))
    items = ArrayField(models.BigIntegerField())
    others = ArrayField(models.BigIntegerField(), default=list)
    note = models.TextField(blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True)
    decided_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "duplicate_decision"
        constraints = [
            one_of("kind", DuplicateKind, "duplicate_decision_kind_known"),
            one_of("verb", DuplicateVerb, "duplicate_decision_verb_known"),
        ]
        indexes = [models.Index(fields=["project", "id"], name="duplicate_decision_page")]


class RegroupRequest(models.Model):
    """An item whose groups may have changed. The queue of the regrouping drain.

    The database itself asks for each item as soon as its texts are read, and again when an item of
    a group is judged. Whoever asks again updates the row, so that a drain which is about to delete
    it waits.
    """

    item = models.OneToOneField(Item, models.CASCADE, primary_key=True, related_name="+")
    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    queued_at = models.DateTimeField(db_default=Now())
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    error = models.TextField(blank=True, default="", db_default="")

    class Meta:
        db_table = "regroup_request"
        indexes = [models.Index(fields=["project", "tries", "item"], name="regroup_request_next")]


class DuplicateState(models.Model):
    """How far a project's groups follow its pairs, decisions and policy. Derived.

    `regroup_since` is since when items wait to be regrouped; a drain clears it. `policy` is the
    number of the policy that the pairs were looked for under, 0 for the default. `near_by` and
    `semantic_by` name the signatures and the vectors that the pairs rest on.
    """

    project = models.OneToOneField(Project, models.CASCADE, primary_key=True, related_name="+")
    policy = models.PositiveIntegerField(default=0)
    near_by = models.CharField(max_length=200, blank=True)
    semantic_by = models.CharField(max_length=200, blank=True)
    regroup_since = models.DateTimeField(null=True)
    grouped_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "duplicate_state"
