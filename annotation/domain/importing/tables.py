"""Rows of CSV and Parquet files as plain values. A row never borrows a cell of another."""

import csv
import math
from collections.abc import Iterator
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from annotation.domain.importing.lines import LINE_CAP
from annotation.domain.importing.refusals import LineRefused
from annotation.domain.importing.strict_json import MAX_DEPTH, too_deep

SEPARATORS = ",;\t"
MAX_COLUMNS = 1000
PARQUET_BATCH = 256  # rows decoded at a time
ROW_GROUP_CAP = 2**30  # bytes unpacked: a row group is the unit that a reader must open

# line, value, refusal, rows so far, bytes
TableRow = tuple[int, Any, LineRefused | None, int, int]

csv.field_size_limit(LINE_CAP)


class Feed:
    """Hands physical lines to the CSV reader and bounds what one row may take in."""

    def __init__(self, stream: BinaryIO, inflated_cap: int | None) -> None:
        self.stream, self.inflated_cap = stream, inflated_cap
        self.total = self.row_bytes = 0

    def __iter__(self) -> Iterator[str]:
        # Bytes that are not UTF-8 pass as surrogates, so that only their own row is refused.
        while raw := self.stream.readline(LINE_CAP + 1):
            self.total += len(raw)
            self.row_bytes += len(raw)
            if self.row_bytes > LINE_CAP:
                raise LineRefused(
                    "line_too_long",
                    "A row is longer than 4 MB, or a quote is never closed; nothing behind it "
                    "was read.",
                )
            if self.inflated_cap is not None and self.total > self.inflated_cap:
                raise LineRefused("inflates_too_much", "The file unpacks to far more than text.")
            yield raw.decode("utf-8", "surrogateescape")


def csv_rows(
    stream: BinaryIO, *, skip: int = 0, inflated_cap: int | None = None
) -> Iterator[TableRow]:
    """Yield (first physical line, {column: cell}, refusal, rows so far) of a file with a header.

    A broken quote ends the reading: where the next row would begin cannot be known.
    """
    feed = Feed(stream, inflated_cap)
    lines = iter(feed)
    first = next(lines, "")
    reader = csv.reader(chained(first, lines), delimiter=separator_of(first), strict=True)
    line = 1
    try:
        header = checked_header(next(reader, []))
        line = reader.line_num + 1
        for number, cells in enumerate(reader, 1):
            size, feed.row_bytes = feed.row_bytes, 0
            if cells and number > skip:
                yield line, *row_or_refusal(header, cells), number, size
            line = reader.line_num + 1
    except csv.Error as error:
        raise LineRefused(
            "not_csv",
            f"The row that begins at line {line} breaks the quoting ({error}); "
            "nothing behind it was read.",
        ) from error


def chained(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def separator_of(header: str) -> str:
    """The separator that cuts the header into most columns; a comma where none does."""
    return max(
        SEPARATORS, key=lambda separator: len(next(csv.reader([header], delimiter=separator)))
    )


def checked_header(names: list[str]) -> list[str]:
    if len(names) > MAX_COLUMNS:
        raise LineRefused("too_many_columns", f"The header names more than {MAX_COLUMNS} columns.")
    for place, name in enumerate(names):
        check_text(name, "header")
        if not name:
            raise LineRefused("column_unnamed", f"Column {place + 1} of the header has no name.")
        if name in names[:place]:
            raise LineRefused("duplicate_column", f"The header names “{name}” twice.", name)
    return names


def row_or_refusal(
    header: list[str], cells: list[str]
) -> tuple[dict[str, str] | None, LineRefused | None]:
    try:
        if len(cells) != len(header):
            raise LineRefused(
                "column_count", f"The row has {len(cells)} cells, the header {len(header)}."
            )
        if cells == header and len(header) > 1:
            raise LineRefused("header_repeated", "The row repeats the header.")
        for name, cell in zip(header, cells, strict=True):
            check_text(cell, name)
    except LineRefused as refused:
        return None, refused
    return dict(zip(header, cells, strict=True)), None


def check_text(text: str, field: str) -> None:
    if "\0" in text:
        raise LineRefused("nul_character", "The text holds a NUL.", field)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise LineRefused("not_utf8", "The text is not UTF-8.", field) from error


def parquet_rows(path: Path, skip: int = 0) -> Iterator[TableRow]:
    """Yield (row number, {column: value}, refusal, rows so far) of a Parquet file."""
    number = 0
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            check_row_groups(file)
            for batch in file.iter_batches(batch_size=PARQUET_BATCH):
                size = batch.nbytes // max(batch.num_rows, 1)
                for index in range(max(skip - number, 0), batch.num_rows):
                    row = number + index + 1
                    yield row, *decoded(batch, index), row, size
                number += batch.num_rows
    except pa.ArrowException as error:
        raise LineRefused(
            "file_damaged", f"The Parquet file cannot be read on: {error}."
        ) from error


def check_row_groups(file: pq.ParquetFile) -> None:
    groups = (file.metadata.row_group(index) for index in range(file.metadata.num_row_groups))
    if any(group.total_byte_size > ROW_GROUP_CAP for group in groups):
        raise LineRefused("inflates_too_much", "A row group unpacks to more than 1 GB.")


def decoded(batch: pa.RecordBatch, index: int) -> tuple[dict[str, Any] | None, LineRefused | None]:
    try:
        cells = {
            name: batch.column(name)[index].as_py()
            for name in islice(batch.schema.names, MAX_COLUMNS)
        }
        return {name: plain(cell, name) for name, cell in cells.items()}, None
    except UnicodeDecodeError:
        return None, LineRefused("not_utf8", "A text of the row is not UTF-8.")
    except LineRefused as refused:
        return None, refused


def plain(value: Any, field: str, depth: int = 1) -> Any:
    """Turn a cell into what JSON can say, or refuse it."""
    if depth > MAX_DEPTH:
        raise too_deep()
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        check_text(value, field)
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise LineRefused("not_a_number", "The value is NaN or infinite; use null.", field)
        return value
    if isinstance(value, dict):
        return {key: plain(inner, field, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner, field, depth + 1) for inner in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise LineRefused("wrong_type", f"{type(value).__name__} values cannot be stored.", field)
