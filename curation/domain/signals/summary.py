"""What a signal looks like over many comparisons: its distribution, and what it goes along with."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from curation.domain.signals.signal import Kind, Value

MOST_BINS = 24
MOST_WORDS = 20
LEAST_COMPARISONS = 20  # a correlation of fewer says too little


@dataclass(frozen=True, slots=True)
class Bin:
    """How many comparisons have a value from `low` to below `high`; the last bin has both."""

    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Correlation:
    """Spearman's rank correlation, -1 to 1, over `n` comparisons."""

    name: str
    rho: float
    n: int


def as_number(value: Value) -> float | None:
    """The value of a number or a flag; None of anything else."""
    return float(value) if isinstance(value, bool | int | float) else None


def histogram(values: Sequence[float]) -> list[Bin]:
    """Count numbers in up to `MOST_BINS` bins of equal width.

    Whole numbers that span fewer values than that have a bin each.

    Returns:
        Bins from the least to the greatest; none without values.
    """
    if not len(values):
        return []
    numbers = np.asarray(values, dtype=float)
    low, high = numbers.min(), numbers.max()
    is_whole = bool(np.all(numbers == np.round(numbers)))
    if is_whole and high - low < MOST_BINS:
        edges = np.arange(low, high + 2) - 0.5
    else:
        edges = np.histogram_bin_edges(numbers, MOST_BINS)
    counts, edges = np.histogram(numbers, edges)
    return [
        Bin(float(start), float(end), int(n))
        for start, end, n in zip(edges, edges[1:], counts, strict=False)
    ]


def word_counts(values: Sequence[Value], kind: Kind) -> list[tuple[str, int]]:
    """Count the words of a signal, the most frequent first, up to `MOST_WORDS`."""
    counted: Counter[str] = Counter()
    for value in values:
        if kind == Kind.FLAG:
            counted["yes" if value else "no"] += 1
        elif isinstance(value, list):
            counted.update(map(str, value))
        else:
            counted[str(value)] += 1
    return sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_WORDS]


def correlations(
    rows: Sequence[Mapping[str, Value]], target: Sequence[float], names: Sequence[str]
) -> list[Correlation]:
    """Correlate signals with a number about the same comparisons.

    Args:
        rows: the signals of each comparison by name; what is null or no number is left out.
        target: the number about each comparison.
        names: the signals to look at.

    Returns:
        The strongest first. Left out are signals with fewer than `LEAST_COMPARISONS` values, and
        those where the values or the target are all the same.
    """
    found = []
    for name in names:
        pairs = [
            (number, wanted)
            for row, wanted in zip(rows, target, strict=True)
            if (number := as_number(row.get(name))) is not None
        ]
        if len(pairs) < LEAST_COMPARISONS:
            continue
        values, wanted_values = np.array(pairs).T
        if np.ptp(values) and np.ptp(wanted_values):
            rho = float(spearmanr(values, wanted_values).statistic)
            found.append(Correlation(name, rho, len(pairs)))
    return sorted(found, key=lambda one: (-abs(one.rho), one.name))
