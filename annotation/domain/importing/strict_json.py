"""JSON as it should be: no duplicate keys, no NaN, nothing that a database would change."""

import json
import math
from collections.abc import Iterator
from typing import Any

from annotation.domain.importing.refusals import LineRefused

MAX_DEPTH = 64
INT64 = range(-(2**63), 2**63)
LONGEST_INT64 = 20  # characters, sign included


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for place, key in enumerate(keys) if key in keys[:place])
        raise LineRefused("duplicate_key", f"The key “{twice}” appears twice in one object.", twice)
    return found


def bounded_int(digits: str) -> int:
    if len(digits) > LONGEST_INT64 or (number := int(digits)) not in INT64:
        raise LineRefused(
            "number_out_of_range", f"The number {digits[:24]}… does not fit into 64 bits."
        )
    return number


def finite_float(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise LineRefused("number_out_of_range", f"The number {digits[:24]} is beyond any double.")
    return number


def no_constant(name: str) -> None:
    raise LineRefused("not_a_number", f"{name} is not JSON; leave the value out or use null.")


DECODER = json.JSONDecoder(
    object_pairs_hook=unique_keys,
    parse_int=bounded_int,
    parse_float=finite_float,
    parse_constant=no_constant,
)


def loads_strict(raw: bytes) -> Any:
    """Read one JSON value from UTF-8 bytes, exactly or not at all.

    Raises:
        LineRefused: rule nul_character, not_utf8, byte_order_mark, not_json, duplicate_key,
            not_a_number, number_out_of_range, too_deep or lone_surrogate.
    """
    if b"\0" in raw:
        raise LineRefused("nul_character", "The line holds a NUL byte, which no text may hold.")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise LineRefused("not_utf8", f"Byte {error.start + 1} is not UTF-8.") from error
    if text.startswith("\ufeff"):
        raise LineRefused("byte_order_mark", "A byte order mark may only begin the whole file.")
    try:
        value = DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise LineRefused("not_json", f"{error.msg} at character {error.pos + 1}.") from error
    except RecursionError as error:
        raise too_deep() from error
    # An escape is the only way for these into a decoded text; most lines have neither.
    if "\\u0000" in text or "\\ud" in text or "\\uD" in text:
        check_texts(value)
    if text.count("{") + text.count("[") > MAX_DEPTH:
        check_depth(value)
    return value


def too_deep() -> LineRefused:
    return LineRefused("too_deep", f"Values are nested more than {MAX_DEPTH} deep.")


def check_texts(value: Any) -> None:
    """Refuse a value with a NUL or half of a surrogate pair in any of its texts or keys."""
    for text in texts_of(value):
        if "\0" in text:
            raise LineRefused("nul_character", "A text holds the escape \\u0000, a NUL.")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise LineRefused("lone_surrogate", "A text holds half of a surrogate pair.") from error


def texts_of(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, str):
            yield found
        elif isinstance(found, dict):
            yield from found
            waiting.extend(found.values())
        elif isinstance(found, list):
            waiting.extend(found)


def check_depth(value: Any) -> None:
    """Refuse a value that nests deeper than MAX_DEPTH; the outermost object is level 1."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner for outer in level for inner in nested_in(outer) if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise too_deep()


def nested_in(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
