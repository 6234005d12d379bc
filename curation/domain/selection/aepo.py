"""A few responses of an item that stand for the others and differ among themselves.

Source: Annotation-Efficient Preference Optimization (Jinnai and Honda 2024): of many sampled
responses only a representative and diverse few are put before annotators.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

MOST_ENUMERATED = 100_000  # subsets; beyond, greedy from every start with swaps

Similarities = NDArray[np.float64]


@dataclass(frozen=True)
class Subset:
    """Places of the chosen responses, ascending, their objective, and whether it is the best."""

    places: tuple[int, ...]
    value: float
    is_exact: bool


def objective(
    similarity: Similarities,
    places: Iterable[int],
    *,
    weight: float = 1.0,
    quality: NDArray[np.float64] | None = None,
) -> float:
    """How well a subset S of n responses stands for all of them.

    The mean over S of each one's mean similarity to the n - 1 others (or of its quality), less
    weight times the mean similarity within S over ordered pairs. Without a pair (k = 1) the second
    term is 0; so is the first where n = 1 and no quality is given.

    Args:
        similarity: shape (n, n), such as cosines; the diagonal is not looked at.
        places: k different places, k ≥ 1.
        weight: of the second term, the paper's lambda; 0 or more.
        quality: shape (n,), such as mean judge scores, in the place of representativeness.
    """
    chosen = np.array(list(places), dtype=np.intp)
    worth = _worth(similarity, quality)
    return float(_values(chosen[None, :], worth, _without_diagonal(similarity), weight)[0])


def pick_subset(
    similarity: Similarities,
    k: int,
    *,
    weight: float = 1.0,
    quality: NDArray[np.float64] | None = None,
) -> Subset:
    """Choose k of n responses with the highest `objective`.

    All subsets are tried while there are at most 100,000; beyond, greedily from each start, then
    swapping one for another while that helps, and the best end is taken. Of equals, the first
    subset in the order of the places.

    Args:
        similarity, weight, quality: as `objective` takes them.
        k: 1 to n.
    Raises:
        ValueError: k is out of range.
    """
    n = len(similarity)
    if not 1 <= k <= n:
        raise ValueError(f"cannot choose {k} of {n} responses")
    worth, pairs = _worth(similarity, quality), _without_diagonal(similarity)
    if comb(n, k) <= MOST_ENUMERATED:
        flat = np.fromiter(chain.from_iterable(combinations(range(n), k)), dtype=np.intp)
        tried = flat.reshape(-1, k)
        is_exact = True
    else:
        ends = {_climb(_grow(start, k, worth, pairs, weight), worth, pairs, weight)
                for start in range(n)}  # fmt: skip
        tried = np.array(sorted(ends), dtype=np.intp)
        is_exact = False
    values = _values(tried, worth, pairs, weight)
    best = int(values.argmax())
    return Subset(tuple(tried[best].tolist()), float(values[best]), is_exact)


def _worth(similarity: Similarities, quality: NDArray[np.float64] | None) -> NDArray[np.float64]:
    if quality is not None:
        return quality.astype(np.float64)
    others = max(len(similarity) - 1, 1)
    return _without_diagonal(similarity).sum(axis=1) / others


def _without_diagonal(similarity: Similarities) -> Similarities:
    pairs = similarity.astype(np.float64)
    np.fill_diagonal(pairs, 0.0)
    return pairs


def _values(
    subsets: NDArray[np.intp], worth: NDArray[np.float64], pairs: Similarities, weight: float
) -> NDArray[np.float64]:
    k = subsets.shape[1]
    within = np.zeros(len(subsets))
    for one, other in combinations(range(k), 2):
        left, right = subsets[:, one], subsets[:, other]
        within += pairs[left, right] + pairs[right, left]
    return worth[subsets].mean(axis=1) - weight * within / max(k * (k - 1), 1)


def _grow(
    start: int, k: int, worth: NDArray[np.float64], pairs: Similarities, weight: float
) -> list[int]:
    chosen = [start]
    to_chosen = pairs[start] + pairs[:, start]
    while len(chosen) < k:
        gain = worth / k - weight * to_chosen / max(k * (k - 1), 1)
        gain[chosen] = -np.inf
        best = int(gain.argmax())
        chosen.append(best)
        to_chosen = to_chosen + pairs[best] + pairs[:, best]
    return chosen


def _climb(
    chosen: list[int], worth: NDArray[np.float64], pairs: Similarities, weight: float
) -> tuple[int, ...]:
    """Swap one chosen for one left out, the most helpful swap first, until none helps."""
    k = len(chosen)
    both = pairs + pairs.T
    while True:
        to_chosen = both[:, chosen].sum(axis=1)
        left_out = np.setdiff1d(np.arange(len(worth)), chosen)
        penalty = weight / max(k * (k - 1), 1)
        gone = worth[chosen] / k - penalty * to_chosen[chosen]
        come = worth[left_out] / k - penalty * to_chosen[left_out]
        # Whoever comes is not similar to the one that goes any more.
        gains = come[:, None] - gone[None, :] + penalty * both[np.ix_(left_out, np.array(chosen))]
        comer, goer = np.unravel_index(int(gains.argmax()), gains.shape)
        if gains[comer, goer] <= 1e-12:
            return tuple(sorted(chosen))
        chosen = [*chosen[:goer], int(left_out[comer]), *chosen[goer + 1 :]]
