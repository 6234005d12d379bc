"""Folders of Parquet shards: a shard is written whole or not at all, and never twice."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from annotation.domain.errors import DomainError
from curation.domain.texts import text_digest

MADE_BY = "_made_by.json"  # what the shards beside it were made with; readers skip a leading "_"
COMPRESSION = "zstd"


class BadFolder(DomainError):
    """A folder cannot be read as shards, or was written with something else."""

    code = "bad_folder"


def shards_in(folder: Path) -> list[Path]:
    """The shards of a folder, by name.

    Raises:
        BadFolder: there are none.
    """
    found = sorted(path for path in folder.glob("*.parquet") if path.name[0] not in "._")
    if not found:
        raise BadFolder(f"There is no Parquet file in {folder}.")
    return found


def texts_in(shard: Path) -> pa.Table:
    """The distinct texts of a shard in their order, as columns `digest` and `text`.

    A null counts as an empty text.

    Raises:
        BadFolder: the shard has no column `text`.
    """
    if "text" not in pq.read_schema(shard).names:
        raise BadFolder(f"{shard} has no column 'text'.")
    column = pq.read_table(shard, columns=["text"])["text"]
    texts = list(dict.fromkeys(text or "" for text in column.to_pylist()))
    digests = [text_digest(text) for text in texts]
    return pa.table(
        {"digest": pa.array(digests, pa.binary()), "text": pa.array(texts, pa.string())}
    )


def write_shard(table: pa.Table, path: Path) -> None:
    """Write a shard under another name and rename it, so that it is there whole or not at all."""
    begun = path.with_name(f".{path.name}.{os.getpid()}")
    pq.write_table(table, begun, compression=COMPRESSION)
    begun.replace(path)


def claim_folder(folder: Path, made_by: Mapping[str, Any]) -> None:
    """Say what a folder's shards are made with, so that nothing else is mixed in.

    Raises:
        BadFolder: it was begun with something else.
    """
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / MADE_BY
    told = json.dumps(made_by, sort_keys=True, indent=1) + "\n"
    if not note.exists():
        begun = note.with_name(f".{note.name}.{os.getpid()}")
        begun.write_text(told, encoding="utf-8")
        begun.replace(note)
    elif note.read_text(encoding="utf-8") != told:
        raise BadFolder(f"{folder} was begun with other settings, see {note}; choose another one.")


def maker_of(folder: Path) -> dict[str, Any]:
    """What the shards of a folder were made with; empty where nothing is said."""
    note = folder / MADE_BY
    return json.loads(note.read_text(encoding="utf-8")) if note.exists() else {}


def digest_of(folder: Path) -> str:
    """Digest the rows of a folder, whatever their order and however they are cut. 64 hex digits.

    Equal rows count once. Holds 32 bytes a row.
    """
    return hashlib.sha256(b"".join(sorted(set(_row_digests(folder))))).hexdigest()


def _row_digests(folder: Path) -> Iterator[bytes]:
    for shard in shards_in(folder):
        for batch in pq.ParquetFile(shard).iter_batches(batch_size=4_096):
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                yield hashlib.sha256(repr(row).encode("utf-8", "surrogatepass")).digest()
