"""Sends a filled batch, once: one that was asked for is found again, and not asked for twice."""

from contextlib import suppress
from datetime import timedelta
from typing import IO

from django.db.models import F

from annotation.domain.judges.patience import look_again
from annotation.domain.vocabulary import OPEN_BATCHES, BatchState, RunState
from annotation.models import JudgeBatch, JudgeRun
from annotation.services.judges.batches import ending
from annotation.services.judges.batches.line import Refused, Told
from annotation.services.judges.batches.tender import Tender
from annotation.services.judges.sending import Blame

SOUGHT_FOR = timedelta(minutes=5)  # until an endpoint must list what it was asked for
NO_LIST = (404, 405, 501)


def submit(tender: Tender, batch: JudgeBatch, file: IO[bytes]) -> None:
    """Send the file, then ask for the batch. Until it is asked for, nothing costs anything."""
    file.flush()
    try:
        name = tender.line.upload(file, f"quorum-{batch.token.hex}.jsonl")
    except Refused as refused:
        ending.refuse(tender, batch, refused)
        return
    if not JudgeRun.objects.filter(pk=batch.run_id, state=RunState.RUNNING).exists():
        ending.give_back(batch, "The run was stopped before it was sent.", tender.now)
        forget(tender, name)
        return
    told = {"input_file": name, "n_requests": batch.n_requests, "submitted_at": tender.now}
    if not moved(batch, BatchState.FILLING, BatchState.SUBMITTING, **told):
        return
    try:
        answer = tender.line.submit(name, batch.token.hex)
    except Refused as refused:
        if refused.is_certain:
            ending.refuse(tender, batch, refused)
            forget(tender, name)
        else:
            put_off(tender, batch, refused.detail)
        return
    found(tender, batch, answer)


def forget(tender: Tender, *names: str) -> None:
    """Leave no files at the endpoint that nobody needs; it is no matter if that fails."""
    for name in names:
        with suppress(Refused):
            if name:
                tender.line.forget(name)


def moved(batch: JudgeBatch, former: BatchState, state: BatchState, **told: object) -> bool:
    """Write a batch's next state, unless somebody else has written one."""
    for name, value in (told | {"state": state}).items():
        setattr(batch, name, value)
    same = JudgeBatch.objects.filter(pk=batch.pk, state=former)
    return bool(same.update(state=state, **told))


def found(tender: Tender, batch: JudgeBatch, told: Told) -> None:
    """Write down under which name the endpoint has a batch."""
    moved(
        batch,
        BatchState.SUBMITTING,
        BatchState.SUBMITTED,
        external_id=told.external_id,
        poll_at=tender.now + look_again(0),
        n_failures=0,
        error="",
    )
    JudgeRun.objects.filter(pk=batch.run_id).exclude(batch_error="").update(batch_error="")


def recover(tender: Tender, batch: JudgeBatch) -> None:
    """Find the batch that somebody asked for who did not hear, or could not write, its name."""
    assert batch.submitted_at is not None
    try:
        told = tender.line.find(batch.input_file, batch.token.hex)
    except Refused as refused:
        if lists_nothing(refused) and tender.now >= batch.submitted_at + SOUGHT_FOR:
            ending.lose(tender, batch, f"It cannot be looked for. {refused.detail}")
        else:
            put_off(tender, batch, refused.detail)
        return
    if told is not None:
        found(tender, batch, told)
    elif tender.now >= batch.submitted_at + SOUGHT_FOR:
        ending.lose(tender, batch, "The endpoint does not list it; it may have been answered.")
    else:
        put_off(tender, batch, "The endpoint does not list it yet.")


def lists_nothing(refused: Refused) -> bool:
    """Whether it will never list batches; one that is down, busy or turns a key away may yet."""
    return refused.status in NO_LIST or refused.blame == Blame.REQUEST


def put_off(tender: Tender, batch: JudgeBatch, error: str) -> None:
    """Look again later; failures in a row lengthen the wait to a minute."""
    JudgeBatch.objects.filter(pk=batch.pk, state__in=OPEN_BATCHES).update(
        poll_at=tender.now + look_again(batch.n_failures + 1),
        n_failures=F("n_failures") + 1,
        error=error[:500],
    )
