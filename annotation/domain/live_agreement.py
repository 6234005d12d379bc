"""People's agreement right now, with intervals, from a tally alone: cheap at any size."""

from dataclasses import dataclass

import numpy as np

from annotation.domain.agreement import (
    Tally,
    TooFewRatings,
    alpha,
    gwet_ac1,
    pairwise_agreement,
    prevalence,
    unanimous_share,
)
from annotation.domain.rates import Rate, wilson
from annotation.domain.verdicts import DECISIVE, Floats


@dataclass(frozen=True)
class LiveAgreement:
    """Agreement over a tally. n_units: units with two or more votes; n of each rate counts pairs.

    alpha, ac1: coefficients, whose n counts votes on those units. prevalence: share of each value.
    """

    n_units: int
    n_votes: int
    pairwise: Rate
    pairwise_no_ties: Rate
    unanimous: Rate
    alpha: Rate
    ac1: Rate
    prevalence: tuple[float, ...]


def live_agreement(tally: Tally) -> LiveAgreement:
    """Estimate agreement with intervals that take each unit for one trial.

    The share of equal pairs of one unit lies in [0, 1], so it varies by at most p (1 - p): the
    intervals are at least as wide as those of resampled units. Those of alpha and AC1 take chance
    agreement for known. Undefined figures are None.
    """
    m = np.arange(len(tally.units))
    pairs = m * (m - 1) / 2
    alike, decisive = pairwise_agreement(tally), pairwise_agreement(tally, DECISIVE)
    effective = effective_units(tally, pairs)
    share_decisive = decisive.n / alike.n if alike.n else 0.0
    unanimous = unanimous_share(tally)
    return LiveAgreement(
        n_units=unanimous.n,
        n_votes=int(tally.votes.sum()),
        pairwise=_rate(alike.value, effective, alike.n),
        pairwise_no_ties=_rate(decisive.value, effective * share_decisive, decisive.n),
        unanimous=_rate(unanimous.value, unanimous.n, unanimous.n),
        alpha=_alpha(tally, effective_units(tally, np.where(m > 1, m, 0))),
        ac1=_ac1(tally),
        prevalence=prevalence(tally),
    )


def effective_units(tally: Tally, weight: Floats) -> float:
    """How many units of equal weight tell as much, where one of m votes weighs `weight[m]`."""
    squares = float((tally.units * weight**2).sum())
    return float((tally.units * weight).sum()) ** 2 / squares if squares else 0.0


def _rate(value: float | None, effective: float, n: int) -> Rate:
    if value is None or not effective:
        return Rate(None, None, None, 0, "wilson_units")
    return Rate(value, *wilson(value * effective, effective), n, "wilson_units")


def _alpha(tally: Tally, effective: float) -> Rate:
    try:
        found = alpha(tally)
    except TooFewRatings:
        return _rate(None, 0, 0)
    return beyond_chance(found.value, found.observed, found.expected, effective, found.n_votes)


def _ac1(tally: Tally) -> Rate:
    try:
        found = gwet_ac1(tally)
    except TooFewRatings:
        return _rate(None, 0, 0)
    n_units = found.n_units
    return beyond_chance(found.value, found.observed, found.expected, n_units, found.n_votes)


def beyond_chance(
    value: float | None, observed: float, expected: float, effective: float, n: int
) -> Rate:
    """Carry the interval of the observed agreement over to a coefficient.

    Args:
        observed, expected: agreements, at most 1. effective: trials that `observed` counts as.
    Returns:
        The coefficient with its interval; no interval where chance alone agrees fully.
    """
    if expected == 1 or not effective:
        return Rate(value, None, None, n, "wilson_units")
    observed = min(max(observed, 0.0), 1.0)
    low, high = wilson(observed * effective, effective)
    low, high = ((end - expected) / (1 - expected) for end in (low, high))
    return Rate(value, low, high, n, "wilson_units")
