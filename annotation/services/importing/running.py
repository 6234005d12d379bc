"""Runs an import batch by batch. Each batch commits with its refusals and the place behind it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import cast

from django.db import connection, transaction

from annotation.domain.errors import DomainError
from annotation.domain.importing.items import ItemRecord
from annotation.domain.importing.refusals import RefusedLine
from annotation.domain.importing.sources import Position
from annotation.domain.importing.votes import VoteRecord
from annotation.domain.vocabulary import ImportKind, WorkState
from annotation.models import Import, Refusal
from annotation.services.importing import items, judgments, uploads
from annotation.services.importing.items import Written
from annotation.services.importing.reading import Record, readings

BATCH_LINES = 2000
BATCH_BYTES = 8 * 2**20
REFUSALS_KEPT = 10_000  # of one import; more are only counted
MAX_TRIES = 5
RUN_LOCK = 0x5152756E  # "QRun"

Progress = Callable[[Import], None]


class ImportBusy(DomainError):
    """Another process is running this import."""

    code, status = "import_busy", 409


@dataclass(slots=True)
class Batch:
    """Lines that are committed together."""

    records: list[Record] = field(default_factory=list)
    refused: list[RefusedLine] = field(default_factory=list)
    after: Position = field(default_factory=Position)
    n_bytes: int = 0

    @property
    def is_full(self) -> bool:
        n_lines = len(self.records) + len(self.refused)
        return n_lines >= BATCH_LINES or self.n_bytes >= BATCH_BYTES


def run_import(*, import_id: int, now: datetime, progress: Progress | None = None) -> Import:
    """Read an import on from behind its last committed batch to the end of its file.

    Safe to repeat and to kill at any moment: what was committed is not read again. A strict import
    fails at its first refused line, and the batch of that line is not written.

    Raises:
        ImportBusy: it is being run elsewhere.
    """
    with held(import_id), SetAside(import_id, now):
        upload = start(import_id, now)
        if upload.state != WorkState.RUNNING:
            return upload
        for batch in batches(upload):
            upload = commit_batch(import_id, batch, now)
            if progress:
                progress(upload)
            if upload.state != WorkState.RUNNING:
                return upload
        return finish(import_id, now)


def run_next(*, now: datetime) -> bool:
    """Run the upload that waits longest; False when none can be run now.

    Files that a command reads where they lie are that command's own. Imports that failed before
    come last, so that a poison one holds up nobody.
    """
    waiting = Import.objects.filter(
        state__in=[WorkState.QUEUED, WorkState.RUNNING],
        is_held=False,
        stored_path__startswith=str(uploads.folder()),
    )
    for import_id in waiting.order_by("tries", "id").values_list("id", flat=True):
        try:
            run_import(import_id=import_id, now=now)
        except ImportBusy:
            continue
        return True
    return False


@contextmanager
def held(import_id: int) -> Iterator[None]:
    """Hold an import for this database session; the lock goes when the process dies."""
    keys = [RUN_LOCK, import_id % 2**31]
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s, %s)", keys)
        if not cursor.fetchone()[0]:
            raise ImportBusy("This import is being run already; wait for it.")
    try:
        yield
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("select pg_advisory_unlock(%s, %s)", keys)


class SetAside:
    """Writes the error of a crash on the import's row, and sets it aside after MAX_TRIES."""

    def __init__(self, import_id: int, now: datetime) -> None:
        self.import_id, self.now = import_id, now

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, Exception) and connection.is_usable():
            row = Import.objects.filter(pk=self.import_id)
            row.update(error=f"{type(error).__name__}: {error}"[:2000])
            row.filter(tries__gte=MAX_TRIES).update(state=WorkState.FAILED, finished_at=self.now)


