"""Reads one imported signal: what it is about, its name and its value; refuses the rest."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from annotation.domain.importing.checks import checked_name, name_at, only_known, wrong_type
from annotation.domain.importing.refusals import LineRefused

KEYS = frozenset({"item", "response", "comparison", "name", "value"})
NAME_MAX = 100
HIGHEST_ID = 2**63 - 1
# What the derived signals of an imported one are called by.
TAKEN = re.compile(r"\.(?:difference|spread|\d+)$")


@dataclass(frozen=True, slots=True)
class SignalRow:
    """One value about an item, one of its responses, or one comparison of it.

    Attributes:
        item: the item's id outside.
        response: the response's id outside, or its place in the item from 0; None for none.
        comparison: number of the comparison; None for none.
    """

    line: int
    item: str
    response: str | int | None
    comparison: int | None
    name: str
    value: float


def signal_row(record: Mapping[str, Any], line: int, *, is_text: bool = False) -> SignalRow:
    """Check one record.

    Args:
        record: `{"item", "response" or "comparison" or neither, "name", "value"}`.
        is_text: every value is a text, as in CSV; an empty one is none.

    Raises:
        LineRefused: a field is unknown, missing, of the wrong type or out of range; or both a
            response and a comparison are named.
    """
    only_known(record, KEYS)
    if is_text:
        record = {key: value for key, value in record.items() if value != ""}
    response, comparison = response_at(record), comparison_at(record, is_text=is_text)
    if response is not None and comparison is not None:
        raise LineRefused(
            "two_subjects", "Name a response or a comparison, not both.", "comparison"
        )
    return SignalRow(
        line,
        name_at(record, "item"),
        response,
        comparison,
        signal_name_at(record),
        value_at(record, is_text=is_text),
    )


def response_at(record: Mapping[str, Any]) -> str | int | None:
    value = record.get("response")
    if value is None:
        return None
    if type(value) is int:
        if not 0 <= value <= HIGHEST_ID:
            raise LineRefused("out_of_range", "A place counts from 0.", "response")
        return value
    if type(value) is not str:
        raise wrong_type(value, "a string or a whole number", "response")
    return checked_name(value, "response")


def comparison_at(record: Mapping[str, Any], *, is_text: bool) -> int | None:
    value = record.get("comparison")
    if is_text and isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value) if len(value) < 20 else -1
    if value is None:
        return None
    if type(value) is not int:
        raise wrong_type(value, "a whole number", "comparison")
    if not 1 <= value <= HIGHEST_ID:
        raise LineRefused("out_of_range", "It must be the number of a comparison.", "comparison")
    return value


def signal_name_at(record: Mapping[str, Any]) -> str:
    name = name_at(record, "name")
    if len(name) > NAME_MAX:
        raise LineRefused("too_long", f"It is longer than {NAME_MAX} characters.", "name")
    if TAKEN.search(name):
        raise LineRefused(
            "name_taken",
            "It must not end in .difference, .spread or .NUMBER, which are worked out from it.",
            "name",
        )
    if not name.isprintable():
        raise LineRefused("not_printable", "It holds a line break or control character.", "name")
    return name


def value_at(record: Mapping[str, Any], *, is_text: bool) -> float:
    if "value" not in record:
        raise LineRefused("missing_field", "“value” is missing.", "value")
    value = record["value"]
    if is_text:
        try:
            value = float(value)
        except ValueError as error:
            raise LineRefused(
                "not_a_number", f"“{value[:40]}” is not a number.", "value"
            ) from error
    if type(value) not in (int, float):
        raise wrong_type(value, "a number", "value")
    if not isfinite(value):
        raise LineRefused("not_a_number", "The value is NaN or infinite.", "value")
    return float(value)
