"""What a signal is, apart from any comparison: its name, its meaning, its range, its origin."""

from dataclasses import dataclass
from enum import StrEnum

from curation.domain.vocabulary import SignalFamily

Value = float | int | str | bool | list[str] | None
Values = dict[str, Value]


class Kind(StrEnum):
    """What the value of a signal is. Any signal may be null: then it could not be told."""

    NUMBER = "number"
    WORD = "word"
    WORDS = "words"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Signal:
    """One named signal.

    Attributes:
        meaning: one sentence for people, the rule for rankings of more than two included.
        low, high: the range of a number, None where it has no end.
        unit: of a number, "" where it has none.
        provenance: from what it is worked out, and by which rule or source.
    """

    name: str
    family: SignalFamily
    kind: Kind
    meaning: str
    provenance: str
    low: float | None = None
    high: float | None = None
    unit: str = ""

    @property
    def range_text(self) -> str:
        """The range in words, "" for a signal that is no number."""
        if self.kind != Kind.NUMBER:
            return ""
        if self.low is None and self.high is None:
            return f"any number {self.unit}".strip()
        if self.high is None:
            return f"{self.low:g} or more {self.unit}".strip()
        return f"{self.low:g} to {self.high:g} {self.unit}".strip()


def number(
    name: str,
    family: SignalFamily,
    meaning: str,
    provenance: str,
    low: float | None = None,
    high: float | None = None,
    unit: str = "",
) -> Signal:
    return Signal(name, family, Kind.NUMBER, meaning, provenance, low, high, unit)


def share(name: str, family: SignalFamily, meaning: str, provenance: str) -> Signal:
    """A number in [0, 1]."""
    return number(name, family, meaning, provenance, 0.0, 1.0)


def flag(name: str, family: SignalFamily, meaning: str, provenance: str) -> Signal:
    return Signal(name, family, Kind.FLAG, meaning, provenance)


def word(name: str, family: SignalFamily, meaning: str, provenance: str) -> Signal:
    return Signal(name, family, Kind.WORD, meaning, provenance)


def words(name: str, family: SignalFamily, meaning: str, provenance: str) -> Signal:
    return Signal(name, family, Kind.WORDS, meaning, provenance)
