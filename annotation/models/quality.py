from django.db import models
from django.db.models import Q

from annotation.models.projects import Project


class QualityReport(models.Model):
    """A project's quality as last worked out from all its judgments. Derived.

    `figures` are counts, agreement, bias and what concerns the whole project; `people` the figures
    of each annotator and judge; `leaderboards` one ranking of models by people's votes and one by
    judges'. `n_changes` is that of the project's tally when the votes were read, so a larger one
    there means that the report is behind. It is worked out again no sooner than `due_at`.
    """

    project = models.OneToOneField(
        Project, models.CASCADE, primary_key=True, related_name="quality_report"
    )
    figures = models.JSONField(default=dict)
    people = models.JSONField(default=dict)
    leaderboards = models.JSONField(default=dict)
    n_changes = models.PositiveBigIntegerField(default=0)
    computed_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta:
        db_table = "quality_report"
        constraints = [
            models.CheckConstraint(
                condition=Q(computed_at__isnull=True) | ~Q(figures={}),
                name="quality_report_computed_has_figures",
            )
        ]
