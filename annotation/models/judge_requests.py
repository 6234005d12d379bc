import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from annotation.domain.vocabulary import (
    AnswerStatus,
    Outcome,
    RequestState,
    RunPurpose,
    RunState,
)
from annotation.models.choices import choices_of, one_of
from annotation.models.endpoints import Endpoint
from annotation.models.items import Comparison
from annotation.models.judges import Judge
from annotation.models.judgments import Judgment
from annotation.models.projects import Project


class JudgeRun(models.Model):
    """An order to ask a judge about comparisons. Its requests are the work; paused, they wait.

    `by_batch`: they are sent in files, for less money and within a day. After `batch_failures` in a
    row to send one, the next is tried at `batch_due_at`; `batch_error` says why.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="judge_runs", db_index=False)
    judge = models.ForeignKey(Judge, models.PROTECT, related_name="runs", db_index=False)
    number = models.PositiveIntegerField()
    purpose = models.CharField(max_length=7, choices=choices_of(RunPurpose))
    state = models.CharField(max_length=9, choices=choices_of(RunState), default=RunState.RUNNING)
    by_batch = models.BooleanField(default=False, db_default=False)
    batch_due_at = models.DateTimeField(null=True)
    batch_failures = models.PositiveSmallIntegerField(default=0, db_default=0)
    batch_error = models.CharField(max_length=500, blank=True, default="", db_default="")
    n_comparisons = models.PositiveIntegerField(default=0)
    n_requests = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "judge_run"
        constraints = [
            models.UniqueConstraint(
                fields=["judge", "number"], name="judge_run_number_once_per_judge"
            ),
            one_of("purpose", RunPurpose, "judge_run_purpose_known"),
            one_of("state", RunState, "judge_run_state_known"),
        ]
        indexes = [models.Index(fields=["project", "-id"], name="judge_run_page")]


class UnwrittenRun(models.Model):
    """What a large order is to ask about, until the requests of all of it are written. Derived.

    Of `comparison_ids`, the first `n_written` are done.
    """

    run = models.OneToOneField(JudgeRun, models.CASCADE, primary_key=True, related_name="unwritten")
    comparison_ids = ArrayField(models.BigIntegerField())
    n_written = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "unwritten_run"


class JudgeAnswer(models.Model):
    """What an endpoint said, word for word, and what it cost. Fact.

    A usable one answers every later request of the same `cache_key`, so it is paid for once. A call
    whose answer was lost is kept too, as unreachable, at the most that it may have cost. `nonce` is
    what the answer had to repeat; `request` asked first.
    """

    request = models.ForeignKey(
        "JudgeRequest", models.PROTECT, null=True, related_name="answers", db_index=False
    )
    cache_key = models.BinaryField(max_length=32)
    nonce = models.CharField(max_length=64, blank=True, default="", db_default="")
    raw = models.TextField()
    body = models.JSONField(default=dict)
    status = models.CharField(max_length=11, choices=choices_of(AnswerStatus))
    finish_reason = models.CharField(max_length=40, blank=True)
    tokens_in = models.PositiveIntegerField(default=0)
    tokens_out = models.PositiveIntegerField(default=0)
    cost = models.PositiveBigIntegerField(default=0)
    seconds = models.FloatField(default=0.0)
    answered_at = models.DateTimeField()

    class Meta:
        db_table = "judge_answer"
        constraints = [
            one_of("status", AnswerStatus, "judge_answer_status_known"),
            models.UniqueConstraint(
                fields=["cache_key"],
                condition=Q(status=AnswerStatus.USABLE),
                name="judge_answer_usable_once_per_key",
            ),
        ]
        indexes = [models.Index(fields=["request"], name="judge_answer_of_request")]
        triggers = [
            pgtrigger.Protect(
                name="judge_answer_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]


class JudgeRequest(models.Model):
    """One question to a judge: a comparison in one display order, one sample. The judges' queue.

    A canary has no comparison, and is a trial, so that nothing that it was asked ever counts.
    `shown_order` is the response ids as shown; `order` 0 is the first one drawn, 1 its reverse.
    Queued until `due_at`; running while leased, under `lease_token`, which fences off a worker that
    comes too late. `verdict` is what the answer says, `chances` how likely it holds each verdict.
    `tries` and `cost` are of all its calls; `n_lost` of them ended with their worker or unheard, so
    they may have been paid for in vain. `batch` is the last one that it was sent in.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="+", db_index=False)
    judge = models.ForeignKey(Judge, models.PROTECT, related_name="requests", db_index=False)
    endpoint = models.ForeignKey(Endpoint, models.PROTECT, related_name="+", db_index=False)
    run = models.ForeignKey(JudgeRun, models.PROTECT, related_name="requests", db_index=False)
    comparison = models.ForeignKey(
        Comparison, models.PROTECT, null=True, related_name="judge_requests", db_index=False
    )
    canary = models.ForeignKey(
        "JudgeCanary", models.PROTECT, null=True, related_name="requests", db_index=False
    )
    order = models.PositiveSmallIntegerField(default=0)
    sample = models.PositiveSmallIntegerField(default=0)
    is_trial = models.BooleanField(default=False)
    shown_order = ArrayField(models.BigIntegerField())
    state = models.CharField(
        max_length=9, choices=choices_of(RequestState), default=RequestState.QUEUED
    )
    due_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    lease_ends_at = models.DateTimeField(null=True)
    lease_token = models.UUIDField(null=True)
    batch = models.ForeignKey(
        "JudgeBatch", models.PROTECT, null=True, related_name="requests", db_index=False
    )
    reserved = models.PositiveBigIntegerField(default=0)
    cost = models.PositiveBigIntegerField(default=0, db_default=0)
    n_lost = models.PositiveSmallIntegerField(default=0, db_default=0)
    cache_key = models.BinaryField(max_length=32, null=True)
    answer = models.ForeignKey(
        JudgeAnswer, models.PROTECT, null=True, related_name="+", db_index=False
    )
    is_cached = models.BooleanField(default=False)
    status = models.CharField(max_length=11, blank=True, choices=choices_of(AnswerStatus))
    verdict = models.JSONField(null=True)
    chances = models.JSONField(null=True)
    error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "judge_request"
        constraints = [
            models.UniqueConstraint(
                fields=["judge", "comparison", "order", "sample", "is_trial"],
                name="judge_request_once",
            ),
            models.UniqueConstraint(
                fields=["canary", "order"],
                condition=Q(canary__isnull=False),
                name="judge_request_once_per_canary",
            ),
            # Whatever counts what judges said of comparisons or orders judgments from it cannot
            # meet a canary, which has none.
            models.CheckConstraint(
                condition=Q(canary__isnull=True, comparison__isnull=False)
                | Q(canary__isnull=False, comparison__isnull=True, is_trial=True),
                name="judge_request_of_comparison_or_canary",
            ),
            one_of("state", RequestState, "judge_request_state_known"),
            models.CheckConstraint(
                condition=Q(status="") | Q(status__in=[status.value for status in AnswerStatus]),
                name="judge_request_status_known",
            ),
            models.CheckConstraint(
                condition=~Q(state=RequestState.RUNNING) | Q(lease_token__isnull=False),
                name="judge_request_running_is_leased",
            ),
            models.CheckConstraint(
                condition=Q(verdict__isnull=True) | Q(status=AnswerStatus.USABLE),
                name="judge_request_verdict_of_usable_answer",
            ),
        ]
        indexes = [
            models.Index(
                fields=["run", "due_at", "id"],
                condition=Q(state=RequestState.QUEUED),
                name="judge_request_next_of_run",
            ),
            models.Index(
                fields=["lease_ends_at"],
                condition=Q(state=RequestState.RUNNING),
                name="judge_request_leased",
            ),
            models.Index(
                fields=["cache_key"],
                condition=Q(state=RequestState.RUNNING),
                name="judge_request_on_its_way",
            ),
            models.Index(
                fields=["batch", "id"],
                condition=Q(state=RequestState.RUNNING, batch__isnull=False),
                name="judge_request_in_batch",
            ),
            models.Index(fields=["run", "state"], name="judge_request_of_run"),
            models.Index(fields=["comparison"], name="judge_request_of_comparison"),
        ]


