"""Fills a batch: requests leased in pieces, each written as a line of a file."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import IO
from uuid import uuid4

from django.db import transaction

from annotation.domain.judges.batch_lines import custom_id_of, line_of, nonce_of
from annotation.domain.vocabulary import RequestState
from annotation.models import Judge, JudgeBatch, JudgeRequest, JudgeRun
from annotation.services.judges import booking, leases, taking
from annotation.services.judges.batches.tender import Tender, fillable
from annotation.services.judges.material import Library, Material, material_for
from annotation.services.judges.sending import Call, Outcome
from annotation.services.judges.taking import Taken

MOST_LINES = 50_000
MOST_WITH_CHANCES = 5_000  # answers with log-probabilities have about 120 kB each
MOST_BYTES = 100 * 10**6
AT_ONCE = 256  # requests leased in one transaction
GIVEN_UP_AFTER = timedelta(hours=48)  # twice the window of a batch
TWIN_WAIT = timedelta(minutes=10)  # for the answer to an equal question that is on its way
TOO_LONG = "It is too long for a batch; ask at once."


def fill(tender: Tender, run: JudgeRun, file: IO[bytes]) -> JudgeBatch | None:
    """Write a batch of what is due of a run, as far as its budget and the limits of a batch go.

    Returns:
        The batch, filling still; None where nothing is left to ask, or the worker is to stop.
    """
    batch, most = new_batch(tender, run), most_lines(run.judge)
    while batch.n_requests < most and not tender.is_stopping():
        limit = min(AT_ONCE, most - batch.n_requests)
        taken = take(batch, limit, tender.library, tender.now)
        if taken is None:
            return batch if batch.n_requests else None
        booking.book(outcomes=taken.outcomes, library=tender.library, in_hand=(), now=tender.now)
        left_over = write(batch, taken.calls, file)
        if left_over:
            leases.hand_back(tickets=[call.ticket for call in left_over])
            return batch
    return batch if batch.n_requests and not tender.is_stopping() else None


def most_lines(judge: Judge) -> int:
    """How many answers come back in time, in one file."""
    return min(MOST_LINES, MOST_WITH_CHANCES) if judge.reads_logprobs else MOST_LINES


def new_batch(tender: Tender, run: JudgeRun) -> JudgeBatch:
    """A batch that is written with its first requests."""
    now = tender.now
    return JudgeBatch(
        project_id=run.project_id,
        endpoint=tender.endpoint,
        judge=run.judge,
        run=run,
        token=uuid4(),
        secret=secrets.token_bytes(32),
        base_url=tender.endpoint.base_url,
        price_share=tender.endpoint.batch_price_share,
        poll_at=now,
        created_at=now,
    )


def take(batch: JudgeBatch, limit: int, library: Library, now: datetime) -> Taken | None:
    """Lease up to `limit` due requests of the batch's run, in one transaction.

    As `taking.take`, which does it for calls. None where nothing is due.
    """
    with transaction.atomic():
        # Whoever cancels the run holds it and then waits for its requests, so it comes first here.
        if booking.cancelled_runs([batch.run_id]):
            return None
        rows = next_rows(batch, limit, now)
        if not rows:
            return None
        library.learn([batch.judge_id])
        material = material_for(row.comparison_id for row in rows if row.comparison_id is not None)
        written = [written_for(batch, row, material, library) for row in rows]
        taking.lock_keys()
        taken = Taken(outcomes=[one for one in written if isinstance(one, Outcome)])
        calls = [one for one in written if isinstance(one, Call)]
        calls = taking.without_answered(calls, taken)
        calls = taking.without_twins(calls, now, batch_wait=TWIN_WAIT)
        taken.calls = taking.affordable(calls, library, batch.price_share)
        if taken.calls and batch.pk is None:
            batch.save(force_insert=True)
        ends_at = now + GIVEN_UP_AFTER
        taking.lease([call.ticket for call in taken.calls], ends_at, batch.pk)
        taking.lease([one.ticket for one in taken.outcomes], ends_at)
        return taken


def next_rows(batch: JudgeBatch, limit: int, now: datetime) -> list[JudgeRequest]:
    if not fillable(now).filter(pk=batch.run_id).exists():
        return []
    queued = JudgeRequest.objects.filter(
        run=batch.run_id, state=RequestState.QUEUED, due_at__lte=now
    )
    return list(queued.select_for_update(skip_locked=True).order_by("due_at", "pk")[:limit])


def written_for(
    batch: JudgeBatch, row: JudgeRequest, material: Material, library: Library
) -> Call | Outcome:
    """Write one request; one that no file can hold fails by itself."""
    one = taking.written(row, material, library, batch.token, nonce_for(batch, row.pk))
    if isinstance(one, Call) and len(line_for(batch, one)) > MOST_BYTES:
        return taking.unasked(one.ticket, TOO_LONG)
    return one


def line_for(batch: JudgeBatch, call: Call) -> bytes:
    return line_of(custom_id_of(call.ticket.request_id, batch.token), call.body)


def nonce_for(batch: JudgeBatch, request_id: int) -> str:
    return nonce_of(bytes(batch.secret), request_id)


def write(batch: JudgeBatch, calls: Sequence[Call], file: IO[bytes]) -> Sequence[Call]:
    """Write calls as lines; give those that do not fit any more."""
    for n, call in enumerate(calls):
        line = line_for(batch, call)
        if file.tell() + len(line) > MOST_BYTES:
            return calls[n:]
        file.write(line)
        batch.n_requests += 1
    return ()
