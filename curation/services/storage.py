"""Folders and files of versions: written under a temporary name, synced, then renamed."""

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from curation.models import Export, Version

CHUNK = 2**20


def root() -> Path:
    return Path(settings.VAR) / "datasets"


def shard_path(sha256: str) -> Path:
    """Where a shard lies: by its content, so that versions share the shards they have in common."""
    return root() / "shards" / sha256[:2] / f"{sha256}.parquet"


def export_path(export: Export) -> Path:
    version = export.version
    return root() / version.dataset.slug / f"v{version.number}" / export.format


def manifest_path(version: Version) -> Path:
    return root() / version.dataset.slug / f"v{version.number}" / "MANIFEST.json"


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Fill a folder that appears at `target` whole or not at all; an older one is replaced."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    unfinished.mkdir()
    try:
        yield unfinished
        for path in sorted(unfinished.rglob("*")):
            sync(path)
        sync(unfinished)
        if target.exists():
            shutil.rmtree(target)
        unfinished.rename(target)
        sync(target.parent)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def keep_file(unfinished: Path, target: Path) -> None:
    """Move a finished file to its place, synced, replacing one of the same name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    sync(unfinished)
    unfinished.replace(target)
    sync(target.parent)


def sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def clear_unfinished(folder: Path) -> None:
    """Remove what killed builders left beside a target."""
    for left in folder.glob(".*"):
        shutil.rmtree(left, ignore_errors=True)


def write_text(target: Path, text: str) -> None:
    """Write a small file whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    unfinished.write_text(text, encoding="utf-8")
    keep_file(unfinished, target)
