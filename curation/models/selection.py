from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from annotation.models import Comparison, Item, Project
from annotation.models.choices import choices_of, one_of
from curation.domain.vocabulary import SelectionMethod, SelectionState


class Selection(models.Model):
    """A pick of what to annotate first, under a budget, with its reasons. Fact.

    Draft until applied: then its comparisons stand first in the queue, in this order. Undone when
    the ranks from before were put back. `outcome` holds counts per group, the score lost to floors,
    and the bound where the pick may not be the best.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="+", db_index=False)
    number = models.PositiveIntegerField()
    method = models.CharField(max_length=11, choices=choices_of(SelectionMethod))
    parameters = models.JSONField()
    outcome = models.JSONField(default=dict)
    state = models.CharField(
        max_length=7, choices=choices_of(SelectionState), default=SelectionState.DRAFT
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "selection"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "number"], name="selection_number_once_per_project"
            ),
            one_of("method", SelectionMethod, "selection_method_known"),
            one_of("state", SelectionState, "selection_state_known"),
        ]


class Pick(models.Model):
    """A comparison, or responses of an item, that a selection picked, and why. Fact.

    `place` counts from 1. `rank_before` is the comparison's rank when the selection was applied.
    """

    selection = models.ForeignKey(Selection, models.CASCADE, related_name="picks", db_index=False)
    place = models.PositiveIntegerField()
    item = models.ForeignKey(Item, models.PROTECT, related_name="+", db_index=False)
    comparison = models.ForeignKey(
        Comparison, models.PROTECT, null=True, related_name="+", db_index=False
    )
    response_ids = ArrayField(models.BigIntegerField(), default=list)
    score = models.FloatField()
    reason = models.CharField(max_length=300)
    rank_before = models.IntegerField(null=True)

    class Meta:
        db_table = "pick"
        constraints = [
            models.UniqueConstraint(fields=["selection", "place"], name="pick_place_once")
        ]
