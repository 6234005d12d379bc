"""What pulls verdicts other than the answers: the side, the length, the judge's own family.

Verdicts are about responses in stored order (`FIRST`, `SECOND`, `TIE`…); the order in which they
were shown stands beside them. Intervals are clustered by annotator where there are enough.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from annotation.domain.rates import ENOUGH_CLUSTERS, Rate, rate
from annotation.domain.resampling import Interval, ratio_interval
from annotation.domain.verdicts import (
    FIRST,
    NO_VERDICT,
    SECOND,
    TIE,
    Bools,
    Floats,
    Ints,
    is_decisive,
    side_chosen,
)

NEWTON_STEPS = 50
RIDGE = 1e-6  # keeps a coefficient finite where one side always wins; the prior's precision
FEWEST_OWN = 100  # own-against-other comparisons below which self-preference is not shown


def first_shown_rate(choice: Ints, swapped: Ints, annotator: Ints | None = None) -> Rate:
    """Share of decisive verdicts for the response that was shown first.

    Args:
        choice: (n,) verdicts. swapped: (n,) 1 shown in reverse of the stored order, 0 not, -1
            unknown (left out). annotator: (n,) from 0, to cluster by.
    Returns:
        0.5 without position bias, provided that the order was random; nulls where no verdict is
        both decisive and of known order.
    """
    side = side_chosen(choice, swapped)
    kept = side >= 0
    return rate(side[kept] == FIRST, None if annotator is None else annotator[kept])


def order_flips(unit: Ints, annotator: Ints, choice: Ints, swapped: Ints) -> tuple[Ints, Bools]:
    """Compare what an annotator says of the same unit in the two orders.

    The first verdict in each order counts, in row order; later ones repeat it. A flip is any
    change: another winner, or a tie in one order only. A tie in both orders is none.

    Args:
        unit, annotator, choice, swapped: (n,) as in `first_shown_rate`; rows without a verdict or
            with an unknown order are left out.
    Returns:
        (P,) annotators and (P,) whether they flipped, for each unit that one judged in both orders.
    """
    known = (choice != NO_VERDICT) & (swapped >= 0)
    unit, annotator = unit[known].astype(np.int64), annotator[known]
    choice, swapped = choice[known], swapped[known]
    who = unit * (int(annotator.max(initial=0)) + 1) + annotator
    (plain, at_plain), (reverse, at_reverse) = (
        np.unique(who[swapped == way], return_index=True) for way in (0, 1)
    )
    _, left, right = np.intersect1d(plain, reverse, assume_unique=True, return_indices=True)
    said = choice[swapped == 0][at_plain[left]]
    said_in_reverse = choice[swapped == 1][at_reverse[right]]
    return annotator[swapped == 0][at_plain[left]], said != said_in_reverse


def order_flip_rate(unit: Ints, annotator: Ints, choice: Ints, swapped: Ints) -> Rate:
    """Share of the units judged in both orders whose verdict changed. See `order_flips`."""
    who, flipped = order_flips(unit, annotator, choice, swapped)
    return rate(flipped, who)


def longer_win_rate(choice: Ints, lengths: Ints, annotator: Ints | None = None) -> Rate:
    """Share of decisive verdicts for the longer response, equal lengths left out.

    Args:
        choice: (n,) verdicts. lengths: (n, 2) length of each response in any one unit.
    """
    kept = is_decisive(choice) & (lengths[:, 0] != lengths[:, 1])
    longer = np.where(lengths[:, 0] > lengths[:, 1], FIRST, SECOND)
    return rate((choice == longer)[kept], None if annotator is None else annotator[kept])


@dataclass(frozen=True)
class OddsRatio:
    """By what factor one standard deviation more changes the odds of winning, with its interval.

    None throughout where the verdicts can not tell. `method` names the variance.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    method: str
    n_clusters: int = 0


