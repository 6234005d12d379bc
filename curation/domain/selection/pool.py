"""What a plan is made from, and what it comes to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Pool:
    """The candidates, in the order of the queue.

    Attributes:
        ids: shape (c,), of comparisons or items.
        values: shape (c, m), a column for each signal of the wish, NaN where it is not told.
        groups: the group of each candidate, "" where it has none.
        minutes: shape (c,), what each costs.
    """

    ids: NDArray[np.int64]
    values: NDArray[np.float64]
    groups: Sequence[str]
    minutes: NDArray[np.float64]


@dataclass(frozen=True)
class Pick:
    """A candidate that was picked, its score in [0, 1], and why."""

    id: int
    score: float
    reason: str


@dataclass(frozen=True)
class Plan:
    """Picks in their order, and `outcome`: counts per group, the price of floors, the bound."""

    picks: list[Pick]
    outcome: dict[str, Any]


@dataclass(frozen=True)
class Found:
    """What either way of picking comes to, places being those of the scored candidates."""

    places: NDArray[np.intp]
    forced_by: Sequence[str]
    likeness: NDArray[np.float64] | None
    outcome: dict[str, Any]
    prices: dict[str, float]


class Vectors(Protocol):
    """Where a plan gets vectors from, so that only those of likely picks are read."""

    def of(self, ids: NDArray[np.int64]) -> NDArray[np.floating]:
        """Vectors of candidates, shape (len(ids), d): of length 1, or 0 where there is none."""
