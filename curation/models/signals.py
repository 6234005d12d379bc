from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from annotation.domain.vocabulary import MOST_TRIES
from annotation.models import Comparison, Item, Project, Response
from annotation.models.choices import choices_of, one_of
from curation.domain.vocabulary import SignalFamily


class Signals(models.Model):
    """The signals of one family about one comparison. Derived.

    `values` maps a signal's name to a number, a word, a list of words or null; `version` is that of
    the code that made them.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    comparison = models.ForeignKey(
        Comparison, models.CASCADE, related_name="signals", db_index=False
    )
    family = models.CharField(max_length=12, choices=choices_of(SignalFamily))
    version = models.PositiveSmallIntegerField()
    values = models.JSONField()
    computed_at = models.DateTimeField()

    class Meta:
        db_table = "signals"
        constraints = [
            models.UniqueConstraint(
                fields=["comparison", "family"], name="signals_once_per_family"
            ),
            one_of("family", SignalFamily, "signals_family_known"),
        ]
        indexes = [
            models.Index(fields=["project", "family", "comparison"], name="signals_of_project"),
            models.Index(fields=["family", "version", "comparison"], name="signals_by_version"),
        ]


class SignalRequest(models.Model):
    """A comparison whose signals of one family are out of date. The queue of the signal drains.

    The database itself asks for those of a new comparison and of a new consensus.
    """

    comparison = models.ForeignKey(Comparison, models.CASCADE, related_name="+", db_index=False)
    family = models.CharField(max_length=12, choices=choices_of(SignalFamily))
    queued_at = models.DateTimeField(db_default=Now())
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    error = models.TextField(blank=True, default="", db_default="")

    class Meta:
        db_table = "signal_request"
        constraints = [
            models.UniqueConstraint(
                fields=["family", "comparison"], name="signal_request_once_per_family"
            ),
            one_of("family", SignalFamily, "signal_request_family_known"),
        ]
        indexes = [
            models.Index(
                fields=["id"], condition=Q(tries__gte=MOST_TRIES), name="signal_request_aside"
            )
        ]


class ImportedSignal(models.Model):
    """A number worked out elsewhere about an item, a response or a comparison. Fact.

    `source` says by what: a model, a script, a paper's method, with its `version`. A later import
    of the same name about the same subject takes the earlier one's place.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="+", db_index=False)
    item = models.ForeignKey(Item, models.PROTECT, related_name="+", db_index=False)
    response = models.ForeignKey(
        Response, models.PROTECT, null=True, related_name="+", db_index=False
    )
    comparison = models.ForeignKey(
        Comparison, models.PROTECT, null=True, related_name="+", db_index=False
    )
    name = models.CharField(max_length=100)
    value = models.FloatField()
    source = models.CharField(max_length=200)
    version = models.CharField(max_length=100, blank=True)
    imported_at = models.DateTimeField()

    class Meta:
        db_table = "imported_signal"
        constraints = [
            models.UniqueConstraint(
                fields=["item", "response", "comparison", "name"],
                name="imported_signal_once_per_subject",
                nulls_distinct=False,
            ),
            models.CheckConstraint(condition=~Q(name=""), name="imported_signal_named"),
            models.CheckConstraint(
                condition=Q(response__isnull=True) | Q(comparison__isnull=True),
                name="imported_signal_about_one_subject",
            ),
        ]
        indexes = [models.Index(fields=["project", "name"], name="imported_signal_of_project")]


class DifficultyFit(models.Model):
    """How a project's signals foretell that two more annotators disagree. Derived.

    Numbered: the highest number holds. `weights` are those of the logistic model for the order,
    `knots` those of the isotonic curve for the display, `evaluation` what was measured on votes
    held out. `is_fitted` is false while there are too few votes; then the stated heuristic holds.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    number = models.PositiveIntegerField()
    version = models.PositiveSmallIntegerField()
    is_fitted = models.BooleanField()
    weights = models.JSONField(default=dict)
    knots = models.JSONField(default=list)
    evaluation = models.JSONField(default=dict)
    n_comparisons = models.PositiveIntegerField()
    n_judgments = models.PositiveIntegerField()
    fitted_at = models.DateTimeField()

    class Meta:
        db_table = "difficulty_fit"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "number"], name="difficulty_fit_number_once_per_project"
            )
        ]
