"""Opens a file by what is in it, and yields its rows one by one from any position."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from annotation.domain.importing import tables
from annotation.domain.importing.lines import LINE_CAP, capped_lines
from annotation.domain.importing.refusals import LineRefused, RefusedLine
from annotation.domain.importing.strict_json import loads_strict

GZIP_MAGIC, PARQUET_MAGIC, UTF8_BOM = b"\x1f\x8b", b"PAR1", b"\xef\xbb\xbf"
UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
INFLATED_FLOOR = 16 * 2**20  # a file may always unpack to this much
INFLATED_RATIO = 200  # beyond the floor; text seldom packs better than 20 : 1


class Position(NamedTuple):
    """Where to go on reading: `offset` is for the reader, `line` for people."""

    offset: int = 0
    line: int = 0


class Row(NamedTuple):
    """One record of a file, or why it was refused, and the position behind it."""

    line: int
    value: dict[str, Any]
    refusal: RefusedLine | None
    after: Position
    n_bytes: int


class Source(NamedTuple):
    """A file as rows. Tables have columns, JSON has fields; in CSV every cell is a text."""

    rows: Iterator[Row]
    is_table: bool
    is_text: bool


def open_source(path: Path, *, name: str = "", start: Position = Position()) -> Source:  # noqa: B008
    """Open JSON Lines, CSV or Parquet, packed with gzip or not, told apart by content.

    CSV has no mark of its own: a file is CSV if it is called so, or if it does not begin like JSON
    and is not called .json or .jsonl either.
    """
    head = head_of(path)
    if head.startswith(PARQUET_MAGIC):
        return Source(guarded(tables.parquet_rows(path, start.offset), start), True, False)
    if looks_like_csv(head, name or path.name):
        return Source(guarded(csv_from(path, start), start), True, True)
    return Source(guarded(json_from(path, start), start), False, False)


def head_of(path: Path) -> bytes:
    """The first bytes, unpacked. Empty where the packing is broken: reading on will say so."""
    with path.open("rb") as file:
        head = file.read(4096)
    if not head.startswith(GZIP_MAGIC):
        return head
    try:
        with gzip.open(path) as file:
            return file.read(4096)
    except (OSError, EOFError, zlib.error):
        return b""


def looks_like_csv(head: bytes, name: str) -> bool:
    suffixes = {suffix.lower() for suffix in Path(name).suffixes}
    if suffixes & {".csv", ".tsv"}:
        return True
    first = head.removeprefix(UTF8_BOM).lstrip()[:1]
    return first not in (b"", b"{", b"[") and not suffixes & {".json", ".jsonl", ".ndjson"}


def guarded(rows: Iterator[tables.TableRow], start: Position) -> Iterator[Row]:
    """Turn a reader's tuples into rows, and whatever stops it into a last refusal."""
    after = start
    try:
        for line, value, refused, offset, size in rows:
            after = Position(offset, line)
            yield Row(line, value or {}, refused.at(line) if refused else None, after, size)
    except LineRefused as refused:
        yield Row(after.line + 1, {}, refused.at(after.line + 1), after, 0)
    except (OSError, EOFError, zlib.error) as error:
        broken = LineRefused("file_damaged", f"The file cannot be read on: {error}.")
        yield Row(after.line + 1, {}, broken.at(after.line + 1), after, 0)


def unpacked(path: Path, stack: ExitStack) -> tuple[BinaryIO, int | None]:
    """Open a file for reading its bytes, with the cap on what may come out of it."""
    file = stack.enter_context(path.open("rb"))
    magic = file.read(2)
    file.seek(0)
    if magic != GZIP_MAGIC:
        return file, None
    packed = stack.enter_context(gzip.GzipFile(fileobj=file))
    cap = max(INFLATED_FLOOR, INFLATED_RATIO * path.stat().st_size)
    return cast(BinaryIO, packed), cap


def json_from(path: Path, start: Position) -> Iterator[tables.TableRow]:
    with ExitStack() as stack:
        stream, cap = unpacked(path, stack)
        skip_mark(stream)
        if start.offset:
            stream.seek(start.offset)
        first = 0 if start.offset else stream.tell()
        for number, raw, end in capped_lines(
            stream, offset=start.offset or first, number=start.line, inflated_cap=cap
        ):
            try:
                yield number, record_of(raw), None, end, len(raw or b"")
            except LineRefused as refused:
                yield number, None, refused, end, 0


def skip_mark(stream: BinaryIO) -> None:
    """Step over a UTF-8 byte order mark at the start; refuse UTF-16 by its mark."""
    mark = stream.read(3)
    if mark[:2] in UTF16_BOMS:
        raise LineRefused("not_utf8", "The file is UTF-16; save it as UTF-8.")
    if mark != UTF8_BOM:
        stream.seek(0)


def record_of(raw: bytes | None) -> dict[str, Any]:
    if raw is None:
        raise LineRefused("line_too_long", f"The line is longer than {LINE_CAP // 2**20} MB.")
    value = loads_strict(raw)
    if not isinstance(value, dict):
        raise LineRefused("not_an_object", "A line must be one JSON object: {…}.")
    return value


def csv_from(path: Path, start: Position) -> Iterator[tables.TableRow]:
    with ExitStack() as stack:
        stream, cap = unpacked(path, stack)
        skip_mark(stream)
        yield from tables.csv_rows(stream, skip=start.offset, inflated_cap=cap)
