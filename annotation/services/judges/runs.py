"""Orders to ask a judge: what is asked becomes rows, which the judges' workers drain."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Max

from annotation.domain.errors import DomainError, InvalidField, NotFound
from annotation.domain.vocabulary import (
    OPEN_BATCHES,
    JudgeState,
    ProjectState,
    RequestState,
    RunPurpose,
    RunState,
)
from annotation.models import Endpoint, Judge, JudgeBatch, JudgeRequest, JudgeRun, User
from annotation.services.judges import rows, writing
from annotation.services.judges.sharing import shared_out

MOST_TRIED = 20  # comparisons of a trial
NUMBER_LOCK = 0x514A5275  # "QJRu": with the judge, one run is numbered at a time
OPEN_STATES = (RunState.RUNNING, RunState.PAUSED)
STRANGER = """
    SELECT asked FROM unnest(%s::bigint[]) asked
    LEFT JOIN comparison ON comparison.id = asked AND comparison.project_id = %s
    WHERE comparison.id IS NULL ORDER BY asked LIMIT 1
"""


class JudgeNotAsked(DomainError):
    """The judge, or its project, takes no questions now."""

    code, status = "judge_not_asked", 409


class RunOver(DomainError):
    """The run is done or cancelled, so nothing about it can change."""

    code, status = "run_over", 409


def ask_judge(
    *,
    judge: Judge,
    comparison_ids: Sequence[int],
    purpose: RunPurpose,
    user: User | None,
    now: datetime,
    by_batch: bool = False,
) -> JudgeRun:
    """Ask a judge about comparisons, in each order and sample that it is configured for.

    Comparisons that it was asked about already are skipped, so repeating it asks nothing twice; a
    run in which nothing is left to ask is done at once. Of many comparisons, the workers
    write the requests bit by bit, while the first are answered. A trial asks about at most 20
    comparisons, apart from other runs, and nothing of it becomes a judgment. `by_batch`: it is
    asked in files, for the endpoint's price of batches, and answers come within a day.

    Raises:
        InvalidField: no comparisons, or too many for a trial; or batches of a trial, or where the
            endpoint takes none.
        NotFound: one of them is not of the judge's project.
        JudgeNotAsked: the judge is not active, or its project is archived.
    """
    wanted = sorted(set(comparison_ids))
    is_trial = purpose == RunPurpose.TRIAL
    if not wanted:
        raise InvalidField("Choose at least one comparison to ask about.", field="comparisons")
    if is_trial and len(wanted) > MOST_TRIED:
        raise InvalidField(
            f"A trial asks about at most {MOST_TRIED} comparisons; choose fewer.",
            field="comparisons",
        )
    fresh = Judge.objects.select_related("project", "endpoint").get(pk=judge.pk)
    refuse_unasked(fresh)
    if by_batch:
        refuse_batches(fresh.endpoint, is_trial)
    refuse_strangers(fresh, wanted)
    with transaction.atomic():
        run = new_run(fresh, purpose, user, now, by_batch)
        n_left = writing.write_requests(run=run, comparison_ids=wanted, now=now)
        if not run.n_requests and not n_left:
            run.state, run.finished_at = RunState.DONE, now
            run.save(update_fields=["state", "finished_at"])
        n = run.n_comparisons + n_left
        record(run, user, "judge_asked", now, purpose=run.purpose, comparisons=n)
    return run


def ask_judges(*, judge_ids: Iterable[int], comparison_ids: Sequence[int], now: datetime) -> int:
    """Ask several judges about comparisons, as a routing policy wants it. Safe to repeat.

    A judge is not asked about answers of its own model family where another of the judges is of
    none of their families: models favour their own style. Each judge has one run for this, which
    stays open. Paused judges are asked when they go on; suspended and retired ones are left out,
    and so are judges of archived projects.

    Returns:
        How many requests were added.
    """
    wanted = sorted(set(comparison_ids))
    judges = [
        judge
        for judge in Judge.objects.filter(pk__in=judge_ids).select_related("project").order_by("pk")
        if judge.state in (JudgeState.ACTIVE, JudgeState.PAUSED)
        and judge.project.state != ProjectState.ARCHIVED
    ]
    shares = shared_out(judges, wanted)
    with transaction.atomic():
        return sum(
            writing.add_requests(routing_run(judge, now), shares[judge.pk], now)
            for judge in judges
            if shares[judge.pk]
        )


def pause_run(*, run: JudgeRun, user: User | None, now: datetime) -> JudgeRun:
    """Stop asking: what is on its way comes back, nothing new is sent. Safe to repeat.

    Raises:
        RunOver: it is done or cancelled.
    """
    return turn(run, RunState.PAUSED, user, now)


def resume_run(*, run: JudgeRun, user: User | None, now: datetime) -> JudgeRun:
    """Go on with a paused run. Safe to repeat.

    Raises:
        RunOver: it is done or cancelled.
    """
    return turn(run, RunState.RUNNING, user, now)


def cancel_run(*, run: JudgeRun, user: User | None, now: datetime) -> JudgeRun:
    """Give up what is not sent yet; what is on its way comes back and counts. Safe to repeat.

    A later run may ask again about what was cancelled.

    Raises:
        RunOver: it is done.
    """
    return turn(run, RunState.CANCELLED, user, now)


def turn(run: JudgeRun, state: RunState, user: User | None, now: datetime) -> JudgeRun:
    with transaction.atomic():
        # Whoever puts a request back into the queue holds a share of this row, or of its key.
        fresh = JudgeRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
        if fresh.state == state:
            return fresh
        if fresh.state not in OPEN_STATES:
            raise RunOver(f"Run {fresh.number} is {fresh.state} already; start another run.")
        fresh.state = state
        if state == RunState.CANCELLED:
            fresh.finished_at = now
            queued = JudgeRequest.objects.filter(run=fresh, state=RequestState.QUEUED)
            queued.update(state=RequestState.CANCELLED, finished_at=now)
            writing.give_up(fresh)
            writing.look_afresh_at_budget(fresh.judge)
            JudgeBatch.objects.filter(run=fresh, state__in=OPEN_BATCHES).update(poll_at=now)
        fresh.save(update_fields=["state", "finished_at"])
        record(fresh, user, "judge_run_state_set", now, to=state.value)
    return fresh


def refuse_unasked(judge: Judge) -> None:
    if judge.project.state == ProjectState.ARCHIVED:
        raise JudgeNotAsked("The project is archived; activate it before you ask a judge.")
    if judge.state != JudgeState.ACTIVE:
        why = f" {judge.state_reason}" if judge.state_reason else ""
        raise JudgeNotAsked(f"{judge} is {judge.state} and is not asked.{why}")


def refuse_batches(endpoint: Endpoint, is_trial: bool) -> None:
    if is_trial:
        raise InvalidField("A trial is asked at once, not by batch.", field="by_batch")
    if not endpoint.takes_batches:
        raise InvalidField(
            f"{endpoint.name} takes no batches; ask at once, or say so in its settings.",
            field="by_batch",
        )


def refuse_strangers(judge: Judge, comparison_ids: Sequence[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(STRANGER, [list(comparison_ids), judge.project_id])
        if stranger := cursor.fetchone():
            raise NotFound(f"The project has no comparison {stranger[0]}.", field="comparisons")


def hold_runs(*, judge_ids: Iterable[int]) -> None:
    """Let nobody else give these judges runs, in the caller's transaction.

    Whoever asks several groups of judges holds all of them first: rivals that met them in another
    order would wait for each other.
    """
    with connection.cursor() as cursor:
        for judge in sorted(set(judge_ids)):
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [NUMBER_LOCK, judge])


def new_run(
    judge: Judge, purpose: RunPurpose, user: User | None, now: datetime, by_batch: bool = False
) -> JudgeRun:
    hold_runs(judge_ids=[judge.pk])
    latest = judge.runs.aggregate(number=Max("number"))["number"] or 0
    return JudgeRun.objects.create(
        project_id=judge.project_id,
        judge=judge,
        number=latest + 1,
        purpose=purpose,
        by_batch=by_batch,
        created_by=user,
        created_at=now,
    )


def routing_run(judge: Judge, now: datetime) -> JudgeRun:
    """Find the judge's open run for routing, or open it. In the caller's transaction."""
    hold_runs(judge_ids=[judge.pk])
    there = judge.runs.filter(purpose=RunPurpose.ROUTING, state__in=OPEN_STATES)
    run = there.order_by("number").first()
    if run is not None and is_held_open(run):
        return run
    return new_run(judge, RunPurpose.ROUTING, None, now)


def is_held_open(run: JudgeRun) -> bool:
    """Whether a run is open; then nobody cancels it before this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM judge_run WHERE id = %s FOR KEY SHARE", [run.pk])
        return cursor.fetchone()[0] in OPEN_STATES


def record(run: JudgeRun, user: User | None, action: str, now: datetime, **told: object) -> None:
    detail = {"judge": str(run.judge), "run": run.number, **told}
    rows.record_change(user=user, project=run.project, action=action, detail=detail, now=now)
