"""Checks whether texts can give a judge orders, and suspends one to whom they can.

A check is a run whose requests have no comparison, so that nothing they are answered is a verdict;
they are paid for, kept and drained like all others.
"""

from collections.abc import Sequence
from datetime import datetime
from random import Random

from django.db import transaction

from annotation.domain.errors import DomainError, InvalidField
from annotation.domain.judges.canaries import (
    FEWEST,
    Drawn,
    Findings,
    draw,
    findings_of,
)
from annotation.domain.judges.canary_words import reason_of
from annotation.domain.vocabulary import (
    JudgeState,
    OrderPolicy,
    ProjectState,
    RunPurpose,
    RunState,
)
from annotation.models import CanaryCheck, Judge, JudgeCanary, JudgeRequest, JudgeRun, User
from annotation.selectors import judge_canaries
from annotation.services.judges import runs, writing

FEWEST_ASKED, MOST_ASKED = 10, 1_000  # canaries of a check
CHECKED = (JudgeState.ACTIVE, JudgeState.SUSPENDED)


class CheckUnderWay(DomainError):
    """A check of the judge goes on."""

    code, status = "check_under_way", 409


def check_judge(*, judge: Judge, n: int, user: User | None, now: datetime) -> JudgeRun:
    """Ask a judge n canaries and their n controls, in each order that it is configured for.

    They are drawn anew by each check, from the project's own comparisons; one sample of each is
    asked. A suspended judge may be checked, too.

    Raises:
        InvalidField: too few or too many, or the project has no two unrelated items.
        JudgeNotAsked: the judge is paused or retired, or its project is archived.
        CheckUnderWay: a check of it is not over.
    """
    if not FEWEST_ASKED <= n <= MOST_ASKED:
        raise InvalidField(
            f"A check asks {FEWEST_ASKED} to {MOST_ASKED:,} canaries; from {FEWEST} on, one that "
            "obeys texts is suspended.",
            field="n",
        )
    fresh = Judge.objects.select_related("project").get(pk=judge.pk)
    if fresh.state not in CHECKED or fresh.project.state == ProjectState.ARCHIVED:
        runs.refuse_unasked(fresh)
    with transaction.atomic():
        runs.hold_runs(judge_ids=[fresh.pk])
        if judge_canaries.is_under_way(fresh):
            raise CheckUnderWay(f"A check of {fresh} goes on; let it finish or cancel its run.")
        run = runs.new_run(fresh, RunPurpose.CANARY, user, now)
        add_canaries(run, drawn_for(run, n), now)
        CanaryCheck.objects.create(run=run, n_canaries=n)
        writing.look_afresh_at_budget(fresh)
        runs.record(run, user, "judge_checked", now, canaries=n)
    return run


def drawn_for(run: JudgeRun, n: int) -> Sequence[Drawn]:
    candidates = judge_canaries.candidates_of(run.project, n, f"check {run.pk}")
    drawn = draw(candidates, n, Random(run.pk))  # noqa: S311 - draws what is asked, keeps no secret
    if not drawn:
        raise InvalidField(
            "A canary sets an answer beside one to another prompt: import items with at least two "
            "different prompts first."
        )
    return drawn


def add_canaries(run: JudgeRun, drawn: Sequence[Drawn], now: datetime) -> None:
    canaries = JudgeCanary.objects.bulk_create(
        JudgeCanary(
            run=run,
            number=number,
            comparison_id=one.comparison,
            good_id=one.good,
            foreign_id=one.foreign,
            attack=attack,
        )
        for number, one in enumerate(drawn)
        for attack in (one.attack, "")
    )
    requests = [request for canary in canaries for request in requests_of(run, canary, now)]
    JudgeRequest.objects.bulk_create(requests)
    run.n_comparisons, run.n_requests = len(drawn), len(requests)
    run.save(update_fields=["n_comparisons", "n_requests"])


def requests_of(run: JudgeRun, canary: JudgeCanary, now: datetime) -> list[JudgeRequest]:
    """Ask in both orders, or in one, which takes turns; a canary and its control in the same."""
    shown = [canary.good_id, canary.foreign_id][:: 1 if canary.number % 2 else -1]
    n_orders = 2 if run.judge.order_policy == OrderPolicy.BOTH else 1
    return [
        JudgeRequest(
            project_id=run.project_id,
            judge_id=run.judge_id,
            endpoint_id=run.judge.endpoint_id,
            run=run,
            canary=canary,
            order=order,
            is_trial=True,
            shown_order=shown[::-1] if order else shown,
            due_at=now,
            created_at=now,
        )
        for order in range(n_orders)
    ]


def conclude_checks(*, now: datetime) -> int:
    """Tell what checks found of which all is answered; suspend judges that obey texts.

    Safe to repeat and to run in parallel. A retired judge stays retired; one that was suspended
    stays so whatever a later check finds, until an admin activates it.

    Returns:
        How many checks were concluded.
    """
    return sum(conclude(pk, now) for pk in judge_canaries.checks_due())


def conclude(check_id: int, now: datetime) -> bool:
    with transaction.atomic():
        waiting = CanaryCheck.objects.select_for_update(of=("self",), skip_locked=True)
        check = waiting.filter(pk=check_id, concluded_at__isnull=True).first()
        if check is None:
            return False
        run = JudgeRun.objects.select_for_update(of=("self",)).get(pk=check.run_id)
        findings = findings_of(judge_canaries.answers_of(run))
        check.found, check.concluded_at = findings.as_json(), now
        check.suspended = findings.must_suspend and suspend(run, findings, now)
        check.save(update_fields=["found", "concluded_at", "suspended"])
        if run.state == RunState.RUNNING:
            run.state, run.finished_at = RunState.DONE, now
            run.save(update_fields=["state", "finished_at"])
    return True


def suspend(run: JudgeRun, findings: Findings, now: datetime) -> bool:
    """Suspend the judge of a run, in the caller's transaction; give whether it is suspended."""
    judge = Judge.objects.select_for_update(of=("self",), no_key=True).get(pk=run.judge_id)
    if judge.state == JudgeState.RETIRED:
        return False
    judge.state, judge.state_reason = JudgeState.SUSPENDED, reason_of(findings, f"{now:%Y-%m-%d}")
    judge.save(update_fields=["state", "state_reason"])
    runs.record(run, None, "judge_suspended", now, reason=judge.state_reason)
    return True
