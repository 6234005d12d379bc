"""One thing that a user of a product did with an answer, as a line of a file tells it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from annotation.domain.importing import checks
from annotation.domain.importing.refusals import LineRefused
from annotation.domain.vocabulary import FeedbackKind

EVENT_KEYS = frozenset(
    ["id", "item", "response", "type", "value", "user", "time", "other_response", "raw"]
)
THUMBS = {"up": 1.0, "down": -1.0, 1: 1.0, -1: -1.0}
# What a value may be: one of two, a shade between -1 (dislikes) and 1 (likes), or none at all.
SHADED = frozenset({FeedbackKind.REACTION, FeedbackKind.TEXT})


@dataclass(frozen=True, slots=True)
class EventRecord:
    """An event that is well formed by itself; it names item and responses by their own ids.

    `value` is from -1 (dislikes) to 1 (likes), None where the kind has none. `raw` is what the
    product recorded, without its user.
    """

    line: int
    external_id: str
    item: str
    response: str
    other_response: str
    kind: FeedbackKind
    value: float | None
    user: str
    happened_at: datetime | None
    raw: dict[str, Any]


def event_of(record: Mapping[str, Any], line: int) -> EventRecord:
    """Check one record.

    Raises:
        LineRefused: names the field and the rule.
    """
    checks.only_known(record, EVENT_KEYS)
    kind = kind_of(record)
    user = checks.name_at(record, "user")
    response = checks.name_at(record, "response")
    other = checks.optional_name_at(record, "other_response")
    if other == response:
        raise LineRefused("contradiction", "It must be another response.", "other_response")
    moment = record.get("time")
    return EventRecord(
        line=line,
        external_id=checks.name_at(record, "id"),
        item=checks.name_at(record, "item"),
        response=response,
        other_response=other,
        kind=kind,
        value=value_of(record.get("value"), kind),
        user=user,
        happened_at=None if moment is None else checks.time_of(moment, "time"),
        raw=without_user(checks.object_at(record, "raw"), user),
    )


def kind_of(record: Mapping[str, Any]) -> FeedbackKind:
    kind = checks.text_at(record, "type")
    if kind not in list(FeedbackKind):
        words = ", ".join(FeedbackKind)
        raise LineRefused("unknown_word", f"“{kind[:40]}” is not one of {words}.", "type")
    return FeedbackKind(kind)


def value_of(value: Any, kind: FeedbackKind) -> float | None:
    """Read how much the user likes the answer, -1 to 1; copying counts as liking."""
    if kind is FeedbackKind.THUMB:
        if isinstance(value, bool) or not isinstance(value, str | int) or value not in THUMBS:
            raise LineRefused("not_a_thumb", "A thumb is “up” or “down”, or 1 or -1.", "value")
        return THUMBS[value]
    if kind in SHADED:
        return shade_of(value, kind)
    if value is not None:
        raise LineRefused("no_value", f"Feedback of type {kind} has no value.", "value")
    return 1.0 if kind is FeedbackKind.COPY else None


def shade_of(value: Any, kind: FeedbackKind) -> float | None:
    if value is None and kind is FeedbackKind.TEXT:
        return None
    if value is None:
        raise LineRefused("missing_field", "Say how it is meant, from -1 to 1.", "value")
    number = float(checks.number_of(value, "value"))
    if not -1 <= number <= 1:
        raise LineRefused("out_of_range", "It must be from -1 (dislikes) to 1 (likes).", "value")
    return number


def without_user(value: Any, user: str) -> Any:
    """Leave out, at any depth, the field `user` and whatever is exactly the user's name."""
    if isinstance(value, dict):
        return {
            key: without_user(inner, user)
            for key, inner in value.items()
            if user not in (key, inner) and key != "user"
        }
    if isinstance(value, list):
        return [without_user(inner, user) for inner in value if inner != user]
    return value