class JudgeVerdict(models.Model):
    """What a judge's answers on one comparison add up to over orders and samples. Fact.

    `chances` maps response ids, "tie" and "both_bad" to probabilities, orders averaged in logit
    space; `bias` is the pull towards what is shown first, in logits, null unless both orders were
    seen. `is_flipped`: the winner changes with the order; then the outcome is `unsure`, no vote.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="+", db_index=False)
    judge = models.ForeignKey(Judge, models.PROTECT, related_name="verdicts", db_index=False)
    comparison = models.ForeignKey(
        Comparison, models.PROTECT, related_name="judge_verdicts", db_index=False
    )
    is_trial = models.BooleanField(default=False)
    outcome = models.CharField(max_length=12, choices=choices_of(Outcome))
    ranking = models.JSONField(default=list)
    chances = models.JSONField(default=dict)
    by_order = models.JSONField(default=list)
    bias = models.FloatField(null=True)
    is_flipped = models.BooleanField(null=True)
    n_answers = models.PositiveSmallIntegerField()
    cost = models.PositiveBigIntegerField(default=0)
    seconds = models.FloatField(default=0.0)
    judgment = models.OneToOneField(
        Judgment, models.PROTECT, null=True, related_name="judge_verdict"
    )
    concluded_at = models.DateTimeField()

    class Meta:
        db_table = "judge_verdict"
        constraints = [
            models.UniqueConstraint(
                fields=["judge", "comparison", "is_trial"], name="judge_verdict_once"
            ),
            one_of("outcome", Outcome, "judge_verdict_outcome_known"),
            models.CheckConstraint(
                condition=Q(is_trial=False) | Q(judgment__isnull=True),
                name="judge_verdict_trial_is_no_judgment",
            ),
        ]
        indexes = [
            models.Index(fields=["comparison"], name="judge_verdict_of_comparison"),
            models.Index(fields=["project", "judge"], name="judge_verdict_of_judge"),
        ]
