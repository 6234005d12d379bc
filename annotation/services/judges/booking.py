"""Books what became of calls: answers kept, money settled, verdicts concluded. One transaction."""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction

from annotation.domain.judges.costs import cost_of
from annotation.domain.judges.patience import back_off, retry_after
from annotation.domain.vocabulary import (
    MOST_TRIES,
    AnswerStatus,
    RequestState,
    RunState,
)
from annotation.models import JudgeRequest
from annotation.services.judges import breaker, budgets, keeping, verdicts
from annotation.services.judges.keeping import Fate
from annotation.services.judges.material import Library
from annotation.services.judges.sending import Blame, Outcome

# How often a request is tried again after an answer that is none, a refusal to hear it, no answer.
RETRIES = {
    AnswerStatus.MALFORMED: 2,
    AnswerStatus.REFUSED: 1,
    AnswerStatus.TRUNCATED: 1,
    AnswerStatus.FILTERED: 1,
}
RETRIES_OF_REQUEST = 1
OPEN = (RequestState.QUEUED, RequestState.RUNNING)


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
        cancelled = cancelled_runs({outcome.ticket.run_id for outcome in outcomes})
        held = held_requests(outcomes)
        own = [outcome for outcome in outcomes if outcome.ticket.request_id in held]
        late = [outcome for outcome in outcomes if outcome.ticket.request_id not in held]
        breakers = breaker.count_outcomes(own, now)
        uncounted = {pk for each in breakers.values() for pk in each.uncounted}
        fates = [
            fate_of(outcome, library, cancelled, outcome.ticket.request_id in uncounted, now)
            for outcome in own
        ]
        keeping.write(fates, late, now)
        conclude(fates, library, set(in_hand), now)
        settle(fates)
    return len(own)


def cancelled_runs(run_ids: Iterable[int]) -> set[int]:
    """Find the runs that were cancelled; none is until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, state FROM judge_run WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE",
            [sorted(run_ids)],
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
    share = outcome.ticket.price_share
    return cost_of(*outcome.tokens, judge.price_in * share, judge.price_out * share)


def conclude(fates: Sequence[Fate], library: Library, in_hand: set[int], now: datetime) -> None:
    """Make verdicts where nothing more is awaited."""
    about = {
        (ticket.judge_id, ticket.comparison_id, ticket.is_trial)
        for ticket in (fate.outcome.ticket for fate in fates if fate.state != RequestState.QUEUED)
        if ticket.comparison_id is not None
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
