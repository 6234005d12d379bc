"""How good the labels would be: expected before anything is judged, and how sure that is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

Z = float(stats.norm.ppf(0.975))
NEVER = 1e-12  # SciPy overflows for probabilities that are almost too small to be written
STEP = 1e-4  # of a probability, to tell how a majority's changes with it


@dataclass(frozen=True, slots=True)
class Trust:
    """How far people and judges are right, as measured so far.

    Attributes:
        people: probability that one person's label is the right one, in [0, 1]; None if unknown.
        n_people: labels that `people` was measured on, 0 for a value that the project sets.
        judges: (n,) probability that the judges' verdict is right, NaN where unknown.
        n_judges: comparisons with labels of both that `judges` was measured on.
    """

    people: float | None
    n_people: int
    judges: Floats
    n_judges: int


@dataclass(frozen=True, slots=True)
class Expected:
    """The mean probability that a label is right, over `n` labels whose probability is known.

    All three are None where n is 0; `n_unknown` labels would come about, but nobody knows how good.
    """

    mean: float | None
    low: float | None
    high: float | None
    n: int
    n_unknown: int


def majority(people: float, overlap: Ints) -> Floats:
    """Probability that the majority of some people is right, if they err apart from one another.

    Args:
        people: of one person, in [0, 1].
        overlap: (n,) how many judge; an even split is settled by a coin.
    Returns:
        (n,) in [0, 1]; NaN where nobody judges.

    Source: Condorcet (1785), the jury theorem; sums of the binomial distribution.
    """
    sizes, place = np.unique(overlap, return_inverse=True)
    half = sizes / 2
    p = min(max(people, NEVER), 1 - NEVER)
    wins = stats.binom.sf(np.floor(half), sizes, p)
    split = np.where(sizes % 2 == 0, stats.binom.pmf(half, sizes, p), 0.0)
    right: Floats = np.where(sizes > 0, wins + split / 2, np.nan)[place]
    return right


def chances(overlap: Ints, is_judged: Bools, trust: Trust) -> Floats:
    """Probability that each comparison's label is right.

    Where people and judges both judge, the label is at least as good as the better of the two.

    Args:
        overlap: (n,) people who judge. is_judged: (n,) whether LLM judges do.
    Returns:
        (n,) in [0, 1]; NaN where nobody judges, or nothing is known of those who do.
    """
    people = np.full(len(overlap), np.nan)
    if trust.people is not None:
        people = majority(trust.people, overlap)
    return np.fmax(people, np.where(is_judged, trust.judges, np.nan))


def expected_quality(overlap: Ints, is_judged: Bools, trust: Trust) -> Expected:
    """Expect the share of right labels, with a 95 % interval by the delta method.

    Three things are uncertain and counted as independent: which comparisons come (their spread),
    how good people are, and how good judges are, the latter two by the labels they were measured
    on. What was measured on nothing (a value that the project sets) counts as certain.

    Args:
        overlap, is_judged: as `chances` takes them.
    """
    right = chances(overlap, is_judged, trust)
    is_known = ~np.isnan(right)
    n = int(is_known.sum())
    n_unknown = int(((overlap > 0) | is_judged).sum()) - n
    if not n:
        return Expected(None, None, None, 0, n_unknown)
    mean = float(right[is_known].mean())
    by_judges = is_known & is_judged & (right <= trust.judges)
    variance = float(right[is_known].var()) / n
    variance += variance_of_people(overlap[is_known & ~by_judges], n, trust)
    variance += variance_of_judges(right[by_judges], n, trust)
    half = Z * float(np.sqrt(variance))
    return Expected(mean, max(mean - half, 0.0), min(mean + half, 1.0), n, n_unknown)


def variance_of_people(overlap: Ints, n: int, trust: Trust) -> float:
    """What not knowing exactly how good one person is adds to the variance of the mean over n."""
    if trust.people is None or not trust.n_people or not len(overlap):
        return 0.0
    above, below = min(trust.people + STEP, 1.0), max(trust.people - STEP, 0.0)
    gain = majority(above, overlap) - majority(below, overlap)
    slope = float(gain.sum()) / (above - below) / n
    return slope**2 * trust.people * (1 - trust.people) / trust.n_people


def variance_of_judges(right: Floats, n: int, trust: Trust) -> float:
    """What not knowing exactly how good judges are adds to the variance of the mean over n."""
    if not trust.n_judges or not len(right):
        return 0.0
    mean = float(right.mean())
    return (len(right) / n) ** 2 * mean * (1 - mean) / trust.n_judges
