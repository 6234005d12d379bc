"""All pairs of vectors whose cosine reaches a threshold.

Split two vectors of length 1 into their leading dimensions (the principal ones of a sample) and
the rest: by Cauchy and Schwarz their cosine is at most the product of the leading parts plus the
lengths of the rests multiplied. So the few pairs for which this bound reaches the threshold contain
all that are sought; they are found in short vectors, and measured in full. Nothing is missed,
whatever the vectors; how much is saved depends on them, so the number of leading dimensions is
chosen by trying a few on a sample.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

ROWS, COLUMNS = 512, 2_048  # of a block of products: 4 MB of fp32, which a cache holds
SAMPLE = 1_000  # vectors that the leading dimensions are chosen on
SHARES = (1 / 12, 1 / 10, 1 / 8, 1 / 6, 1 / 4, 1 / 2)  # of the dimensions, tried on the sample
PRICE = 100.0  # of measuring one candidate in full, in products of one pair (timed on AVX2)
ROUNDING = 1e-4  # more than what fp32 may be off in a product of projections
MEASURED_AT_ONCE = 20_000
LEAST_ROWS = 4_000  # fewer are multiplied out at once
Vectors = NDArray[np.float32]
Part = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]


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


def alike_pairs(vectors: Vectors, least: float) -> AlikePairs:
    """Find all pairs among one set of vectors.

    Beside the vectors it holds a copy of them, up to as much again, and the pairs.

    Args:
        vectors: shape (n, d), float32, any length; NaN, infinite and zero rows are like nothing.
        least: least cosine, above 0.
    """
    rows = unit(vectors)
    with one_thread():
        axes = leading_axes(rows, least)
        if axes is None:
            return gathered(rows, rows, least, same=True)
        return measured(rows, rows, axes, least, same=True)


def alike_pairs_between(new: Vectors, old: Vectors, least: float) -> AlikePairs:
    """Find all pairs of a new and an old vector: `first` counts in `new`, `second` in `old`.

    The pairs of old and new together are those of the old, those of the new, and these.
    """
    one, other = unit(new), unit(old)
    with one_thread():
        axes = leading_axes(other, least) if len(one) >= LEAST_ROWS else None
        if axes is None:
            return gathered(one, other, least, same=False)
        return measured(one, other, axes, least, same=False)


def exact_pairs(vectors: Vectors, least: float) -> AlikePairs:
    """Find all pairs by the whole product, block by block: what `alike_pairs` is held against."""
    rows = unit(vectors)
    with one_thread():
        return gathered(rows, rows, least, same=True)


def usable(vectors: Vectors) -> NDArray[np.bool_]:
    """Mark the vectors that have a direction: finite and not all zero."""
    squares = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
    return np.isfinite(squares) & (squares > 0)


def unit(vectors: Vectors) -> Vectors:
    """Scale vectors to length 1; those without a direction become all zero, like nothing."""
    keep = usable(vectors)
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    scaled = vectors / np.where(keep, lengths, 1.0)[:, None].astype(np.float32)
    scaled[~keep] = 0
    return scaled.astype(np.float32, copy=False)


def leading_axes(rows: Vectors, least: float) -> Vectors | None:
    """Choose the dimensions that are searched first.

    Returns:
        Orthonormal axes, shape (d, k), or None where the whole product costs less.
    """
    n, d = rows.shape
    if n < LEAST_ROWS or not 0 < least < 1:
        return None
    sample = rows[:: max(1, n // SAMPLE)]
    axes = np.linalg.eigh(sample.T.astype(np.float64) @ sample)[1][:, ::-1].astype(np.float32)
    costs: dict[int, float] = {}
    for k in sorted({max(8, round(d * share)) for share in SHARES}):
        short = shortened(sample, axes[:, :k])
        n_passed = int(np.count_nonzero(short @ short.T >= least)) - len(sample)
        costs[k] = k / d + PRICE * max(n_passed, 0) / (len(sample) * (len(sample) - 1))
    best = min(costs, key=lambda k: (costs[k], k))
    return axes[:, :best] if costs[best] < 1 else None


def measured(
    one: Vectors, other: Vectors, axes: Vectors, least: float, *, same: bool
) -> AlikePairs:
    """Search the leading dimensions and measure in full what passes."""
    mine = shortened(one, axes)
    theirs = mine if same else shortened(other, axes)
    room = Room()
    parts: list[Part] = []
    for begin in range(0, len(mine), ROWS):
        for at in range(begin if same else 0, len(theirs), COLUMNS):
            bounds = room.product(mine[begin : begin + ROWS], theirs[at : at + COLUMNS])
            flags = room.reaching(bounds, least - ROUNDING)
            parts += verified(one, other, *passed(flags, begin, at, same=same), least)
    return joined(parts)


def shortened(rows: Vectors, axes: Vectors) -> Vectors:
    """Give the leading part of each vector with the length of the rest as one more number.

    The product of two of them is then the bound on their cosine.
    """
    near = rows @ axes
    squares = np.einsum("ij,ij->i", rows, rows) - np.einsum("ij,ij->i", near, near)
    return np.concatenate([near, np.sqrt(np.maximum(squares, 0))[:, None]], axis=1)


def one_thread() -> threadpool_limits:
    """Keep BLAS from waking threads for blocks so small: where cores are busy they only spin."""
    return threadpool_limits(limits=1, user_api="blas")


class Room:
    """Memory for one block, used again and again: fresh pages cost more than the work itself."""

    def __init__(self) -> None:
        self._products = np.empty(ROWS * COLUMNS, dtype=np.float32)
        self._flags = np.empty(ROWS * COLUMNS, dtype=np.bool_)

    def product(self, one: Vectors, other: Vectors) -> Vectors:
        block = self._products[: len(one) * len(other)].reshape(len(one), len(other))
        return np.matmul(one, other.T, out=block)

    def reaching(self, block: Vectors, least: float) -> NDArray[np.bool_]:
        flags = self._flags[: block.size].reshape(block.shape)
        return np.greater_equal(block, np.float32(least), out=flags)


def passed(
    flags: NDArray[np.bool_], begin: int, at: int, *, same: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rows, columns = np.divmod(np.flatnonzero(flags), flags.shape[1])
    first, second = rows + begin, columns + at
    keep = first < second if same else slice(None)
    return first[keep], second[keep]


def verified(
    one: Vectors, other: Vectors, first: NDArray[np.int64], second: NDArray[np.int64], least: float
) -> Iterator[Part]:
    for begin in range(0, len(first), MEASURED_AT_ONCE):
        rows, columns = (ends[begin : begin + MEASURED_AT_ONCE] for ends in (first, second))
        cosine = np.einsum("ij,ij->i", one[rows], other[columns])
        keep = cosine >= least
        yield rows[keep], columns[keep], cosine[keep]


def gathered(one: Vectors, other: Vectors, least: float, *, same: bool) -> AlikePairs:
    """Multiply everything out, block by block."""
    room = Room()
    parts: list[Part] = []
    for begin in range(0, len(one), ROWS):
        for at in range(begin if same else 0, len(other), COLUMNS):
            block = room.product(one[begin : begin + ROWS], other[at : at + COLUMNS])
            first, second = passed(room.reaching(block, least), begin, at, same=same)
            parts.append((first, second, block[first - begin, second - at]))
    return joined(parts)


def joined(parts: list[Part]) -> AlikePairs:
    none = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
    first, second, cosine = (np.concatenate(column) for column in zip(none, *parts, strict=True))
    order = np.lexsort((second, first))
    return AlikePairs(first[order], second[order], np.minimum(cosine[order], np.float32(1)))
