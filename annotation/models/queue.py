from datetime import datetime

import pgtrigger
from django.db import models
from django.db.models import Q

from annotation.domain.vocabulary import Audience, ExclusionReason
from annotation.models.choices import choices_of, one_of
from annotation.models.items import Comparison
from annotation.models.people import Annotator
from annotation.models.projects import Project

# Whoever gives a slot away leaves the proof behind, be it a claim, an import or a repair by hand.
REMEMBER_HOLDER = """
    INSERT INTO lapse (slot_id, annotator_id, lease_epoch, lease_ended_at)
    VALUES (OLD.id, OLD.holder_id, OLD.lease_epoch, OLD.lease_ends_at)
    ON CONFLICT (annotator_id, slot_id) DO NOTHING;
    RETURN NULL;
"""


class SlotQuerySet(models.QuerySet["Slot"]):
    def open(self) -> "SlotQuerySet":
        """Slots that still want a judgment, leased or not."""
        return self.filter(filled_at__isnull=True)

    def free_at(self, now: datetime) -> "SlotQuerySet":
        """Slots that nobody holds: never leased, handed back, or the lease ran out."""
        return self.open().filter(Q(lease_ends_at__isnull=True) | Q(lease_ends_at__lte=now))


class Slot(models.Model):
    """One wanted human judgment of a comparison. Derived from the overlap; filled once.

    Free: no lease, or one that ran out. Leased: `holder` has it until `lease_ends_at`. Filled:
    `filled_at` is set, for good. `rank` and `project` are copied from the comparison, so that the
    queue is ordered by its own columns; `lease_epoch` counts the leases and fences off old ones. Of
    experts, one with `expertise` wants those who name it in their profile.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="slots", db_index=False)
    comparison = models.ForeignKey(Comparison, models.PROTECT, related_name="slots", db_index=False)
    ordinal = models.PositiveSmallIntegerField()
    rank = models.IntegerField(default=0)
    audience = models.CharField(max_length=6, choices=choices_of(Audience), default=Audience.HUMAN)
    expertise = models.CharField(max_length=60, blank=True, default="", db_default="")
    holder = models.ForeignKey(
        Annotator, models.PROTECT, null=True, related_name="slots", db_index=False
    )
    lease_ends_at = models.DateTimeField(null=True)
    lease_epoch = models.PositiveIntegerField(default=0)
    filled_at = models.DateTimeField(null=True)

    objects = SlotQuerySet.as_manager()

    class Meta:
        db_table = "slot"
        constraints = [
            models.UniqueConstraint(
                fields=["comparison", "ordinal"], name="slot_ordinal_once_per_comparison"
            ),
            models.CheckConstraint(
                condition=Q(ordinal__range=(1, 100)), name="slot_ordinal_1_to_100"
            ),
            models.CheckConstraint(
                condition=Q(filled_at__isnull=True) | Q(holder__isnull=False),
                name="slot_filled_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(lease_ends_at__isnull=True) | Q(holder__isnull=False),
                name="slot_leased_to_somebody",
            ),
            one_of("audience", Audience, "slot_audience_known"),
        ]
        indexes = [
            models.Index(
                fields=["project", "rank", "id"],
                condition=Q(filled_at__isnull=True),
                name="slot_next",
            ),
            models.Index(
                fields=["holder", "project"],
                condition=Q(filled_at__isnull=True, holder__isnull=False),
                name="slot_held",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="slot_remembers_holder",
                when=pgtrigger.After,
                operation=pgtrigger.UpdateOf("holder_id"),
                condition=pgtrigger.Q(old__holder__isnull=False)
                & pgtrigger.Q(new__holder__isnull=False)
                & pgtrigger.Q(old__holder__df=pgtrigger.F("new__holder")),
                func=REMEMBER_HOLDER,
            )
        ]


class Lapse(models.Model):
    """A lease that ended because its slot was given to somebody else. Fact.

    It proves that a late answer was asked for, so the answer is kept. Written by the database.
    """

    slot = models.ForeignKey(Slot, models.CASCADE, related_name="lapses")
    annotator = models.ForeignKey(Annotator, models.PROTECT, related_name="lapses", db_index=False)
    lease_epoch = models.PositiveIntegerField()
    lease_ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "lapse"
        constraints = [
            models.UniqueConstraint(
                fields=["annotator", "slot"], name="lapse_once_per_annotator_and_slot"
            )
        ]


class Bookmark(models.Model):
    """Where an annotator's search of the queue begins. Derived: may be dropped at any time.

    Every open slot before this place was judged by them or closed to them when it was set, so the
    search need not walk past those again. It counts for a few minutes only, as slots may be put
    before it.
    """

    annotator = models.ForeignKey(Annotator, models.CASCADE, related_name="+", db_index=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    rank = models.IntegerField()
    slot_id = models.BigIntegerField()
    placed_at = models.DateTimeField()

    class Meta:
        db_table = "bookmark"
        constraints = [
            models.UniqueConstraint(
                fields=["annotator", "project"], name="bookmark_once_per_annotator_and_project"
            )
        ]


class Exclusion(models.Model):
    """An annotator who must never be asked about a comparison, and why. Fact."""

    comparison = models.ForeignKey(Comparison, models.PROTECT, related_name="exclusions")
    annotator = models.ForeignKey(
        Annotator, models.PROTECT, related_name="exclusions", db_index=False
    )
    reason = models.CharField(max_length=8, choices=choices_of(ExclusionReason))
    note = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "exclusion"
        constraints = [
            models.UniqueConstraint(
                fields=["annotator", "comparison"], name="exclusion_once_per_annotator"
            ),
            one_of("reason", ExclusionReason, "exclusion_reason_known"),
        ]


class Draft(models.Model):
    """What an annotator has entered but not yet submitted. Thrown away on submit."""

    slot = models.ForeignKey(Slot, models.CASCADE, related_name="drafts", db_index=False)
    annotator = models.ForeignKey(Annotator, models.CASCADE, related_name="drafts")
    payload = models.JSONField()
    saved_at = models.DateTimeField()

    class Meta:
        db_table = "draft"
        constraints = [
            models.UniqueConstraint(
                fields=["slot", "annotator"], name="draft_once_per_slot_and_annotator"
            )
        ]