def start(import_id: int, now: datetime) -> Import:
    """Mark an import as running and count the try; one that ended is left alone."""
    with transaction.atomic():
        upload = Import.objects.select_for_update().get(pk=import_id)
        if upload.state in (WorkState.DONE, WorkState.CANCELLED):
            return upload
        if upload.tries >= MAX_TRIES and upload.state != WorkState.FAILED:
            # The last try left no word: its process was killed outright.
            upload.state, upload.finished_at = WorkState.FAILED, now
            upload.error = upload.error or f"Stopped {MAX_TRIES} times without an error."
        else:
            upload.state, upload.finished_at = WorkState.RUNNING, None
            upload.tries += 1
            upload.started_at = upload.started_at or now
        upload.save(update_fields=["state", "tries", "error", "started_at", "finished_at"])
        return upload


def batches(upload: Import) -> Iterator[Batch]:
    batch = Batch()
    for reading in readings(
        Path(upload.stored_path),
        name=upload.file_name,
        kind=ImportKind(upload.kind),
        mapping=upload.mapping,
        start=Position(upload.resume_offset, upload.n_read),
    ):
        if reading.record:
            batch.records.append(reading.record)
        if reading.refusal:
            batch.refused.append(reading.refusal)
        batch.after = reading.row.after
        batch.n_bytes += reading.row.n_bytes
        if batch.is_full:
            yield batch
            batch = Batch()
    if batch.records or batch.refused:
        yield batch


def commit_batch(import_id: int, batch: Batch, now: datetime) -> Import:
    """Write a batch, its refusals and the place behind it, in one transaction."""
    with transaction.atomic():
        upload = Import.objects.select_for_update().select_related("project").get(pk=import_id)
        if upload.state == WorkState.CANCELLED:
            return upload
        written = write_batch(upload, batch.records, now)
        refused = sorted(batch.refused + written.refused, key=lambda each: each.line)
        if refused and upload.is_strict:
            transaction.set_rollback(True)
        else:
            note(upload, batch, written, refused)
    return fail_strictly(import_id, refused[0], now) if refused and upload.is_strict else upload


def write_batch(upload: Import, records: Sequence[Record], now: datetime) -> Written:
    if upload.kind == ImportKind.ITEMS:
        of_items = cast(Sequence[ItemRecord], records)
        return items.write_items(project=upload.project, records=of_items, now=now)
    of_votes = cast(Sequence[VoteRecord], records)
    return judgments.write_judgments(project=upload.project, records=of_votes, now=now)


def note(upload: Import, batch: Batch, written: Written, refused: Sequence[RefusedLine]) -> None:
    keep_refusals(upload, refused)
    upload.resume_offset, upload.n_read = batch.after
    upload.n_written += written.n_written
    upload.n_unchanged += written.n_unchanged
    upload.n_refused += len(refused)
    upload.tries, upload.error = 1, ""
    upload.save(
        update_fields=[
            "resume_offset",
            "n_read",
            "n_written",
            "n_unchanged",
            "n_refused",
            "tries",
            "error",
        ]
    )


def keep_refusals(upload: Import, refused: Sequence[RefusedLine]) -> None:
    room = max(REFUSALS_KEPT - upload.n_refused, 0)
    Refusal.objects.bulk_create(
        Refusal(source=upload, line=r.line, field=r.field, rule=r.rule, detail=r.detail)
        for r in refused[:room]
    )


def fail_strictly(import_id: int, refused: RefusedLine, now: datetime) -> Import:
    with transaction.atomic():
        upload = Import.objects.select_for_update().get(pk=import_id)
        keep_refusals(upload, [refused])
        upload.n_refused += 1
        upload.state, upload.finished_at = WorkState.FAILED, now
        upload.error = f"Line {refused.line} was refused, and the import is strict."
        upload.save(update_fields=["n_refused", "state", "finished_at", "error"])
        return upload


def finish(import_id: int, now: datetime) -> Import:
    with transaction.atomic():
        upload = Import.objects.select_for_update().get(pk=import_id)
        upload.state, upload.finished_at, upload.error = WorkState.DONE, now, ""
        upload.save(update_fields=["state", "finished_at", "error"])
        return upload
