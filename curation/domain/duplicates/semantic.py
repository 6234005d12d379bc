"""All pairs of vectors whose cosine reaches a threshold."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROWS, COLUMNS = 2_048, 8_192  # of a block of products: 64 MB of fp32
Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class AlikePairs:
    """Pairs of rows, each once, ascending by (first, second).

    Attributes:
        first, second: int64, shape (n,): rows. Among one set of vectors, `first` < `second`.
        cosine: float32, shape (n,), in [least, 1], of the vectors scaled to length 1.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    cosine: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.first)


def usable(vectors: Vectors) -> NDArray[np.bool_]:
    """Mark the vectors that have a direction: finite and not all zero."""
    squares = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
    return np.isfinite(squares) & (squares > 0)


def unit(vectors: Vectors) -> Vectors:
    """Scale vectors to length 1; those without a direction become all zero, like nothing."""
    keep = usable(vectors)
    safe = np.where(keep[:, None], vectors, 0).astype(np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", safe, safe, dtype=np.float64))
    return (safe / np.where(keep, lengths, 1.0)[:, None]).astype(np.float32)


def exact_pairs(vectors: Vectors, least: float) -> AlikePairs:
    """Find all pairs by the whole product, block by block.

    Args:
        vectors: shape (n, d), float32, any length; NaN, infinite and zero rows are like nothing.
        least: least cosine, above 0.
    """
    rows = unit(vectors)
    return merged(blocks(rows, rows, same=True), least, same=True)


def exact_pairs_between(new: Vectors, old: Vectors, least: float) -> AlikePairs:
    """Find all pairs of a new and an old vector: `first` counts in `new`, `second` in `old`."""
    return merged(blocks(unit(new), unit(old), same=False), least, same=False)


def blocks(
    one: Vectors, other: Vectors, *, same: bool
) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
    for begin in range(0, len(one), ROWS):
        for at in range(begin if same else 0, len(other), COLUMNS):
            yield begin, at, one[begin : begin + ROWS] @ other[at : at + COLUMNS].T


def merged(
    products: Iterator[tuple[int, int, NDArray[np.float32]]], least: float, *, same: bool
) -> AlikePairs:
    first, second, cosine = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0, "f4")]
    for begin, at, block in products:
        rows, columns = np.nonzero(block >= least)
        keep = rows + begin < columns + at if same else np.ones(len(rows), dtype=bool)
        first.append(rows[keep] + begin)
        second.append(columns[keep] + at)
        cosine.append(block[rows[keep], columns[keep]])
    return in_order(np.concatenate(first), np.concatenate(second), np.concatenate(cosine))


def in_order(
    first: NDArray[np.int64], second: NDArray[np.int64], cosine: NDArray[np.float32]
) -> AlikePairs:
    order = np.lexsort((second, first))
    return AlikePairs(first[order], second[order], np.minimum(cosine[order], np.float32(1)))


def alike_pairs(vectors: Vectors, least: float) -> AlikePairs:
    """Find the pairs among one set of vectors, by the fastest way that misses almost none.

    Args:
        vectors: shape (n, d), float32, any length; NaN, infinite and zero rows are like nothing.
        least: least cosine, above 0.
    """
    return exact_pairs(vectors, least)


def alike_pairs_between(new: Vectors, old: Vectors, least: float) -> AlikePairs:
    """Find the pairs of a new and an old vector: `first` counts in `new`, `second` in `old`."""
    return exact_pairs_between(new, old, least)
