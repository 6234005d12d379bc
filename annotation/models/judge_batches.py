from django.db import models
from django.db.models import Q

from annotation.domain.vocabulary import OPEN_BATCHES, BatchState
from annotation.models.choices import choices_of, one_of
from annotation.models.endpoints import Endpoint
from annotation.models.judge_requests import JudgeRun
from annotation.models.judges import Judge
from annotation.models.projects import Project


class JudgeBatch(models.Model):
    """Requests of a run that an endpoint answers together, in a file, within a day.

    Its requests are leased under `token`, which is also the tag by which it is found again at the
    endpoint; what each answer must repeat is derived from `secret`. `price_share` and `base_url`
    are the endpoint's when it was made. `n_done` is what the endpoint says it has answered; the
    other counts are of what came back: matched, not there, there again, of no request of it, and
    of no form. Looked at again at `poll_at`; `n_failures` in a row.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="+", db_index=False)
    endpoint = models.ForeignKey(Endpoint, models.PROTECT, related_name="batches", db_index=False)
    judge = models.ForeignKey(Judge, models.PROTECT, related_name="+", db_index=False)
    run = models.ForeignKey(JudgeRun, models.PROTECT, related_name="batches")
    state = models.CharField(
        max_length=10, choices=choices_of(BatchState), default=BatchState.FILLING
    )
    token = models.UUIDField(unique=True)
    secret = models.BinaryField(max_length=32)
    base_url = models.CharField(max_length=500)
    price_share = models.DecimalField(max_digits=4, decimal_places=3)
    input_file = models.CharField(max_length=200, blank=True)
    external_id = models.CharField(max_length=200, blank=True)
    n_requests = models.PositiveIntegerField(default=0)
    n_done = models.PositiveIntegerField(default=0)
    n_matched = models.PositiveIntegerField(default=0)
    n_missing = models.PositiveIntegerField(default=0)
    n_doubled = models.PositiveIntegerField(default=0)
    n_unknown = models.PositiveIntegerField(default=0)
    n_garbled = models.PositiveIntegerField(default=0)
    poll_at = models.DateTimeField()
    n_looks = models.PositiveIntegerField(default=0)
    n_failures = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True)
    cancel_asked_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "judge_batch"
        constraints = [
            one_of("state", BatchState, "judge_batch_state_known"),
            models.CheckConstraint(
                condition=~Q(state=BatchState.SUBMITTED) | ~Q(external_id=""),
                name="judge_batch_submitted_has_a_name",
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True, state__in=OPEN_BATCHES)
                | Q(finished_at__isnull=False) & ~Q(state__in=OPEN_BATCHES),
                name="judge_batch_finished_when_over",
            ),
        ]
        indexes = [
            models.Index(
                fields=["poll_at"],
                condition=Q(state__in=OPEN_BATCHES),
                name="judge_batch_next_look",
            ),
        ]
