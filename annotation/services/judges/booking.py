"""Books what became of calls: answers kept, money settled, verdicts concluded. One transaction."""

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from annotation.domain.judges.costs import cost_of
from annotation.domain.judges.patience import back_off, retry_after
from annotation.domain.vocabulary import (
    MOST_TRIES,
    AnswerStatus,
    RequestState,
    RunPurpose,
    RunState,
)
from annotation.models import JudgeAnswer, JudgeRequest, JudgeRun
from annotation.services.judges import breaker, budgets, verdicts
from annotation.services.judges.material import Library
from annotation.services.judges.sending import Blame, Outcome, Ticket, plain

# How often a request is tried again after an answer that is none, a refusal to hear it, no answer.
RETRIES = {
    AnswerStatus.MALFORMED: 2,
    AnswerStatus.REFUSED: 1,
    AnswerStatus.TRUNCATED: 1,
    AnswerStatus.FILTERED: 1,
}
RETRIES_OF_REQUEST = 1
OPEN = (RequestState.QUEUED, RequestState.RUNNING)
EXPIRED = 500

# As JSON, because long texts are escaped much faster that way than in arrays.
ADD_ANSWERS = """
    INSERT INTO judge_answer (
        request_id, cache_key, nonce, raw, body, status, finish_reason, tokens_in, tokens_out, cost,
        seconds, answered_at
    )
    SELECT request_id, decode(cache_key, 'hex'), nonce, raw, body, status, finish_reason, tokens_in,
           tokens_out, cost, seconds, %s
    FROM json_to_recordset(%s::json) AS said(
        request_id bigint, cache_key text, nonce text, raw text, body jsonb, status text,
        finish_reason text, tokens_in int, tokens_out int, cost bigint, seconds float
    )
    ON CONFLICT DO NOTHING
    RETURNING id, request_id
"""
WRITE = """
    UPDATE judge_request SET
        state = told.state, due_at = coalesce(told.due_at, judge_request.due_at),
        tries = told.tries, answer_id = told.answer_id, is_cached = told.is_cached,
        status = told.status, verdict = told.verdict, chances = told.chances,
        error = told.error, cost = judge_request.cost + told.cost,
        n_lost = judge_request.n_lost + told.n_lost, finished_at = told.finished_at,
        lease_token = NULL, lease_ends_at = NULL, reserved = 0
    FROM json_to_recordset(%s::json) AS told(
        id bigint, state text, due_at timestamptz, tries int, answer_id bigint, is_cached bool,
        status text, verdict jsonb, chances jsonb, error text, cost bigint, n_lost int,
        finished_at timestamptz
    )
    WHERE judge_request.id = told.id
"""


@dataclass(frozen=True, slots=True)
class Fate:
    """What a request becomes. `due_at` where it is tried again."""

    outcome: Outcome
    state: RequestState
    tries: int
    cost: int
    due_at: datetime | None = None


def book(
    *,
    outcomes: Sequence[Outcome],
    library: Library,
    in_hand: Iterable[int],
    now: datetime,
) -> int:
    """Write what became of leased requests; give how many are over or tried again.

    Where the lease was lost meanwhile, the outcome is thrown away, but a usable answer is kept for
    whoever asks again. `in_hand` are requests that this worker will book later: a comparison is not
    looked at before they are.
    """
    if not outcomes:
        return 0
    with transaction.atomic():
        library.learn(outcome.ticket.judge_id for outcome in outcomes)
        cancelled = cancelled_runs(outcomes)
        held = held_requests(outcomes)
        own = [outcome for outcome in outcomes if outcome.ticket.request_id in held]
        late = [outcome for outcome in outcomes if outcome.ticket.request_id not in held]
        breakers = breaker.count_outcomes(own, now)
        uncounted = {pk for each in breakers.values() for pk in each.uncounted}
        fates = [
            fate_of(outcome, library, cancelled, outcome.ticket.request_id in uncounted, now)
            for outcome in own
        ]
        write(fates, late, now)
        conclude(fates, library, set(in_hand), now)
        settle(fates)
    return len(own)


def cancelled_runs(outcomes: Sequence[Outcome]) -> set[int]:
    """Find the runs that were cancelled; none is until this transaction ends."""
    runs = JudgeRun.objects.filter(pk__in={outcome.ticket.run_id for outcome in outcomes})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, state FROM judge_run WHERE id = ANY(%s) ORDER BY id FOR SHARE",
            [sorted(runs.values_list("pk", flat=True))],
        )
        return {pk for pk, state in cursor.fetchall() if state == RunState.CANCELLED}


