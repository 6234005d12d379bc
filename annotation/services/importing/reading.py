"""Reads a file as checked records of one kind: the part that a preview and an import share."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from annotation.domain.importing.items import ItemRecord, item_of
from annotation.domain.importing.mapping import guess_mapping, mapped
from annotation.domain.importing.refusals import LineRefused, RefusedLine
from annotation.domain.importing.sources import Position, Row, Source, open_source
from annotation.domain.importing.votes import VoteRecord, vote_of
from annotation.domain.vocabulary import ImportKind

Record = ItemRecord | VoteRecord
PARSERS: dict[ImportKind, Callable[[Mapping[str, Any], int], Record]] = {
    ImportKind.ITEMS: item_of,
    ImportKind.JUDGMENTS: vote_of,
}


class Reading(NamedTuple):
    """One line of a file: the record it holds, or why it was refused."""

    row: Row
    record: Record | None
    refusal: RefusedLine | None


def readings(
    path: Path,
    *,
    name: str,
    kind: ImportKind,
    mapping: Mapping[str, str],
    start: Position = Position(),  # noqa: B008 - immutable
) -> Iterator[Reading]:
    """Yield what each line of a file holds, from `start` on; {} as mapping is guessed."""
    mapping = mapping or guessed_mapping(path, name=name, kind=kind)
    source = open_source(path, name=name, start=start)
    for row in source.rows:
        yield reading_of(row, kind, mapping, source)


def reading_of(row: Row, kind: ImportKind, mapping: Mapping[str, str], source: Source) -> Reading:
    if row.refusal:
        return Reading(row, None, row.refusal)
    try:
        record = mapped(mapping, row.value, kind, is_text=source.is_text)
        return Reading(row, PARSERS[kind](record, row.line), None)
    except LineRefused as refused:
        return Reading(row, None, refused.at(row.line))


def guessed_mapping(path: Path, *, name: str, kind: ImportKind) -> dict[str, str]:
    """The mapping that the first good row suggests; {} for the interchange schema."""
    source = open_source(path, name=name)
    first = next((row.value for row in source.rows if row.refusal is None), {})
    return guess_mapping(first, kind, is_table=source.is_table)
