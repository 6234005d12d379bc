"""Typed reading of one field; every refusal names the field, counted from the record's root."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from annotation.domain.content import PART_TYPES, ROLES, Message, Part, text_part
from annotation.domain.importing.refusals import LineRefused

NAME_MAX = 200

KINDS: dict[type, str] = {
    str: "a string",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


def wrong_type(value: Any, wanted: str, field: str) -> LineRefused:
    return LineRefused("wrong_type", f"It must be {wanted}, not {KINDS[type(value)]}.", field)


def only_known(record: Mapping[str, Any], known: frozenset[str], within: str = "") -> None:
    """Refuse a key that nobody declared: it may be a misspelt one."""
    if not record.keys() <= known:
        unknown = min(record.keys() - known)
        listed = ", ".join(sorted(known))
        raise LineRefused(
            "unknown_field",
            f"The field “{unknown}” is not known here; known are {listed}.",
            within + unknown,
        )


def text_at(record: Mapping[str, Any], key: str, field: str = "") -> str:
    value = record.get(key)
    if type(value) is not str:
        if key not in record:
            raise LineRefused("missing_field", f"“{key}” is missing.", field or key)
        raise wrong_type(value, "a string", field or key)
    return value


def name_at(record: Mapping[str, Any], key: str, field: str = "") -> str:
    """A text that names something: 1 to 200 characters."""
    return checked_name(text_at(record, key, field), field or key)


def optional_name_at(record: Mapping[str, Any], key: str, field: str = "") -> str:
    """A name, or "" where the field is absent, null or empty."""
    if record.get(key) in (None, ""):
        return ""
    return name_at(record, key, field)


def checked_name(value: str, field: str) -> str:
    if not value:
        raise LineRefused("empty", "It must not be empty.", field)
    if len(value) > NAME_MAX:
        raise LineRefused("too_long", f"It is longer than {NAME_MAX} characters.", field)
    return value


def object_at(record: Mapping[str, Any], key: str, field: str = "") -> dict[str, Any]:
    """An object, or {} where the field is absent or null."""
    value = record.get(key)
    if value is None:
        return {}
    if type(value) is not dict:
        raise wrong_type(value, "an object", field or key)
    return value


def list_at(record: Mapping[str, Any], key: str, field: str = "") -> list[Any]:
    value = record.get(key)
    if value is None:
        return []
    if type(value) is not list:
        raise wrong_type(value, "a list", field or key)
    return value


def number_of(value: Any, field: str) -> float:
    if type(value) not in (int, float):
        raise wrong_type(value, "a number", field)
    return value


def whole_at(record: Mapping[str, Any], key: str, low: int, high: int) -> int | None:
    """A whole number from low to high, or None where the field is absent or null."""
    value = record.get(key)
    if value is None:
        return None
    if type(value) is not int:
        raise wrong_type(value, "a whole number", key)
    if not low <= value <= high:
        raise LineRefused("out_of_range", f"It must be from {low} to {high}.", key)
    return value


def flag_at(record: Mapping[str, Any], key: str) -> bool | None:
    value = record.get(key)
    if value is not None and type(value) is not bool:
        raise wrong_type(value, "true, false or null", key)
    return value


def time_of(value: Any, field: str) -> datetime:
    """A moment in ISO 8601 with its time zone."""
    if type(value) is not str:
        raise wrong_type(value, "a string", field)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise LineRefused(
            "not_a_time", f"“{value[:40]}” is not an ISO 8601 time.", field
        ) from error
    if moment.tzinfo is None:
        raise LineRefused("no_time_zone", "The time has no zone; end it with Z or +00:00.", field)
    return moment


def messages_of(value: Any, field: str) -> list[Message]:
    """A conversation: one message or more, each `{role, content}`."""
    if type(value) is not list:
        raise wrong_type(value, "a list of messages", field)
    if not value:
        raise LineRefused("empty", "It must hold at least one message.", field)
    return [message_of(message, f"{field}.{place}") for place, message in enumerate(value)]


MESSAGE_KEYS = frozenset({"role", "content"})
PART_KEYS = {"text": frozenset({"type", "text"}), "image": frozenset({"type", "url"})}


def message_of(value: Any, field: str) -> Message:
    if type(value) is not dict:
        raise wrong_type(value, "an object", field)
    only_known(value, MESSAGE_KEYS, f"{field}.")
    role = text_at(value, "role", f"{field}.role")
    if role not in ROLES:
        raise LineRefused(
            "unknown_role", f"“{role}” is not one of {', '.join(ROLES)}.", f"{field}.role"
        )
    return {"role": role, "content": content_of(value.get("content"), f"{field}.content")}


def content_of(value: Any, field: str) -> list[Part]:
    """What a message or an answer says: a string, or a list of parts."""
    if type(value) is str:
        return text_part(value)
    if type(value) is not list or not value:
        raise wrong_type(value, "a string or a list of parts", field)
    return [part_of(part, f"{field}.{place}") for place, part in enumerate(value)]


def part_of(value: Any, field: str) -> Part:
    if type(value) is not dict:
        raise wrong_type(value, "an object", field)
    kind = text_at(value, "type", f"{field}.type")
    if kind not in PART_TYPES:
        raise LineRefused(
            "unknown_part", f"“{kind}” is not one of {', '.join(PART_TYPES)}.", f"{field}.type"
        )
    only_known(value, PART_KEYS[kind], f"{field}.")
    if kind == "text":
        return {"type": "text", "text": text_at(value, "text", f"{field}.text")}
    return {"type": "image", "url": text_at(value, "url", f"{field}.url")}
