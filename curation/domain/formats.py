"""The formats that a version can be written in; each is a pure function of canonical records."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pyarrow as pa

from curation.domain import preference, raw
from curation.domain.recipes import Recipe
from curation.domain.records import Record


class Format(StrEnum):
    TRL_PREFERENCE = "trl-preference"
    RAW = "raw"


Rows = Iterator[tuple[Mapping[str, Any] | None, str]]


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a format.

    Attributes:
        name: its configuration for `load_dataset`; "default" is the one that loads unasked.
        folder, lines_folder: where its Parquet and its JSON Lines files lie.
        schema: the columns of its Parquet files.
        rows: makes (row, "") or (None, reason to drop it) from a record.
        part: the field of a record that its files are divided by: "split" or "project".
        loads_as_lines: whether its JSON Lines load as a table as well.
    """

    name: str
    folder: str
    lines_folder: str
    schema: pa.Schema
    rows: Callable[[Record, Recipe], Rows]
    part: str = "split"
    loads_as_lines: bool = True


def raw_table(name: str, schema: pa.Schema, rows: Callable[[Record, Recipe], Rows]) -> Table:
    return Table(name, name, f"{name}-jsonl", schema, rows, "project", loads_as_lines=False)


TABLES: dict[Format, tuple[Table, ...]] = {
    Format.TRL_PREFERENCE: (
        Table("default", "data", "jsonl", preference.SCHEMA, preference.preference_rows),
    ),
    Format.RAW: (
        raw_table("items", raw.ITEMS, raw.item_rows),
        raw_table("votes", raw.VOTES, raw.vote_rows),
    ),
}

DESCRIPTIONS = {
    Format.TRL_PREFERENCE: (
        "Preference pairs for DPO and reward models: prompt, chosen and rejected as messages, "
        "with a margin and a soft label on every row."
    ),
    Format.RAW: "Every item and every judgment as they came in, ready to be imported again.",
}
