"""Agreement of ratings on scales with any number of values: the long-format form of alpha."""

import numpy as np
from scipy import sparse

from annotation.domain.agreement import Coefficient, Level, TooFewRatings
from annotation.domain.verdicts import Floats, Ints

ROWS_AT_ONCE = 512  # distinct values compared with all others at a time: 512 * V * 8 bytes


def krippendorff_alpha(
    unit: Ints, value: Floats, level: Level | str = Level.INTERVAL
) -> Coefficient:
    """Krippendorff's alpha of numbers, in time that does not grow with the square of the votes.

    Squared differences need no table of values: over a unit's m numbers they sum to
    2 (m sum x^2 - (sum x)^2). Ordinal distance is the squared difference of mean ranks, so it is
    the same sum over ranks; for nominal it counts equal values; only `ratio` compares values with
    each other (in blocks).

    Args:
        unit: (n,) unit of each rating, from 0.
        value: (n,) ratings in any unit of measure, NaN where missing; `ratio` needs a true zero.
    Returns:
        At most 1; 1.0 when all ratings are equal. Invariant to the order of rows.
    Raises:
        TooFewRatings: no unit carries two ratings.

    Source: Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, case D.
    """
    known = ~np.isnan(value)
    unit, value = unit[known], value[known]
    paired = np.bincount(unit, minlength=1)[unit] > 1
    unit, value = unit[paired], value[paired]
    if not len(unit):
        raise TooFewRatings
    distinct, codes, times = np.unique(value, return_inverse=True, return_counts=True)
    if level == Level.NOMINAL:
        observed, expected = _unequal_pairs(unit, codes, times)
    elif level == Level.RATIO:
        observed, expected = _ratio_differences(unit, codes, distinct, times)
    else:
        ranks = np.cumsum(times) - times / 2
        numbers = distinct if level == Level.INTERVAL else ranks
        observed, expected = _squared_differences(unit, numbers[codes])
    alpha = 1 - observed / expected if expected else 1.0
    n_units = int((np.bincount(unit) > 0).sum())
    name = f"alpha_{Level(level)}"
    return Coefficient(name, alpha, 1 - observed, 1 - expected, n_units, len(unit))


def _unequal_pairs(unit: Ints, codes: Ints, times: Ints) -> tuple[float, float]:
    """Mean disagreement (observed, expected) where values are equal or not."""
    n = len(unit)
    _, first, alike = np.unique(
        unit.astype(np.int64) * len(times) + codes, return_index=True, return_counts=True
    )
    m = np.bincount(unit)
    squares = np.bincount(unit[first], alike.astype(float) ** 2, len(m))
    observed = ((m.astype(float) ** 2 - squares)[m > 1] / (m[m > 1] - 1)).sum() / n
    return float(observed), float((n**2 - (times.astype(float) ** 2).sum()) / (n * (n - 1)))


def _squared_differences(unit: Ints, numbers: Floats) -> tuple[float, float]:
    """Mean squared difference of two numbers (observed within units, expected over all)."""
    n = len(unit)
    numbers = numbers - numbers.mean()  # sums of squares of large offsets would cancel badly
    m = np.bincount(unit)
    sums, squares = np.bincount(unit, numbers), np.bincount(unit, numbers**2)
    rated = m > 1
    within = 2 * (m * squares - sums**2)[rated] / (m - 1)[rated]
    between = 2 * (n * squares.sum() - numbers.sum() ** 2) / (n * (n - 1))
    return float(np.maximum(within, 0).sum() / n), float(between)


def _ratio_differences(
    unit: Ints, codes: Ints, distinct: Floats, times: Ints
) -> tuple[float, float]:
    """Mean squared ((a - b) / (a + b)) (observed within units, expected over all)."""
    n = len(unit)
    m = np.bincount(unit)
    shape = (len(m), len(distinct))
    counts = sparse.csr_array((np.ones(n), (unit, codes)), shape=shape)
    scaled = sparse.csr_array((1 / (m[unit] - 1), (unit, codes)), shape=shape)
    pairs = (scaled.T @ counts).tocoo()
    observed = pairs.data @ _ratio_distance(distinct[pairs.coords[0]], distinct[pairs.coords[1]])
    expected = sum(
        float(times[block] @ _ratio_distance(distinct[block, None], distinct[None]) @ times)
        for block in np.array_split(np.arange(len(distinct)), len(distinct) // ROWS_AT_ONCE + 1)
    )
    return float(observed / n), expected / (n * (n - 1))


def _ratio_distance(left: Floats, right: Floats) -> Floats:
    sums, gaps = left + right, left - right
    return np.divide(gaps, sums, out=np.zeros_like(gaps), where=sums != 0) ** 2
