import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from annotation.domain.vocabulary import CannotJudgeReason, Outcome
from annotation.models.choices import choices_of, one_of
from annotation.models.items import Comparison, Response
from annotation.models.people import Annotator
from annotation.models.projects import GuidelinesVersion, Project
from annotation.models.queue import Slot


class JudgmentQuerySet(models.QuerySet["Judgment"]):
    def in_force(self) -> "JudgmentQuerySet":
        """Judgments that no later one of their annotator supersedes."""
        return self.filter(superseded_by__isnull=True)


class Judgment(models.Model):
    """One annotator's answer on one comparison. Fact: never edited, never deleted.

    `ranking` is tiers of response ids, best first, empty unless the outcome is `ranked`.
    `strength` is 0 for a tie, 1 (slightly) to 4, null where it was not asked or is not known.
    `criteria` maps a key to `{"ranking": tiers}` or to `{"ratings": {response id: number}}`.
    `shown_order` is the response ids as displayed, null where the source does not say.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="judgments", db_index=False)
    comparison = models.ForeignKey(Comparison, models.PROTECT, related_name="judgments")
    annotator = models.ForeignKey(
        Annotator, models.PROTECT, related_name="judgments", db_index=False
    )
    slot = models.ForeignKey(Slot, models.PROTECT, null=True, related_name="judgments")
    supersedes = models.OneToOneField(
        "self", models.PROTECT, null=True, related_name="superseded_by"
    )
    guidelines = models.ForeignKey(
        GuidelinesVersion, models.PROTECT, null=True, related_name="judgments", db_index=False
    )
    outcome = models.CharField(max_length=12, choices=choices_of(Outcome))
    ranking = models.JSONField(default=list)
    strength = models.PositiveSmallIntegerField(null=True)
    criteria = models.JSONField(default=dict)
    confidence = models.PositiveSmallIntegerField(null=True)
    is_unsafe = models.BooleanField(default=False)
    reason = models.CharField(max_length=10, blank=True, choices=choices_of(CannotJudgeReason))
    shown_order = ArrayField(models.BigIntegerField(), null=True)
    active_seconds = models.FloatField(null=True)
    is_late = models.BooleanField(default=False)
    client_key = models.UUIDField(null=True)
    request_digest = models.BinaryField(max_length=32, null=True)
    external_id = models.CharField(max_length=200, blank=True)
    metadata = models.JSONField(default=dict)
    judged_at = models.DateTimeField()

    objects = JudgmentQuerySet.as_manager()

    class Meta:
        db_table = "judgment"
        triggers = [
            pgtrigger.Protect(
                name="judgment_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]
        constraints = [
            one_of("outcome", Outcome, "judgment_outcome_known"),
            models.CheckConstraint(
                condition=(Q(outcome=Outcome.RANKED) & ~Q(ranking=[]))
                | (~Q(outcome=Outcome.RANKED) & Q(ranking=[])),
                name="judgment_ranking_iff_ranked",
            ),
            models.CheckConstraint(
                condition=(Q(outcome=Outcome.CANNOT_JUDGE) & ~Q(reason=""))
                | (~Q(outcome=Outcome.CANNOT_JUDGE) & Q(reason="")),
                name="judgment_reason_iff_cannot_judge",
            ),
            models.CheckConstraint(
                condition=Q(strength__isnull=True) | Q(strength__lte=4, outcome=Outcome.RANKED),
                name="judgment_strength_0_to_4_of_a_ranking",
            ),
            models.CheckConstraint(
                condition=Q(confidence__isnull=True) | Q(confidence__range=(1, 5)),
                name="judgment_confidence_1_to_5",
            ),
            models.CheckConstraint(
                condition=Q(active_seconds__isnull=True) | Q(active_seconds__gte=0),
                name="judgment_seconds_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(supersedes__isnull=True) | ~Q(supersedes=F("id")),
                name="judgment_supersedes_another",
            ),
            models.UniqueConstraint(
                fields=["annotator", "comparison"],
                condition=Q(slot__isnull=False, supersedes__isnull=True),
                name="judgment_once_per_annotator",
            ),
            models.UniqueConstraint(
                fields=["slot"],
                condition=Q(slot__isnull=False, supersedes__isnull=True, is_late=False),
                name="judgment_one_in_time_per_slot",
            ),
            models.UniqueConstraint(
                fields=["annotator", "client_key"],
                condition=Q(client_key__isnull=False),
                name="judgment_client_key_once",
            ),
            models.UniqueConstraint(
                fields=["project", "external_id"],
                condition=~Q(external_id=""),
                name="judgment_external_id_once_per_project",
            ),
        ]
        indexes = [
            models.Index(fields=["annotator", "comparison"], name="judgment_of_annotator"),
            models.Index(fields=["project", "id"], name="judgment_page"),
            models.Index(
                fields=["annotator", "project", "judged_at"],
                condition=Q(supersedes__isnull=True),
                name="judgment_first_by_time",
            ),
        ]


class Rationale(models.Model):
    """Why an annotator judged as they did. Fact."""

    judgment = models.OneToOneField(Judgment, models.PROTECT, related_name="rationale")
    text = models.TextField(blank=True)
    tags = ArrayField(models.CharField(max_length=60), default=list)

    class Meta:
        db_table = "rationale"
        triggers = [
            pgtrigger.Protect(
                name="rationale_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]


class Span(models.Model):
    """A stretch of a response that a rationale points at. Fact.

    `start` and `end` count Unicode code points of the stored text, `end` not included.
    """

    rationale = models.ForeignKey(Rationale, models.PROTECT, related_name="spans")
    response = models.ForeignKey(Response, models.PROTECT, related_name="spans")
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    label = models.CharField(max_length=60)
    criterion = models.CharField(max_length=60, blank=True)

    class Meta:
        db_table = "span"
        ordering = ["start", "end"]
        constraints = [
            models.CheckConstraint(condition=Q(start__lt=F("end")), name="span_not_empty")
        ]
        triggers = [
            pgtrigger.Protect(
                name="span_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]
