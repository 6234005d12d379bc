"""Tends the batches of one endpoint: looks at those under way, books what is over, sends more."""

from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime
from tempfile import TemporaryFile

from django.db.models import F

from annotation.domain.errors import DomainError
from annotation.domain.judges.patience import look_again
from annotation.domain.vocabulary import OPEN_BATCHES, BatchState, RunState
from annotation.models import Endpoint, JudgeBatch, JudgeRun, Project
from annotation.services.judges.batches import ending, filling, gathering, submitting
from annotation.services.judges.batches.line import FileLine, Refused, Told
from annotation.services.judges.batches.tender import (
    Tender,
    due_runs,
    fillable,
    held,
    with_room,
)
from annotation.services.judges.keys import key_of
from annotation.services.judges.material import Library
from annotation.services.judges.sending import Blame

OVER = {
    "completed": BatchState.COMPLETED,
    "expired": BatchState.EXPIRED,
    "cancelled": BatchState.CANCELLED,
    "failed": BatchState.FAILED,
}
LATER = ("token_limit_exceeded", "rate_limit_exceeded")
UNKNOWN = 404
UNKNOWN_AFTER = 10  # times that an endpoint says it has no such batch, a minute apart at last


def tend(
    *,
    endpoint: Endpoint,
    project: Project | None,
    clock: Callable[[], datetime],
    is_stopping: Callable[[], bool],
) -> int:
    """Do what is due for the batches of an endpoint; give how many were sent or ended.

    Any number of workers may do this at once. A worker that is killed loses nothing: what it filled
    is put back, what it asked for is found again, what it booked stays so. Safe to repeat.
    """
    runs = due_runs(clock(), project, endpoint.pk)
    try:
        line = FileLine(endpoint.base_url, key_of(endpoint), endpoint.timeout_seconds)
    except DomainError as error:
        leave_unkeyed(runs, error.detail, clock())
        return 0
    n_done = 0
    with closing(line):
        for run in runs:
            with held(run) as is_held:
                if is_held and not is_stopping():
                    n_done += tend_run(Tender(endpoint, line, clock, is_stopping), run)
    return n_done


def leave_unkeyed(runs: list[JudgeRun], reason: str, now: datetime) -> None:
    """Wait a minute where the endpoint's key cannot be read here."""
    later = now + look_again(10)
    ids = [run.pk for run in runs]
    JudgeRun.objects.filter(pk__in=ids).update(batch_due_at=later, batch_error=reason[:500])
    JudgeBatch.objects.filter(run__in=ids, state__in=OPEN_BATCHES).update(poll_at=later)


def tend_run(tender: Tender, run: JudgeRun) -> int:
    open_batches = run.batches.filter(state__in=OPEN_BATCHES)
    n_done = 0
    for batch in open_batches.filter(poll_at__lte=tender.now).order_by("poll_at", "pk"):
        if tender.is_stopping():
            break
        tender.library = Library()  # the last one may have taken an hour
        # Whatever goes wrong with this one, the others come first next time.
        JudgeBatch.objects.filter(pk=batch.pk).update(poll_at=tender.now + look_again(10))
        n_done += look_after(tender, batch)
    return n_done + send_more(tender, run)


def send_more(tender: Tender, run: JudgeRun) -> int:
    """Send what is due. After a failure a look whether the endpoint is there comes first."""
    n_sent = 0
    while with_room(fillable(tender.now).filter(pk=run.pk)).exists():
        tender.library = Library()
        try:
            if run.batch_failures:
                tender.line.knock()
        except Refused as refused:
            ending.count_failure(tender, run, refused)
            break
        with TemporaryFile() as file:
            filled = filling.fill(tender, run, file)
            if filled is None:
                break
            submitting.submit(tender, filled, file)
            n_sent += 1
    return n_sent


def look_after(tender: Tender, batch: JudgeBatch) -> bool:
    """Do what one batch asks for; True if it is over."""
    if batch.state == BatchState.FILLING:
        return ending.give_back(batch, "Its worker is gone; nothing was asked.", tender.now)
    if batch.base_url != tender.endpoint.base_url:
        ending.lose(tender, batch, "The endpoint's address has changed since it was sent.")
    elif batch.submitted_at and tender.now >= batch.submitted_at + filling.GIVEN_UP_AFTER:
        with suppress(Refused):
            if batch.external_id:
                tender.line.cancel(batch.external_id)
        ending.lose(tender, batch, f"It was not over within two days. {batch.error}".strip())
    elif batch.state == BatchState.SUBMITTING:
        submitting.recover(tender, batch)
    else:
        look_at(tender, batch)
    return batch.state not in OPEN_BATCHES


def look_at(tender: Tender, batch: JudgeBatch) -> None:
    try:
        told = tender.line.look(batch.external_id)
        state = OVER.get(told.status)
        if state is None:
            wait(tender, batch, told)
        elif state == BatchState.FAILED and not (told.output_file or told.error_file):
            reject(tender, batch, told)
        else:
            end(tender, batch, told, state)
    except Refused as refused:
        if refused.status == UNKNOWN and batch.n_failures >= UNKNOWN_AFTER:
            ending.lose(tender, batch, f"The endpoint knows it no more. {refused.detail}")
        else:
            submitting.put_off(tender, batch, refused.detail)


def wait(tender: Tender, batch: JudgeBatch, told: Told) -> None:
    """Look again later; a batch of a cancelled run is cancelled first, once."""
    run_state = JudgeRun.objects.values_list("state", flat=True).get(pk=batch.run_id)
    asked_at = batch.cancel_asked_at
    if run_state == RunState.CANCELLED and asked_at is None:
        tender.line.cancel(batch.external_id)
        asked_at = tender.now
    JudgeBatch.objects.filter(pk=batch.pk).update(
        n_done=told.n_done or 0,
        n_looks=F("n_looks") + 1,
        poll_at=tender.now + look_again(0 if asked_at != batch.cancel_asked_at else batch.n_looks),
        cancel_asked_at=asked_at,
        n_failures=0,
        error="",
    )


def reject(tender: Tender, batch: JudgeBatch, told: Told) -> None:
    """The endpoint refused the batch as a whole, so that nothing of it was asked."""
    why = told.detail or "The endpoint refused the batch and does not say why."
    blame = Blame.BUSY if any(word in why for word in LATER) else Blame.REQUEST
    ending.refuse(tender, batch, Refused(blame, why, is_certain=True))


def end(tender: Tender, batch: JudgeBatch, told: Told, state: BatchState) -> None:
    """Book what it answered, close it, and leave nothing of it at the endpoint."""
    gathered = gathering.gather(tender, batch, told)
    ending.close(
        batch,
        state,
        tender.now,
        n_done=told.n_done or 0,
        n_matched=len(gathered.seen),
        n_missing=len(gathered.awaited),
        n_doubled=gathered.n_doubled,
        n_unknown=gathered.n_unknown,
        n_garbled=gathered.n_garbled,
        error=told.detail,
    )
    JudgeRun.objects.filter(pk=batch.run_id, batch_failures__gt=0).update(batch_failures=0)
    submitting.forget(tender, batch.input_file, told.output_file, told.error_file)
