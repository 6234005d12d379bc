"""Ends leases that were not kept, and runs in which nothing is left to do."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from annotation.domain.vocabulary import AnswerStatus, RequestState, RunPurpose, RunState
from annotation.models import JudgeRequest, JudgeRun
from annotation.services.judges import booking, budgets
from annotation.services.judges.booking import OPEN
from annotation.services.judges.material import Library
from annotation.services.judges.sending import Blame, Outcome, Ticket

EXPIRED = 500  # requests in one transaction


def book_expired(*, library: Library, now: datetime) -> int:
    """Take back the requests of workers that are gone; give how many.

    Nobody knows whether such a call was answered, so it counts as lost and is charged for. What a
    batch holds is that batch's.
    """
    with transaction.atomic():
        rows = list(
            JudgeRequest.objects.filter(
                state=RequestState.RUNNING, lease_ends_at__lte=now, batch__isnull=True
            )
            .select_for_update(no_key=True, skip_locked=True)
            .order_by("lease_ends_at")[:EXPIRED]
        )
        lost = [lost_outcome(row) for row in rows]
        return booking.book(outcomes=lost, library=library, in_hand=(), now=now)


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
        cancelled = booking.cancelled_runs({ticket.run_id for ticket in tickets})
        rows = JudgeRequest.objects.filter(
            pk__in=tokens, state=RequestState.RUNNING
        ).select_for_update(no_key=True)
        mine = [row for row in rows.order_by("pk") if row.lease_token == tokens[row.pk].token]
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
    runs = JudgeRun.objects.filter(~Exists(is_open), unwritten=None, state=RunState.RUNNING)
    runs.exclude(purpose=RunPurpose.ROUTING).update(state=RunState.DONE, finished_at=now)
