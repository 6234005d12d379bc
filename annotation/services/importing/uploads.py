"""Takes a file in: the bytes are kept as they came, and a row waits for a worker."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import IO
from uuid import uuid4

from django.conf import settings
from django.db import transaction

from annotation.domain.errors import DomainError
from annotation.domain.vocabulary import ImportKind, WorkState
from annotation.models import Import, Project, User


def folder() -> Path:
    """Where uploads lie. Their names are random, their bytes untouched."""
    return settings.VAR / "uploads"


class FileTooLarge(DomainError):
    """An upload is larger than this instance takes."""

    code, status = "file_too_large", 413

    @classmethod
    def over_limit(cls) -> "FileTooLarge":
        limit = settings.UPLOAD_LIMIT // 2**20
        return cls(f"The file is larger than {limit:,} MB.", field="file")


def create_import(
    *,
    project: Project,
    kind: ImportKind,
    file_name: str,
    chunks: Iterable[bytes],
    mapping: Mapping[str, str],
    created_by: User | None,
    now: datetime,
    is_strict: bool = False,
    is_held: bool = False,
) -> Import:
    """Store an upload and queue its import. A failure leaves neither file nor row.

    Args:
        mapping: path of the file's column by field of ours; {} leaves it to be guessed.
        is_held: keep workers off until `release_import`, for a preview first.
    Raises:
        FileTooLarge: more bytes than UPLOAD_LIMIT came.
    """
    stored = folder() / str(uuid4())
    stored.parent.mkdir(parents=True, exist_ok=True)
    try:
        digest, n_bytes = store(chunks, stored)
        return Import.objects.create(
            project=project,
            kind=kind,
            file_name=Path(file_name).name[:255] or "upload",
            stored_path=str(stored),
            file_digest=digest,
            mapping=dict(mapping),
            is_strict=is_strict,
            is_held=is_held,
            n_bytes=n_bytes,
            created_by=created_by,
            created_at=now,
        )
    except BaseException:
        stored.unlink(missing_ok=True)
        raise


def store(chunks: Iterable[bytes], path: Path) -> tuple[bytes, int]:
    """Write chunks to a new file, safe on disk; returns its SHA-256 digest and size."""
    with path.open("xb") as file:
        written = write_chunks(chunks, file)
        file.flush()
        os.fsync(file.fileno())
    return written


def write_chunks(chunks: Iterable[bytes], file: IO[bytes]) -> tuple[bytes, int]:
    """Write chunks up to the limit of this instance; returns their SHA-256 digest and size."""
    digest, n_bytes = hashlib.sha256(), 0
    for chunk in chunks:
        n_bytes += len(chunk)
        if n_bytes > settings.UPLOAD_LIMIT:
            raise FileTooLarge.over_limit()
        digest.update(chunk)
        file.write(chunk)
    return digest.digest(), n_bytes


def register_file(
    *,
    project: Project,
    kind: ImportKind,
    path: Path,
    mapping: Mapping[str, str],
    now: datetime,
    is_strict: bool = False,
) -> Import:
    """Start, or take up again, the import of a file where it lies.

    An import of the same bytes that never ended is continued behind its last batch.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    with transaction.atomic():
        unfinished = Import.objects.filter(
            project=project,
            kind=kind,
            stored_path=str(path),
            file_digest=digest,
            mapping=dict(mapping),
            is_strict=is_strict,
            state__in=[WorkState.RUNNING, WorkState.FAILED],
        )
        if found := unfinished.order_by("-id").first():
            return found
        return Import.objects.create(
            project=project,
            kind=kind,
            file_name=path.name[:255],
            stored_path=str(path),
            file_digest=digest,
            mapping=dict(mapping),
            is_strict=is_strict,
            state=WorkState.RUNNING,
            n_bytes=path.stat().st_size,
            created_at=now,
        )


def release_import(*, upload: Import, mapping: Mapping[str, str], is_strict: bool = False) -> None:
    """Let a worker have an import that was held back for its preview. Safe to repeat."""
    held = Import.objects.filter(pk=upload.pk, is_held=True, state=WorkState.QUEUED)
    held.update(is_held=False, mapping=dict(mapping), is_strict=is_strict)


def discard_import(*, upload: Import) -> None:
    """Forget an upload that was never started, file and all. Safe to repeat."""
    gone, _ = Import.objects.filter(pk=upload.pk, is_held=True, state=WorkState.QUEUED).delete()
    if gone:
        Path(upload.stored_path).unlink(missing_ok=True)
