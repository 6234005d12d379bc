"""Several rankings of the same candidates made into one, and whether a group suffers from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import stats

FLAG_Z = 3.0  # a group's mean standing is this many standard errors away from the middle …
FLAG_SHIFT = 0.1  # … and at least this far, so that large groups are not flagged for a trifle

Table = NDArray[np.float64]


class Rule(StrEnum):
    BORDA = "borda"
    MEDIAN = "median"


@dataclass(frozen=True)
class Aggregate:
    """One ranking out of several.

    Attributes:
        score: shape (c,), in [0, 1], 1 first everywhere; NaN for who is in no ranking.
        correlations: of each source, Spearman's with `score` over those that the source ranks;
            NaN where fewer than 3 or all equal.
    """

    score: NDArray[np.float64]
    correlations: tuple[float, ...]


@dataclass(frozen=True)
class Standing:
    """How high a group stands in a ranking.

    Attributes:
        mean: mean standing of its candidates in [0, 1], 1 the first; about .5 without bias.
        z: distance from the middle in standard errors under random order.
        is_flagged: far enough from the middle to be looked at before trusting the ranking.
    """

    group: str
    n: int
    mean: float
    z: float
    is_flagged: bool


def standings(values: Table) -> Table:
    """Each column as standings in [0, 1]: 1 for the highest value, 0 for the lowest.

    Equal values share the mean of their ranks; a column with one value stands at .5.

    Args:
        values: shape (c, m), finite, NaN where a source says nothing about a candidate.
    Returns:
        shape (c, m), NaN where the values are.
    """
    is_missing = np.isnan(values)
    ranks = stats.rankdata(np.where(is_missing, np.inf, values), axis=0) - 1.0
    counts = (~is_missing).sum(axis=0)
    shares = np.where(counts > 1, ranks / np.maximum(counts - 1, 1), 0.5)
    return np.where(is_missing, np.nan, shares)


def aggregate(values: Table, rule: Rule = Rule.BORDA) -> Aggregate:
    """Make one ranking out of the columns of a table, the highest value first in each.

    Borda: the mean over sources of the share of others that a candidate beats, which orders as the
    sum of n - rank does where all are ranked by all. Median: of the same shares.

    Args:
        values: shape (c, m), m ≥ 1, NaN where a source says nothing; then the others decide.
    """
    shares = standings(values)
    is_ranked = ~np.isnan(shares).all(axis=1)
    score = np.full(len(values), np.nan)
    middle = np.nanmean if rule == Rule.BORDA else np.nanmedian
    if is_ranked.any():
        score[is_ranked] = middle(shares[is_ranked], axis=1)
    return Aggregate(score, tuple(correlation(column, score) for column in shares.T))


def correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Spearman's correlation over what both rank; NaN with fewer than 3 or without spread."""
    both = ~(np.isnan(one) | np.isnan(other))
    one, other = one[both], other[both]
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(stats.spearmanr(one, other).statistic)


def standings_of_groups(score: NDArray[np.float64], groups: Sequence[str]) -> list[Standing]:
    """Each group's mean standing, flagged where it is far from the middle.

    The standard error is that of the mean rank of k out of n under random order (Wilcoxon).

    Args:
        score: shape (c,), NaN left out.
        groups: the group of each candidate.
    """
    is_ranked = ~np.isnan(score)
    names = np.array(groups, dtype=object)[is_ranked]
    shares = standings(score[is_ranked, None])[:, 0]
    n = len(shares)
    found = []
    for group in sorted(set(names)):
        theirs = shares[names == group]
        k, mean = len(theirs), float(theirs.mean())
        error = np.sqrt((n + 1) * (n - k) / (12 * k)) / max(n - 1, 1)
        z = (mean - 0.5) / error if error else 0.0
        is_flagged = abs(z) >= FLAG_Z and abs(mean - 0.5) >= FLAG_SHIFT
        found.append(Standing(str(group), k, mean, float(z), bool(is_flagged)))
    return found