def held_requests(outcomes: Sequence[Outcome]) -> set[int]:
    """Lock the requests and find those whose lease is still the one that was sent under."""
    tokens = {outcome.ticket.request_id: outcome.ticket.token for outcome in outcomes}
    rows = (
        JudgeRequest.objects.filter(pk__in=tokens, state=RequestState.RUNNING)
        .select_for_update(no_key=True)
        .order_by("pk")
        .values_list("pk", "lease_token")
    )
    return {pk for pk, token in rows if token == tokens[pk]}


def fate_of(
    outcome: Outcome, library: Library, cancelled: set[int], is_uncounted: bool, now: datetime
) -> Fate:
    ticket = outcome.ticket
    cost = charge(outcome, library)
    if outcome.said is not None:
        return Fate(outcome, RequestState.ANSWERED, ticket.tries, cost)
    tries = ticket.tries if is_uncounted else ticket.tries + 1
    if tries > retries_of(outcome):
        return Fate(outcome, RequestState.FAILED, tries, cost)
    if ticket.run_id in cancelled:
        return Fate(outcome, RequestState.CANCELLED, tries, cost)
    wait = back_off(max(tries, 1), random.random())  # noqa: S311 - spreads calls, keeps no secret
    if outcome.blame == Blame.BUSY:
        wait += retry_after(outcome.retry_after, now) or 0.0
    return Fate(outcome, RequestState.QUEUED, tries, cost, now + timedelta(seconds=wait))


def retries_of(outcome: Outcome) -> int:
    if outcome.blame == Blame.REQUEST:
        return RETRIES_OF_REQUEST
    return RETRIES.get(outcome.status, MOST_TRIES - 1)


def charge(outcome: Outcome, library: Library) -> int:
    """What a call costs. Where its end or its tokens are unknown, the most that it may have."""
    if not outcome.is_billed:
        return 0
    if outcome.tokens is None or outcome.is_lost:
        return outcome.ticket.reserved
    judge = library.judges[outcome.ticket.judge_id]
    return cost_of(*outcome.tokens, Decimal(judge.price_in), Decimal(judge.price_out))


def write(fates: Sequence[Fate], late: Sequence[Outcome], now: datetime) -> None:
    """Keep the answers, then write the requests. A late answer was charged with its lost lease."""
    told = [(fate.outcome, fate.cost) for fate in fates if is_kept(fate.outcome)]
    usable_late = [(outcome, 0) for outcome in late if outcome.said is not None]
    answers = add_answers([*told, *usable_late], now)
    if fates:
        rows = [request_row(fate, answers, now) for fate in fates]
        with connection.cursor() as cursor:
            cursor.execute(WRITE, [as_json(rows)])


def as_json(rows: Sequence[dict[str, Any]]) -> str:
    return orjson.dumps(rows).decode()


def is_kept(outcome: Outcome) -> bool:
    """Whether there is an answer of its own to keep, or a call that may have to be paid for."""
    return outcome.cached_id is None and bool(outcome.raw or outcome.is_lost)


def add_answers(told: Sequence[tuple[Outcome, int]], now: datetime) -> dict[int, int]:
    """Keep answers; give their ids by request, where another was first that one's."""
    if not told:
        return {}
    rows = [answer_row(outcome, cost) for outcome, cost in told]
    with connection.cursor() as cursor:
        cursor.execute(ADD_ANSWERS, [now, as_json(rows)])
        answers = {request: pk for pk, request in cursor.fetchall()}
    doubled = {
        outcome.ticket.cache_key: outcome.ticket.request_id
        for outcome, _ in told
        if outcome.ticket.request_id not in answers
    }
    first = JudgeAnswer.objects.filter(status=AnswerStatus.USABLE, cache_key__in=list(doubled))
    return answers | {doubled[bytes(key)]: pk for pk, key in first.values_list("pk", "cache_key")}


def answer_row(outcome: Outcome, cost: int) -> dict[str, Any]:
    ticket = outcome.ticket
    tokens_in, tokens_out = outcome.tokens or (0, 0)
    return {
        "request_id": ticket.request_id,
        "cache_key": ticket.cache_key.hex(),
        "nonce": ticket.nonce,
        "raw": outcome.raw,
        "body": outcome.body,
        "status": outcome.status.value,
        "finish_reason": outcome.finish_reason,
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
        "cost": cost,
        "seconds": outcome.seconds,
    }


def request_row(fate: Fate, answers: Mapping[int, int], now: datetime) -> dict[str, Any]:
    outcome = fate.outcome
    is_over = fate.state != RequestState.QUEUED
    return {
        "id": outcome.ticket.request_id,
        "state": fate.state.value,
        "due_at": fate.due_at,
        "tries": fate.tries,
        "answer_id": outcome.cached_id or answers.get(outcome.ticket.request_id),
        "is_cached": outcome.cached_id is not None,
        "status": outcome.status.value if is_over else "",
        "verdict": outcome.said.as_json() if outcome.said else None,
        "chances": outcome.chances or None,
        "error": plain(outcome.detail[:500]),
        "cost": fate.cost,
        "n_lost": int(outcome.is_lost),
        "finished_at": now if is_over else None,
    }


