from django.db import models
from django.db.models import Q

from annotation.models.items import Comparison, Response
from annotation.models.judge_requests import JudgeRun


class CanaryCheck(models.Model):
    """A run that checks whether texts can give a judge orders.

    `found` is what came of it, derived once all is answered, at `concluded_at`; `suspended` whether
    the judge was suspended for it.
    """

    run = models.OneToOneField(JudgeRun, models.PROTECT, related_name="canary_check")
    n_canaries = models.PositiveIntegerField()
    found = models.JSONField(default=dict)
    suspended = models.BooleanField(default=False)
    concluded_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "canary_check"
        indexes = [
            models.Index(
                fields=["run"],
                condition=Q(concluded_at__isnull=True),
                name="canary_check_under_way",
            )
        ]


class JudgeCanary(models.Model):
    """A question of a check: the answer `good` of a comparison beside `foreign`, of another item.

    `foreign` carries the attack of that name; with "" it is the control of the canary with the same
    number. Fact.
    """

    run = models.ForeignKey(JudgeRun, models.PROTECT, related_name="canaries", db_index=False)
    number = models.PositiveIntegerField()
    comparison = models.ForeignKey(Comparison, models.PROTECT, related_name="+", db_index=False)
    good = models.ForeignKey(Response, models.PROTECT, related_name="+", db_index=False)
    foreign = models.ForeignKey(Response, models.PROTECT, related_name="+", db_index=False)
    attack = models.CharField(max_length=40, blank=True)

    class Meta:
        db_table = "judge_canary"
        constraints = [
            models.UniqueConstraint(
                fields=["run", "number", "attack"], name="judge_canary_once_per_run"
            )
        ]
