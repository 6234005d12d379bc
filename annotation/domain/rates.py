"""Shares with honest intervals: Wilson's, clustered, shrunk, and corrected for many tests."""

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

from annotation.domain.verdicts import Bools, Floats, Ints

CONFIDENCE = 0.95
ENOUGH_CLUSTERS = 15  # below this the spread between annotators is itself too uncertain
PRIOR_VOTES = 2.0, 1000.0  # bounds of how many votes a pool may weigh for one annotator


@dataclass(frozen=True)
class Rate:
    """A share of n trials with its interval. All three are None where n is 0.

    `method` says how the interval was made; `n_clusters` is the number of annotators (or others)
    whose spread it includes, 0 where trials count as independent.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    method: str = "wilson"
    n_clusters: int = 0


def wilson(part: float, n: float, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's score interval of a share.

    Args:
        part: successes, 0 to n, fractions allowed. n: trials, above 0, fractions allowed.
    Returns:
        Low and high in [0, 1].

    Source: Wilson (1927), Probable inference, the law of succession, and statistical inference.
    """
    return _wilson(part / n, n, float(special.ndtri(0.5 + confidence / 2)))


def _wilson(p: float, n: float, z: float) -> tuple[float, float]:
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return max(float(centre - half), 0.0), min(float(centre + half), 1.0)


def clopper_pearson(part: int, n: int, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Two-sided exact interval of a share, by the quantiles of the beta distribution.

    Args:
        part: successes, 0 to n. n: trials, 0 or more.
    Returns:
        Low and high in [0, 1]; (0, 1) without trials.

    Source: Clopper and Pearson (1934), The use of confidence or fiducial limits illustrated in the
    case of the binomial.
    """
    tail = (1 - confidence) / 2
    low = special.betaincinv(part, n - part + 1, tail) if part else 0.0
    high = special.betaincinv(part + 1, n - part, 1 - tail) if part < n else 1.0
    return float(low), float(high)


def rate(
    success: Floats | Bools, cluster: Ints | None = None, *, confidence: float = CONFIDENCE
) -> Rate:
    """Estimate a share, clustered where there are at least `ENOUGH_CLUSTERS` clusters.

    Trials of one annotator resemble each other, so they count as fewer: n is divided by the design
    effect (at least 1) of the linearised variance, and z is replaced by Student's t.

    Args:
        success: (n,) 0 to 1 each.
        cluster: (n,) who each trial comes from, from 0.
    Returns:
        The share with its interval; the plain Wilson interval with fewer clusters.

    Source: Wilson (1927); Korn and Graubard (1998), Confidence intervals for proportions with
    small expected number of positive counts estimated from survey data (effective sample size).
    """
    n = len(success)
    if not n:
        return Rate(None, None, None, 0)
    p = float(np.mean(success))
    if cluster is None or (sizes := _sizes(cluster)).size < ENOUGH_CLUSTERS:
        return Rate(p, *wilson(p * n, n, confidence=confidence), n)
    a = len(sizes)
    _, own = np.unique(cluster, return_inverse=True)
    totals = np.bincount(own, success) - p * sizes
    variance = a / (a - 1) * float(totals @ totals) / n**2
    effective = min(p * (1 - p) / variance, n) if variance else float(n)
    low, high = _wilson(p, effective, float(special.stdtrit(a - 1, 0.5 + confidence / 2)))
    return Rate(p, low, high, n, "wilson_clustered", a)


def _sizes(cluster: Ints) -> Ints:
    return np.unique(cluster, return_counts=True)[1]


@dataclass(frozen=True)
class ShrunkRates:
    """Shares of many annotators, each drawn towards the pool as far as its votes are few.

    value, low, high: (A,) posterior mean and equal-tailed interval. `mean` and `votes` are the
    Beta prior: its mean, and how many votes it weighs.
    """

    value: Floats
    low: Floats
    high: Floats
    mean: float
    votes: float


def shrink(part: Floats | Ints, n: Ints, *, confidence: float = CONFIDENCE) -> ShrunkRates:
    """Shrink shares by a Beta prior that is fitted to all of them (empirical Bayes).

    Args:
        part: (A,) successes. n: (A,) trials, 0 allowed: such a share is the pool's.
    Returns:
        Posterior means and intervals; with no trials at all the prior is Beta(1, 1).

    Source: Gelman et al. (2013), Bayesian Data Analysis (beta-binomial), with the
    prior by marginal maximum likelihood at the pooled mean.
    """
    total = float(np.sum(n))
    mean = (float(np.sum(part)) + 1) / (total + 2)

    def loss(log_votes: float) -> float:
        a, b = mean * np.exp(log_votes), (1 - mean) * np.exp(log_votes)
        return -float((special.betaln(part + a, n - part + b) - special.betaln(a, b)).sum())

    best = optimize.minimize_scalar(loss, bounds=np.log(PRIOR_VOTES), method="bounded")
    votes = float(np.exp(best.x)) if total else PRIOR_VOTES[0]
    a, b = part + mean * votes, n - part + (1 - mean) * votes
    tail = (1 - confidence) / 2
    low, high = (special.betaincinv(a, b, q) for q in (tail, 1 - tail))
    return ShrunkRates(a / (a + b), low, high, mean, votes)


def benjamini_hochberg(p_values: Floats) -> Floats:
    """Adjust p-values so that refusing those below q keeps the share of false alarms below q.

    Args:
        p_values: (n,) in [0, 1]; NaN where there was no test (stays NaN and counts for nothing).
    Returns:
        (n,) adjusted p-values in [0, 1].

    Source: Benjamini and Hochberg (1995), Controlling the false discovery rate.
    """
    adjusted = np.full(len(p_values), np.nan)
    tested = ~np.isnan(p_values)
    if tested.any():
        adjusted[tested] = stats.false_discovery_control(p_values[tested], method="bh")
    return adjusted


def medians(who: Ints, values: Floats, n: int) -> Floats:
    """Median by annotator of the values that are not NaN; (n,) with NaN where there are none."""
    known = ~np.isnan(values)
    who, values = who[known], values[known]
    order = np.lexsort((values, who))
    ordered = values[order]
    counts = np.bincount(who, minlength=n)
    starts, some = np.cumsum(counts) - counts, counts > 0
    result = np.full(n, np.nan)
    low, high = ((starts + (counts - odd) // 2)[some] for odd in (1, 0))
    result[some] = (ordered[low] + ordered[high]) / 2
    return result
