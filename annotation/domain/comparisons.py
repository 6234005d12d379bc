"""Judged pairs as arrays, and the count matrices that every pairwise model starts from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotation.domain.errors import DomainError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class BadComparisons(DomainError):
    """The arrays do not describe judged pairs."""

    code = "bad_comparisons"


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """N judged pairs of n items, one row each, in any order.

    Attributes:
        first: (N,) integers in [0, n_items). Where a model speaks of the side, this is the item
            that was shown first.
        second: (N,) integers in [0, n_items), different from `first` row by row.
        outcome: (N,) floats in [0, 1]: 1.0 the first is better, 0.5 a tie, 0.0 the second.
            Judgments without a verdict are left out beforehand.
        n_items: number of items, at least 1; some of them may never be compared.
        annotator: (N,) integers in [0, n_annotators); None where nobody asks who judged.
        n_annotators: number of annotators; 0 where `annotator` is None.
    Raises:
        BadComparisons: lengths differ, a number is out of range, or an item meets itself.
    """

    first: Ints
    second: Ints
    outcome: Floats
    n_items: int
    annotator: Ints | None = None
    n_annotators: int = 0

    def __post_init__(self) -> None:
        columns = [self.first, self.second, self.outcome]
        if self.annotator is not None:
            columns.append(self.annotator)
            check_range(self.annotator, self.n_annotators, "annotator")
        if len({len(column) for column in columns}) != 1:
            raise BadComparisons("The columns of the comparisons differ in length.")
        check_range(self.first, self.n_items, "first")
        check_range(self.second, self.n_items, "second")
        if np.any(self.first == self.second):
            raise BadComparisons("An item is compared with itself.", field="second")
        if not np.all((self.outcome >= 0) & (self.outcome <= 1)):
            raise BadComparisons("An outcome is not between 0 and 1.", field="outcome")


def check_range(numbers: Ints, size: int, field: str) -> None:
    """Refuse an index outside [0, size).

    Raises:
        BadComparisons: naming `field`.
    """
    if len(numbers) and (numbers.min() < 0 or numbers.max() >= size):
        raise BadComparisons(f"An index of “{field}” is not in 0 to {size - 1}.", field=field)


def tally(cells: Ints, weights: Floats, size: int) -> Floats:
    """Add up weights by cell, (size,) floats; 0 where there are none."""
    return np.bincount(cells, weights, size).astype(np.float64, copy=False)


def win_matrix(comparisons: Comparisons) -> Floats:
    """Count how often each item was better than each other; a tie is half a win for both.

    Returns:
        (n, n) floats >= 0 with [i, j] the wins of i over j, and a zero diagonal.
    """
    n = comparisons.n_items
    cell = comparisons.first * n + comparisons.second
    met = np.bincount(cell, minlength=n * n).reshape(n, n)
    wins = tally(cell, comparisons.outcome, n * n).reshape(n, n)
    # What the first did not win, the second did; rounding must not leave less than nothing.
    result: Floats = wins + np.maximum(met - wins, 0.0).T
    return result


def wins_and_ties(comparisons: Comparisons) -> tuple[Floats, Floats]:
    """Count strict wins and ties apart.

    An outcome y that is neither 0, 0.5 nor 1 is a tie by the share 1 - |2 y - 1| and a win for
    the side it leans to by the rest.

    Returns:
        wins, (n, n) with [i, j] the wins of i over j, and ties, (n, n), symmetric; both have a
        zero diagonal, and wins + ties / 2 is the win matrix.
    """
    n = comparisons.n_items
    i, j, y = comparisons.first, comparisons.second, comparisons.outcome
    up, down = np.maximum(2 * y - 1, 0), np.maximum(1 - 2 * y, 0)
    wins = tally(i * n + j, up, n * n) + tally(j * n + i, down, n * n)
    ties = tally(i * n + j, 1 - up - down, n * n).reshape(n, n)
    return wins.reshape(n, n), ties + ties.T


def win_shares(wins: Floats) -> Floats:
    """Give each item's share of wins over each other, as shown in a win matrix.

    Args:
        wins: (n, n) counts, ties as halves.
    Returns:
        (n, n) in [0, 1]; NaN where two items never met, and on the diagonal.
    """
    met = wins + wins.T
    return np.divide(wins, met, out=np.full(wins.shape, np.nan), where=met > 0)
