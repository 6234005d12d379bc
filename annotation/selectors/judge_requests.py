"""How far a run of a judge is, what it has cost, and what it waits for."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from django.db import connection
from django.db.models import F, Func, IntegerField, Min, OuterRef, Subquery

from annotation.domain.judges.money import amount_of
from annotation.domain.vocabulary import (
    AnswerStatus,
    JudgeState,
    ProjectState,
    RequestState,
    RunPurpose,
    RunState,
)
from annotation.models import (
    Endpoint,
    Judge,
    JudgeAnswer,
    JudgeRequest,
    JudgeRun,
    Project,
    UnwrittenRun,
)
from annotation.selectors.clock import database_now

OPEN = (RequestState.QUEUED, RequestState.RUNNING)
PACE = timedelta(minutes=1)  # over which the rate is measured

COUNTS = """
    SELECT state, status, count(*), count(*) FILTER (WHERE is_cached), sum(cost), sum(n_lost),
           count(*) FILTER (WHERE finished_at > %(since)s), min(finished_at)
               FILTER (WHERE finished_at > %(since)s)
    FROM judge_request WHERE run_id = %(run)s GROUP BY state, status
"""
MEASURES = """
    SELECT coalesce(sum(tokens_in), 0), coalesce(sum(tokens_out), 0),
           percentile_cont(0.5) WITHIN GROUP (ORDER BY nullif(seconds, 0)),
           percentile_cont(0.95) WITHIN GROUP (ORDER BY nullif(seconds, 0))
    FROM judge_request JOIN judge_answer ON judge_answer.id = judge_request.answer_id
    WHERE run_id = %(run)s AND NOT is_cached
"""
MOVING, STILL, LONGEST = 2, 15, 60  # seconds between two looks at a run
COUNTED_A_SECOND = 20_000  # requests: larger runs are looked at less often


@dataclass(frozen=True)
class RunProgress:
    """How far a run is.

    Attributes:
        by_state, by_status: requests by what they are, and by what their answers were worth; those
            that occur, in the order of the vocabulary.
        cost: millionths, of all tries. tokens_in, tokens_out: of the answers that count.
        n_cached: answered by an answer that was there. n_lost: calls that may have been paid for in
            vain, as nobody heard their answer.
        seconds, seconds_high: of calls, at the median and at 95 %; None before the first.
        rate: answers a second over the last minute. left: None where nothing moves.
        n_unwritten: comparisons of the order whose requests are not written yet.
        waits_for_money: whether the budget does not suffice. waits_for: a sentence on whatever
            keeps the rest waiting, "" where nothing does.
    """

    by_state: list[tuple[str, int]]
    by_status: list[tuple[str, int]]
    cost: int
    n_cached: int
    n_lost: int
    tokens_in: int
    tokens_out: int
    seconds: float | None
    seconds_high: float | None
    rate: float
    left: timedelta | None
    n_unwritten: int
    by_batch: bool
    waits_for_money: bool
    waits_for: str

    @property
    def n(self) -> int:
        return sum(n for _, n in self.by_state)

    @property
    def n_over(self) -> int:
        return self.n - sum(n for state, n in self.by_state if state in OPEN)

    @property
    def every(self) -> int:
        """Seconds until somebody who watches should look again."""
        is_stuck = bool(self.waits_for) and not self.rate and not self.n_unwritten
        least = STILL if is_stuck or self.by_batch else MOVING
        return max(least, min(self.n // COUNTED_A_SECOND, LONGEST))


def progress_of(run: JudgeRun, now: datetime | None = None) -> RunProgress:
    """Count a run's requests. Five queries, and one for the clock where none is given."""
    now = now or database_now()
    rows = counted(run, now)
    by_state = tally((row.state, row.n) for row in rows)
    rate = rate_of(rows, now)
    n_open = sum(by_state[state] for state in OPEN)
    judge = Judge.objects.select_related("endpoint", "project").get(pk=run.judge_id)
    return RunProgress(
        listed(by_state, RequestState),
        listed(tally((row.status, row.n) for row in rows), AnswerStatus),
        int(sum(row.cost for row in rows)),
        sum(row.n_cached for row in rows),
        int(sum(row.n_lost for row in rows)),
        *measured(run),
        rate=rate,
        left=timedelta(seconds=round(n_open / rate)) if rate and n_open else None,
        n_unwritten=n_unwritten(run),
        by_batch=run.by_batch,
        waits_for_money=bool(by_state["queued"]) and is_short(judge),
        waits_for=hindrance(run, judge, now) if by_state["queued"] else "",
    )


class Row(NamedTuple):
    """Requests of one state and status."""

    state: str
    status: str
    n: int
    n_cached: int
    cost: int
    n_lost: int
    n_recent: int
    since: datetime | None


