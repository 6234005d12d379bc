"""The files of an export: Parquet and JSON Lines side by side, in parts of bounded size."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from curation.domain.canonical import canonical_json
from curation.domain.formats import Table
from curation.domain.tables import GROUP, parquet_writer, table_of
from curation.services import storage

PART_ROWS = 50_000
FIRST = "train"


class Part:
    """One Parquet file and its twin of JSON Lines while they are being written."""

    def __init__(self, folder: Path, table: Table, name: str, number: int) -> None:
        self.table, self.name, self.number, self.rows = table, name, number, 0
        self.waiting: list[Mapping[str, Any]] = []
        self.paths = [
            folder / table.folder / f"{name}-{number:05}.parquet",
            folder / table.lines_folder / f"{name}-{number:05}.jsonl",
        ]
        for path in self.paths:
            path.parent.mkdir(exist_ok=True)
        self.sink, self.lines = (path.open("wb") for path in self.paths)
        self.writer = parquet_writer(self.sink, table.schema)

    def add(self, row: Mapping[str, Any]) -> None:
        self.rows += 1
        self.lines.write(line_of(row))
        self.waiting.append(cells_of(row, self.table.schema))
        if len(self.waiting) == GROUP:
            self.flush()

    def flush(self) -> None:
        if self.waiting:
            self.writer.write_table(table_of(self.waiting, self.table.schema))
            self.waiting = []

    def close(self) -> None:
        self.flush()
        self.writer.close()
        self.sink.close()
        self.lines.close()


class PartFiles:
    """Writes the tables of one export, a part at a time for each split or project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: list[dict[str, Any]] = []
        self.table: Table | None = None
        self.open_parts: dict[str, Part] = {}
        self.closed: list[Part] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for part in self.open_parts.values():
            part.close()

    def open(self, table: Table) -> None:
        self.table, self.open_parts, self.closed = table, {}, []

    def add(self, name: str, row: Mapping[str, Any]) -> None:
        part = self.open_parts.get(name)
        if part is None or part.rows == PART_ROWS:
            part = self.next_part(name)
        part.add(row)

    def next_part(self, name: str) -> Part:
        assert self.table is not None
        number = sum(part.name == name for part in self.closed)
        if full := self.open_parts.get(name):
            full.close()
            self.closed.append(full)
            number += 1
        self.open_parts[name] = Part(self.folder, self.table, name, number)
        return self.open_parts[name]

    def close(self) -> None:
        """Finish the table's files and give them names that say how many there are.

        A table without rows still gets one empty file, so that it loads with its columns.
        """
        if not self.open_parts:
            self.next_part(FIRST)
        for part in self.open_parts.values():
            part.close()
        parts = sorted([*self.closed, *self.open_parts.values()], key=lambda p: (p.name, p.number))
        self.open_parts = {}
        for part in parts:
            total = sum(other.name == part.name for other in parts)
            self.files += [self.named(path, part, total) for path in part.paths]
        self.files.sort(key=lambda file: file["path"])

    def named(self, path: Path, part: Part, total: int) -> dict[str, Any]:
        final = path.with_name(f"{part.name}-{part.number:05}-of-{total:05}{path.suffix}")
        path.rename(final)
        return {
            "path": final.relative_to(self.folder).as_posix(),
            "bytes": final.stat().st_size,
            "sha256": storage.sha256_of(final),
            "rows": part.rows,
        }


def line_of(row: Mapping[str, Any]) -> bytes:
    return canonical_json(row).encode() + b"\n"


def cells_of(row: Mapping[str, Any], schema: pa.Schema) -> dict[str, Any]:
    """Give each column its cell; a value that is no text goes into a text column as JSON."""
    cells = {}
    for column in schema:
        value = row.get(column.name)
        is_nested = column.type == pa.string() and value is not None and not isinstance(value, str)
        cells[column.name] = canonical_json(value) if is_nested else value
    return cells
