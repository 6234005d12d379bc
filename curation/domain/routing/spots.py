"""Reading JSON that people write: every refusal says where, what, and what to do."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from annotation.domain.errors import InvalidField


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a value: `words` name it for people, `path` for programs."""

    path: str = ""
    words: str = ""

    def at(self, name: str | int, words: str = "") -> "Spot":
        """The place one step further in; `words` take the place of the name."""
        path = f"{self.path}.{name}" if self.path else str(name)
        said = words or f"“{name}”"
        return Spot(path, f"{self.words}, {said}" if self.words else said)

    def refused(self, what: str) -> InvalidField:
        """The refusal of what stands here; `what` is a clause that says what to do."""
        told = f"{self.words}: {what}" if self.words else what
        return InvalidField(told[0].upper() + told[1:], field=self.path)


def object_at(spot: Spot, value: Any, known: Collection[str]) -> Mapping[str, Any]:
    """Check that a value is an object with known fields only."""
    if not isinstance(value, Mapping):
        raise spot.refused(f"give an object with the fields {', '.join(known)}.")
    for name in value:
        if name not in known:
            shown = str(name)[:80]
            raise spot.at(shown).refused(f"there is no such field; known are {', '.join(known)}.")
    return value


def list_at(spot: Spot, value: Any, least: int, most: int) -> list[Any]:
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise spot.refused(f"give a list of {least} to {most} entries.")
    return value


def text_at(spot: Spot, value: Any, longest: int, *, may_be_empty: bool = False) -> str:
    """Check a text; white space around it is taken off."""
    if not isinstance(value, str):
        raise spot.refused("give a text.")
    if not is_storable(value):
        raise spot.refused("it holds a NUL character or half of a surrogate pair; remove it.")
    said = value.strip()
    if len(said) > longest or not (said or may_be_empty):
        raise spot.refused(f"give a text of {0 if may_be_empty else 1} to {longest} characters.")
    return said


def is_storable(text: str) -> bool:
    """Whether the database can keep a text: without NUL and without half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def number_at(spot: Spot, value: Any, least: float, most: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not least <= value <= most:
        raise spot.refused(f"give a number from {least:g} to {most:,g}.")
    return float(value)


def whole_at(spot: Spot, value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise spot.refused(f"give a whole number from {least:,} to {most:,}.")
    return value


def word_at(spot: Spot, value: Any, known: Collection[str]) -> str:
    if not isinstance(value, str) or value not in known:
        raise spot.refused(f"choose one of {', '.join(known)}{perhaps(value, known)}")
    return value


def perhaps(value: Any, known: Collection[str]) -> str:
    """The end of a refused sentence: a full stop, or the known word that was probably meant."""
    near = get_close_matches(str(value)[:80], known, 1)
    return f"; did you mean “{near[0]}”?" if near else "."
