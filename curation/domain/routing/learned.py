"""Whom the learned router asks: those comparisons go to people where people gain most.

Source: expected utility under a budget, with a share of exploration; the propensities that it
leaves make later estimates unbiased (`curation.domain.routing.off_policy`).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from annotation.domain.verdicts import Bools, Floats


@dataclass(frozen=True, slots=True, eq=False)
class LearnedChances:
    """What the router expects of n comparisons, in the order of the facts it was given.

    Attributes:
        p: (n,) probability that the judges' verdict is right, in (0, 1); NaN where there is no
            verdict of a judge to trust.
        h: (n,) probability that one person's label is right, in [0, 1].
        utility: (n,) what asking a person is worth, in the unit of `value`; NaN where p is.
    """

    p: Floats
    h: Floats
    utility: Floats


class Routed(NamedTuple):
    """Where n comparisons go.

    Attributes:
        to_people: (n,) whether a person is asked.
        propensity: (n,) probability in [0, 1] with which a person was to be asked.
        explored: (n,) whether only chance sent it to a person.
    """

    to_people: Bools
    propensity: Floats
    explored: Bools


def utility(
    p: Floats,
    h: Floats | float,
    value: Floats | float = 1.0,
    cost_human: float = 0.0,
    cost_judge: float = 0.0,
    price: float = 0.0,
) -> Floats:
    """Tell what a person's label is worth above the judges': value (h - p) less its price.

    Args:
        p: (n,) probability that the judges are right. h: that a person is, (n,) or one for all.
        value: of a right label, (n,) or one for all, in any unit of worth.
        cost_human, cost_judge: of one label, in money.
        price: worth given up for one unit of money; 0 where only the budget limits.
    Returns:
        (n,) in the unit of `value`; NaN where p is.
    """
    gain: Floats = value * (h - np.asarray(p, float)) - price * (cost_human - cost_judge)
    return gain


def threshold_for(utility: Floats, share: float) -> float:
    """Find the utility above which at most `share` of the comparisons lie, 0 at least.

    Args:
        utility: (n,) NaN where unknown: these count among all, but are never above.
        share: of comparisons that people can judge, in [0, 1].
    Returns:
        A threshold for `route_by_utility`. Of equal utilities all are left out that do not fit.
        0 where the budget is enough for all that gain.
    """
    descending = np.sort(np.where(np.isnan(utility), -np.inf, utility))[::-1]
    n_fit = int(np.floor(share * len(descending) + 1e-9))
    if n_fit >= len(descending):
        return 0.0
    return max(float(descending[n_fit]), 0.0)


def route_by_utility(utility: Floats, *, threshold: float, explore: float, draws: Floats) -> Routed:
    """Send to people what gains more than the threshold, and a random share of the rest.

    Args:
        utility: (n,) NaN where unknown: only chance sends these to people.
        threshold: in the unit of utility; at least 0 is used, as below it nothing is gained,
            whatever the budget.
        explore: probability in [0, 1] that a person is asked anyway.
        draws: (n,) uniform in [0, 1), independent of all else that is known.
    Returns:
        Who is asked; the propensity is 1 above the threshold and `explore` elsewhere.
    """
    with np.errstate(invalid="ignore"):
        is_worth_it = np.asarray(utility, float) > max(threshold, 0.0)
    explored = ~is_worth_it & (np.asarray(draws, float) < explore)
    return Routed(is_worth_it | explored, np.where(is_worth_it, 1.0, explore), explored)