def length_odds_ratio(
    choice: Ints,
    lengths: Ints,
    annotator: Ints | None = None,
    *,
    offset: Floats | None = None,
    confidence: float = 0.95,
) -> OddsRatio:
    """Odds ratio of winning per standard deviation of relative length.

    logit P(first wins) = offset + b x, x = (len_1 - len_2) / (len_1 + len_2) over its root mean
    square: scaled but not centred, so that exchanging the responses changes only the sign.

    Args:
        choice: (n,) verdicts; only decisive ones count. lengths: (n, 2), 0 or more.
        annotator: (n,) from 0; with at least `ENOUGH_CLUSTERS` the variance is clustered.
        offset: (n,) log-odds that the first wins for other reasons, such as fitted ability.
    Returns:
        1 for no length effect. None without spread in length or where the longer always wins.

    Source: Chiang et al. (2024), Chatbot Arena style control, for the feature; Liang and Zeger
    (1986), Longitudinal data analysis using generalized linear models, for the variance.
    """
    total = lengths.sum(axis=1)
    kept = is_decisive(choice) & (total > 0)
    x = (lengths[kept, 0] - lengths[kept, 1]) / total[kept]
    scale = float(np.sqrt(np.mean(x**2))) if len(x) else 0.0
    wins = (choice[kept] == FIRST).astype(float)
    if not scale or _is_separable(x, wins):
        return OddsRatio(None, None, None, len(x), "none")
    x = x / scale
    base = np.zeros(len(x)) if offset is None else offset[kept]
    b, score, information = _fit_slope(x, wins, base)
    who = None if annotator is None else np.unique(annotator[kept], return_inverse=True)[1]
    variance, method, n_clusters = 1 / information, "information", 0
    critical = float(special.ndtri(0.5 + confidence / 2))
    if who is not None and (a := int(who.max()) + 1) >= ENOUGH_CLUSTERS:
        sums = np.bincount(who, score)
        variance, method, n_clusters = float(sums @ sums) / information**2, "clustered", a
        variance *= a / (a - 1)
        critical = float(special.stdtrit(a - 1, 0.5 + confidence / 2))
    half = critical * np.sqrt(variance)
    low, value, high = (float(np.exp(b + step)) for step in (-half, 0, half))
    return OddsRatio(value, low, high, len(x), method, n_clusters)


def _is_separable(x: Floats, wins: Floats) -> bool:
    signs = x * np.where(wins > 0, 1, -1)
    return bool((signs >= 0).all() or (signs <= 0).all())


def _fit_slope(x: Floats, wins: Floats, offset: Floats) -> tuple[float, Floats, float]:
    """Newton's method for one slope: estimate, (n,) scores, information."""
    b = 0.0
    for _ in range(NEWTON_STEPS):
        p = special.expit(offset + b * x)
        information = float((x**2 * p * (1 - p)).sum()) + RIDGE
        step = (float(x @ (wins - p)) - RIDGE * b) / information
        b += step
        if abs(step) < 1e-10:
            break
    p = special.expit(offset + b * x)
    return b, x * (wins - p), float((x**2 * p * (1 - p)).sum()) + RIDGE


@dataclass(frozen=True)
class SelfPreference:
    """By how much a judge's family wins more often before its own judge than by the gold verdicts.

    own: share of wins that the judge gives its own family; gold: the same comparisons by gold.
    excess: own - gold, in [-1, 1]; its interval resamples prompts. `is_enough` where there are at
    least `FEWEST_OWN` comparisons.
    """

    own: float | None
    gold: float | None
    excess: Interval
    n: int

    @property
    def is_enough(self) -> bool:
        return self.n >= FEWEST_OWN


def self_preference(
    choice: Ints,
    gold: Ints,
    is_own: Bools,
    prompt: Ints,
    *,
    n_resamples: int = 1000,
    seed: int = 0,
) -> SelfPreference:
    """Measure self-preference against gold: a better model legitimately wins more.

    Args:
        choice: (n,) verdicts of one judge, both orders as separate rows. gold: (n,) verdicts of
            others on the same comparison, such as the majority of people.
        is_own: (n, 2) whether each response is of the judge's family; rows with exactly one count.
        prompt: (n,) what is resampled.
    Returns:
        Wins count 1, ties 1/2; rows without one of the verdicts are left out; nulls without rows.

    Source: Chen et al. (2025), Beyond the Surface: Measuring Self-Preference in LLM Judgments (the
    DBG score).
    """
    kept = is_own[:, 0] ^ is_own[:, 1]
    kept &= np.isin(choice, (FIRST, SECOND, TIE)) & np.isin(gold, (FIRST, SECOND, TIE))
    side = np.where(is_own[kept, 0], FIRST, SECOND)
    own, true = (_points(verdict[kept], side) for verdict in (choice, gold))
    excess = ratio_interval(
        own - true,
        np.ones(len(own)),
        prompt[kept],
        by="prompt",
        n_resamples=n_resamples,
        seed=seed,
    )
    if not len(own):
        return SelfPreference(None, None, excess, 0)
    return SelfPreference(float(own.mean()), float(true.mean()), excess, len(own))


def _points(verdict: Ints, side: Ints) -> Floats:
    return np.where(verdict == TIE, 0.5, (verdict == side).astype(float))


def side_test(chosen_first: Ints, n: Ints, chance: float = 0.5) -> Floats:
    """Two-sided exact binomial p-values that annotators choose the first side with `chance`.

    Args:
        chosen_first: (A,) verdicts for the first side. n: (A,) decisive verdicts.
    Returns:
        (A,) p-values by doubling the smaller tail, at most 1; 1.0 where n is 0.
    """
    below = stats.binom.cdf(chosen_first, n, chance)
    above = stats.binom.sf(np.asarray(chosen_first) - 1, n, chance)
    return np.minimum(2 * np.minimum(below, above), 1.0)