def tally(pairs: Iterable[tuple[str, int]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for name, n in pairs:
        counts[name] += n
    return counts


def listed(counts: Counter[str], words: type[StrEnum]) -> list[tuple[str, int]]:
    return [(word.value, counts[word.value]) for word in words if counts[word.value]]


def rate_of(rows: Sequence[Row], now: datetime) -> float:
    first = min((row.since for row in rows if row.since), default=now)
    return sum(row.n_recent for row in rows) / max((now - first).total_seconds(), 1.0)


def counted(run: JudgeRun, now: datetime) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, {"run": run.pk, "since": now - PACE})
        return [Row(*row) for row in cursor.fetchall()]


def measured(run: JudgeRun) -> tuple[int, int, float | None, float | None]:
    with connection.cursor() as cursor:
        cursor.execute(MEASURES, {"run": run.pk})
        tokens_in, tokens_out, median, slow = cursor.fetchone()
    return int(tokens_in), int(tokens_out), median, slow


def n_unwritten(run: JudgeRun) -> int:
    size = Func(F("comparison_ids"), function="cardinality", output_field=IntegerField())
    left = UnwrittenRun.objects.filter(run=run).values_list(size - F("n_written"), flat=True)
    return left.first() or 0


def is_short(judge: Judge) -> bool:
    """Whether what is left does not cover the next request of a judge."""
    return judge.unaffordable > judge.budget - judge.spent - judge.reserved


def hindrance(run: JudgeRun, judge: Judge, now: datetime) -> str:
    """Say what keeps queued requests of a run from being sent."""
    if run.state == RunState.PAUSED:
        refusal = f"The endpoint's last refusal: {run.batch_error}" if run.batch_error else ""
        return f"The run is paused. {refusal}".strip()
    if judge.project.state != ProjectState.ACTIVE:
        return f"The project is {judge.project.state}."
    is_checked = judge.state == JudgeState.SUSPENDED and run.purpose == RunPurpose.CANARY
    if judge.state != JudgeState.ACTIVE and not is_checked:
        return f"The judge is {judge.state}. {judge.state_reason}".strip()
    if is_short(judge):
        left = judge.budget - judge.spent - judge.reserved
        return (
            f"The budget does not suffice: the next request may cost "
            f"{amount_of(judge.unaffordable):f}, {amount_of(left):f} is left. Raise the budget."
        )
    return batch_trouble_of(run, now) if run.by_batch else trouble_of(judge.endpoint, now)


def batch_trouble_of(run: JudgeRun, now: datetime) -> str:
    if not run.judge.endpoint.takes_batches:
        return "The endpoint takes no batches any more: cancel the run, and ask at once."
    if run.batch_due_at is None or run.batch_due_at <= now or not run.batch_error:
        return ""
    seconds = (run.batch_due_at - now).total_seconds()
    return (
        f"The endpoint did not take the last batch; the next is sent in {seconds:.0f} s. "
        f"{run.batch_error}"
    )


def trouble_of(endpoint: Endpoint, now: datetime) -> str:
    if endpoint.opened_until is None or endpoint.opened_until <= now:
        return ""
    seconds = (endpoint.opened_until - now).total_seconds()
    return (
        f"The endpoint failed {endpoint.n_failures} times in a row and is tried again in "
        f"{seconds:.0f} s. {endpoint.last_error}"
    ).strip()


def requests_waiting(project: Project) -> int:
    """How many requests of a project's running runs wait to be sent."""
    return JudgeRequest.objects.filter(
        project=project, state=RequestState.QUEUED, run__state=RunState.RUNNING
    ).count()


def waiting_since() -> datetime | None:
    """Since when nothing was answered though something is due that nothing hinders.

    None where all is answered, paused, out of money, or left alone with an endpoint that fails.
    """
    queued = JudgeRequest.objects.filter(run=OuterRef("pk"), state=RequestState.QUEUED)
    left = F("judge__budget") - F("judge__spent") - F("judge__reserved")
    runs = JudgeRun.objects.filter(
        by_batch=False,
        state=RunState.RUNNING,
        judge__state=JudgeState.ACTIVE,
        project__state=ProjectState.ACTIVE,
        judge__unaffordable__lte=left,
        judge__endpoint__n_failures=0,
    )
    first = Subquery(queued.order_by("due_at").values("due_at")[:1])
    due_at: datetime | None = runs.aggregate(at=Min(first))["at"]
    last = JudgeAnswer.objects.order_by("-pk").values_list("answered_at", flat=True).first()
    return max(due_at, last) if due_at and last else due_at


def endpoints_left_alone(now: datetime) -> int:
    """How many endpoints are left alone after failures."""
    return Endpoint.objects.filter(opened_until__gt=now).count()
