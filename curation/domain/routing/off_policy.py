"""What holds for all comparisons, told from those that a policy sent to people.

People see the hard comparisons by design, so a plain mean over what they judged says little about
the rest. Each observation stands for as many comparisons as were as likely to be observed.
"""

from dataclasses import dataclass

import numpy as np

from annotation.domain.verdicts import Bools, Floats, Ints


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over everything that was decided on, from what was observed of it.

    Attributes:
        value: in the unit of the outcomes; None where nothing was observed.
        se: its standard error; None where undefined.
        effective_n: (sum w)^2 / sum w^2: how many equally likely observations would tell as much,
            0 without any. Far below `n_observed` where a few carry most of the weight.
        n_observed: observations.
        n_left_out: about how many of those that were decided on no observation stands for.
    """

    value: float | None
    se: float | None
    effective_n: float
    n_observed: int
    n_left_out: int = 0


def chances_of_labels(
    propensities: Floats, lowest: Floats, strata: Ints, labelled: Bools
) -> Floats:
    """How likely there is a label by now of each comparison that people were asked about.

    Being asked is one chance, that of the policy; having an answer already is another one. Within a
    stratum, those asked with the same propensity after the same lowest one are taken to be answered
    in an order that has nothing to do with their outcomes. So where a slice was turned to people,
    its few early labels stand for what was turned until the others come in, and then for no more
    than each of them; those that people were to judge in any case stand for themselves alone.

    Args:
        propensities: (n,) probability in (0, 1] with which people were to be asked by the decision
            that was likeliest to.
        lowest: (n,) the lowest above 0 until that decision.
        strata: (n,) whole numbers, such as of the slice.
        labelled: (n,) whether there is a label.
    Returns:
        (n,) in [0, 1]: the propensity times the share of its like that is labelled; 0 where no like
        is.
    """
    alike = np.round(np.column_stack([strata, propensities, lowest]), 9).reshape(-1, 3)
    place = np.unique(alike, axis=0, return_inverse=True)[1].reshape(-1)
    n_labelled = np.bincount(place, np.asarray(labelled, float))
    share: Floats = n_labelled[place] / np.bincount(place)[place]
    return np.asarray(propensities, float) * share


def snips(outcomes: Floats, propensities: Floats, observed: Bools) -> Estimate:
    """Estimate a mean by inverse propensities that are normalised by their own sum.

    Args:
        outcomes: (n,) what would be observed of each decision; ignored where it was not.
        propensities: (n,) probability in [0, 1] with which each was to be observed, as stored when
            it was decided; above 0 wherever it was observed.
        observed: (n,) whether it was.
    Returns:
        Sum of y / pi over sum of 1 / pi, over the observed. Biased by about 1/n, but steadier than
        `ips`. The standard error is that of a ratio, by linearisation.
    Raises:
        ValueError: something was observed that could not be.

    Source: Swaminathan and Joachims (2015), The self-normalized estimator for counterfactual
    learning.
    """
    y, weight = seen(outcomes, propensities, observed)
    total = float(weight.sum())
    if not total:
        return Estimate(None, None, 0.0, 0)
    value = float((weight * y).sum() / total)
    se = float(np.sqrt((weight**2 * (y - value) ** 2).sum()) / total)
    return Estimate(value, se if len(y) > 1 else None, effective(weight), len(y))


def ips(outcomes: Floats, propensities: Floats, observed: Bools) -> Estimate:
    """Estimate the same mean without normalising: unbiased, but it may leave the outcomes' range.

    Args:
        outcomes, propensities, observed: as in `snips`.
    Returns:
        Sum of y / pi over the observed, divided by n; value None where n is 0.
    Raises:
        ValueError: something was observed that could not be.

    Source: Horvitz and Thompson (1952), A generalization of sampling without replacement from a
    finite universe.
    """
    y, weight = seen(outcomes, propensities, observed)
    n = len(observed)
    if not n:
        return Estimate(None, None, 0.0, 0)
    addends = np.zeros(n)
    addends[: len(y)] = weight * y
    se = float(addends.std() / np.sqrt(n)) if n > 1 else None
    return Estimate(float(addends.mean()), se, effective(weight), len(y))


def seen(outcomes: Floats, propensities: Floats, observed: Bools) -> tuple[Floats, Floats]:
    """The outcomes that were observed and their weights, 1 / propensity."""
    chosen = np.asarray(observed, bool)
    chance = np.asarray(propensities, float)[chosen]
    if (chance <= 0).any():
        raise ValueError("what was observed must have had a chance above 0")
    return np.asarray(outcomes, float)[chosen], 1 / chance


def effective(weight: Floats) -> float:
    return float(weight.sum() ** 2 / (weight**2).sum()) if len(weight) else 0.0
