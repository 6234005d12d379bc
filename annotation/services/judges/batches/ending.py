"""Ends batches of which nothing more comes: what was set aside for them is freed or spent."""

from contextlib import suppress
from datetime import datetime

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Least

from annotation.domain.vocabulary import (
    OPEN_BATCHES,
    BatchState,
    RequestState,
    RunState,
)
from annotation.models import JudgeBatch, JudgeRequest, JudgeRun
from annotation.services.judges import booking, budgets, leases, runs
from annotation.services.judges.batches.line import Refused
from annotation.services.judges.batches.tender import Tender, refill_wait
from annotation.services.judges.runs import RunOver
from annotation.services.judges.sending import Blame

AT_ONCE = 500  # requests in one transaction
PAUSED_AFTER = 5  # refusals in a row that no waiting mends
MOST_COUNTED = 1000  # failures in a row
MENDED_BY_WAITING = (Blame.ENDPOINT, Blame.BUSY, Blame.WORKER)

GIVE_BACK = """
    WITH back AS (
        UPDATE judge_request SET
            state = %(state)s, finished_at = %(finished_at)s,
            lease_token = NULL, lease_ends_at = NULL, reserved = 0
        FROM (
            SELECT id, reserved FROM judge_request
            WHERE batch_id = %(batch)s AND state = 'running' AND lease_token = %(token)s
            ORDER BY id FOR NO KEY UPDATE
        ) held
        WHERE judge_request.id = held.id
        RETURNING held.reserved
    )
    SELECT coalesce(sum(reserved), 0)::bigint FROM back
"""


def give_back(batch: JudgeBatch, error: str, now: datetime) -> bool:
    """Put the requests of a batch back of which nothing was answered, at no cost and no try.

    False where the batch is over already.
    """
    with transaction.atomic():
        run = JudgeRun.objects.select_for_update(of=("self",), no_key=True).get(pk=batch.run_id)
        if not close(batch, BatchState.FAILED, now, error=error[:500]):
            return False
        is_cancelled = run.state == RunState.CANCELLED
        with connection.cursor() as cursor:
            cursor.execute(
                GIVE_BACK,
                {
                    "batch": batch.pk,
                    "token": batch.token,
                    "state": RequestState.CANCELLED if is_cancelled else RequestState.QUEUED,
                    "finished_at": now if is_cancelled else None,
                },
            )
            (released,) = cursor.fetchone()
        budgets.settle({batch.judge_id: released}, {})
    return True


def close(batch: JudgeBatch, state: BatchState, now: datetime, **told: object) -> bool:
    """Write that a batch is over; False where it was already."""
    batch.state, batch.finished_at = state, now
    is_open = JudgeBatch.objects.filter(pk=batch.pk, state__in=OPEN_BATCHES)
    return bool(is_open.update(state=state, finished_at=now, **told))


def refuse(tender: Tender, batch: JudgeBatch, refused: Refused) -> None:
    """Give a batch back that the endpoint did not take; try again later."""
    if give_back(batch, refused.detail, tender.now):
        count_failure(tender, batch.run, refused)


def count_failure(tender: Tender, run: JudgeRun, refused: Refused) -> None:
    """Let a run wait with its next batch.

    A refusal that no waiting mends pauses it after five in a row, unless another batch of it is
    under way: somebody must look.
    """
    run.refresh_from_db()
    n_failures = run.batch_failures + 1
    JudgeRun.objects.filter(pk=run.pk).update(
        batch_failures=Least(F("batch_failures") + 1, MOST_COUNTED),
        batch_due_at=tender.now + refill_wait(n_failures, refused.blame),
        batch_error=refused.detail[:500],
    )
    is_alone = not run.batches.filter(state__in=OPEN_BATCHES).exists()
    if n_failures >= PAUSED_AFTER and refused.blame not in MENDED_BY_WAITING and is_alone:
        with suppress(RunOver):
            runs.pause_run(run=run, user=None, now=tender.now)
        JudgeRun.objects.filter(pk=run.pk).update(batch_failures=0, batch_due_at=None)


def lose(tender: Tender, batch: JudgeBatch, error: str) -> None:
    """Give up a batch of which nobody knows what became: it may have been answered, so it is
    charged for, and asked again."""
    while rows := list(
        JudgeRequest.objects.filter(
            batch=batch, state=RequestState.RUNNING, lease_token=batch.token
        ).order_by("pk")[:AT_ONCE]
    ):
        outcomes = [leases.lost_outcome(row) for row in rows]
        booking.book(outcomes=outcomes, library=tender.library, in_hand=(), now=tender.now)
    close(batch, BatchState.LOST, tender.now, error=error[:500])