def conclude(fates: Sequence[Fate], library: Library, in_hand: set[int], now: datetime) -> None:
    """Make verdicts where nothing more is awaited."""
    about = {
        (ticket.judge_id, ticket.comparison_id, ticket.is_trial)
        for ticket in (fate.outcome.ticket for fate in fates if fate.state != RequestState.QUEUED)
    }
    if keys := about - awaited(about, in_hand):
        verdicts.conclude_verdicts(judges=library.judges.values(), keys=keys, now=now)


def awaited(about: set[verdicts.Key], in_hand: set[int]) -> set[verdicts.Key]:
    """Find the comparisons of which this worker still has a request, or one is queued.

    What another worker has may be booked at this very moment, so that is left to the verdict's own
    lock.
    """
    rows = JudgeRequest.objects.filter(
        comparison__in={comparison for _, comparison, _ in about},
        judge__in={judge for judge, _, _ in about},
        state__in=OPEN,
    ).values_list("pk", "state", "judge_id", "comparison_id", "is_trial")
    return {
        (judge, comparison, is_trial)
        for pk, state, judge, comparison, is_trial in rows
        if state == RequestState.QUEUED or pk in in_hand
    }


def settle(fates: Sequence[Fate]) -> None:
    released: defaultdict[int, int] = defaultdict(int)
    costs: defaultdict[int, int] = defaultdict(int)
    for fate in fates:
        released[fate.outcome.ticket.judge_id] += fate.outcome.ticket.reserved
        costs[fate.outcome.ticket.judge_id] += fate.cost
    changed = {pk for pk in released if released[pk] or costs[pk]}
    budgets.settle({pk: released[pk] for pk in changed}, costs)


def book_expired(*, library: Library, now: datetime) -> int:
    """Take back the requests of workers that are gone; give how many.

    Nobody knows whether such a call was answered, so it counts as lost and is charged for.
    """
    with transaction.atomic():
        rows = list(
            JudgeRequest.objects.filter(state=RequestState.RUNNING, lease_ends_at__lte=now)
            .select_for_update(no_key=True, skip_locked=True)
            .order_by("lease_ends_at")[:EXPIRED]
        )
        lost = [lost_outcome(row) for row in rows]
        return book(outcomes=lost, library=library, in_hand=(), now=now)


def lost_outcome(row: JudgeRequest) -> Outcome:
    assert row.lease_token is not None
    ticket = Ticket(
        request_id=row.pk,
        token=row.lease_token,
        judge_id=row.judge_id,
        endpoint_id=row.endpoint_id,
        comparison_id=row.comparison_id,
        run_id=row.run_id,
        is_trial=row.is_trial,
        tries=row.tries,
        reserved=row.reserved,
        cache_key=bytes(row.cache_key or b""),
    )
    told = "The worker that asked is gone; whether it was answered is not known."
    return Outcome(
        ticket, AnswerStatus.UNREACHABLE, told, blame=Blame.WORKER, is_sent=False, is_lost=True
    )


def hand_back(*, tickets: Sequence[Ticket]) -> None:
    """Put leased requests back that were not sent, with what was set aside for them."""
    if not tickets:
        return
    released: defaultdict[int, int] = defaultdict(int)
    tokens = {ticket.request_id: ticket for ticket in tickets}
    with transaction.atomic():
        rows = JudgeRequest.objects.filter(
            pk__in=tokens, state=RequestState.RUNNING
        ).select_for_update(no_key=True)
        mine = [row for row in rows.order_by("pk") if row.lease_token == tokens[row.pk].token]
        cancelled = set(
            JudgeRun.objects.filter(
                pk__in={row.run_id for row in mine}, state=RunState.CANCELLED
            ).values_list("pk", flat=True)
        )
        for row in mine:
            released[row.judge_id] += row.reserved
            row.state = RequestState.CANCELLED if row.run_id in cancelled else RequestState.QUEUED
            row.lease_token = row.lease_ends_at = None
            row.reserved = 0
        JudgeRequest.objects.bulk_update(
            mine, ["state", "lease_token", "lease_ends_at", "reserved"]
        )
        budgets.settle(released, {})


def finish_runs(*, now: datetime) -> None:
    """Close the runs in which nothing is left to do. Runs for routing stay open."""
    is_open = JudgeRequest.objects.filter(run=OuterRef("pk"), state__in=OPEN)
    runs = JudgeRun.objects.filter(~Exists(is_open), state=RunState.RUNNING)
    runs.exclude(purpose=RunPurpose.ROUTING).update(state=RunState.DONE, finished_at=now)
