"""What routing knows of comparisons: named facts, and a column of values for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.domain.signals.registry import SIGNALS, signal_named

METADATA = "metadata."
MOST_LETTERS = 200  # of a name


class FactKind(StrEnum):
    """What the values of a fact are, and so what can be asked of it.

    number, flag: float64, a flag 0 or 1, NaN where it is not known. word, words, metadata: objects,
    a text, a tuple of texts, any JSON value (a list as a tuple), None where it is not known.
    """

    NUMBER = "number"
    FLAG = "flag"
    WORD = "word"
    WORDS = "words"
    METADATA = "metadata"

    @property
    def is_numeric(self) -> bool:
        return self in (FactKind.NUMBER, FactKind.FLAG)


@dataclass(frozen=True, slots=True)
class Fact:
    """A named fact. `low` and `high` are the range of a number, None where it has no end."""

    name: str
    kind: FactKind
    meaning: str
    low: float | None = None
    high: float | None = None
    unit: str = ""


OWN_FACTS = {
    fact.name: fact
    for fact in (
        Fact("tags", FactKind.WORDS, "The words under “tags” in the item's metadata."),
        Fact("models", FactKind.WORDS, "The models that wrote the responses, those known."),
        Fact("has_judge_verdict", FactKind.FLAG, "Whether an LLM judge has answered."),
        Fact(
            "judge_flipped",
            FactKind.FLAG,
            "Whether the verdict of any judge here changed with the order; unknown until one was "
            "asked in both orders.",
        ),
        Fact("n_people", FactKind.NUMBER, "How many people have judged it.", 0.0, None, "people"),
        Fact(
            "is_duplicate",
            FactKind.FLAG,
            "Whether another item of the same group of duplicates stands for its item.",
        ),
    )
}


def fact_named(name: str) -> Fact | None:
    """Find a fact; None where there is none of this name.

    Facts are every signal, `metadata.KEY` of the comparison's item, and `OWN_FACTS`.
    """
    if name in OWN_FACTS:
        return OWN_FACTS[name]
    if len(name) > MOST_LETTERS:
        return None
    if name.startswith(METADATA) and name != METADATA:
        key = name.removeprefix(METADATA)
        return Fact(name, FactKind.METADATA, f"“{key}” in the item's metadata.")
    if signal := signal_named(name):
        kind = FactKind(signal.kind.value)
        return Fact(name, kind, signal.meaning, signal.low, signal.high, signal.unit)
    return None


def known_names() -> list[str]:
    """All names that are fixed, for proposals."""
    return sorted({*OWN_FACTS, *SIGNALS})


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of n comparisons.

    Attributes:
        ids: of the comparisons, shape (n,), ascending.
        columns: per name of a fact its values, each of shape (n,), as `FactKind` says.
    """

    ids: NDArray[np.int64]
    columns: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.ids)

    def at(self, places: NDArray[Any] | slice) -> "Facts":
        """The comparisons at some places, in a slice, or where a mask is true."""
        return Facts(self.ids[places], {name: one[places] for name, one in self.columns.items()})

    def value(self, name: str, place: int) -> Any:
        """One value as plain Python: None where it is not known, a flag as a bool."""
        value = self.columns[name][place]
        fact = fact_named(name)
        if fact is None or not fact.kind.is_numeric:
            return value
        if np.isnan(value):
            return None
        return bool(value) if fact.kind == FactKind.FLAG else float(value)


def empty_column(kind: FactKind, n: int) -> NDArray[Any]:
    """A column in which nothing is known."""
    if kind.is_numeric:
        return np.full(n, np.nan)
    return np.full(n, None, dtype=object)
