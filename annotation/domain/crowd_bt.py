"""Crowd-BT: scores of items together with how far each annotator can be trusted.

P(i beats j | annotator r) = eta_r s(t_i - t_j) + (1 - eta_r) s(t_j - t_i): an annotator says what
they see with probability eta and the opposite otherwise. Turning all scores and all annotators
round gives the same likelihood; the prior says that annotators are reliable, and gold items say
who is.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_array
from scipy.special import expit, log_expit

from annotation.domain.bradley_terry import PRIOR_SD
from annotation.domain.comparisons import BadComparisons, Comparisons, Floats, Ints
from annotation.domain.information import arrow_covariance

MAX_ITERATIONS = 1000
TAIL = 0.025
GRID = np.linspace(-7.0, 10.0, 86)  # log odds of eta; beyond it nothing can be told apart
BARELY_BETTER, BARELY_WORSE = 0.75, 0.25  # between them, an interval says that choices are random


class Flag(StrEnum):
    """What an annotator's reliability, with its interval, amounts to. For review, never a ban."""

    RELIABLE = "reliable"  # the interval lies above a half
    INVERTED = "inverted"  # it lies below: an adversary, or buttons understood the wrong way round
    RANDOM = "random"  # it holds a half and is narrow
    UNCLEAR = "unclear"  # it holds a half and is wide: too little seen


@dataclass(frozen=True, slots=True)
class ReliabilityPrior:
    """Normal prior on the log odds of eta. The default expects .82 and hardly insists on it.

    Source of the default: simulations with up to 40 % adversaries.
    """

    mean: float = 1.5
    sd: float = 3.2


@dataclass(frozen=True, slots=True, eq=False)
class GoldAnswers:
    """Right and wrong answers on clear gold comparisons, (n_annotators,) numbers >= 0 each."""

    right: Floats
    wrong: Floats


@dataclass(frozen=True, slots=True, eq=False)
class CrowdScores:
    """Scores, reliabilities and how they were obtained.

    Attributes:
        scores: (n,) in logits of an annotator who never errs, sum 0.
        covariance: (n, n) on the sum-zero subspace, reliabilities being estimated too.
        reliability: (n_annotators,) eta in (0, 1); the prior's for annotators without judgments.
        low, high: (n_annotators,) bounds of its central 95 % posterior interval, in (0, 1), the
            scores being taken as they are.
        flags: one per annotator.
        log_posterior: at the estimate, up to a constant.
        n_iterations, has_converged: how the optimiser went.
    """

    scores: Floats
    covariance: Floats
    reliability: Floats
    low: Floats
    high: Floats
    flags: list[Flag]
    log_posterior: float
    n_iterations: int
    has_converged: bool


def fit(
    comparisons: Comparisons,
    *,
    gold: GoldAnswers | None = None,
    prior_sd: float = PRIOR_SD,
    reliability: ReliabilityPrior = ReliabilityPrior(),  # noqa: B008  frozen
) -> CrowdScores:
    """Estimate scores and reliabilities together.

    The search starts from equal scores and from reliabilities as gold and prior have them, so
    that it ends on the side of the mirror that gold points to.

    Args:
        comparisons: with annotators; ties count half. Gold comparisons are not among them.
        gold: answers on gold so clear that a careful annotator never errs; 5 per annotator or
            more hold even where most annotators are inverted. None without gold.
        prior_sd: of the normal prior on scores, logits.
        reliability: prior on the annotators.
    Returns:
        A posterior mode. Without comparisons all scores are 0.
    Raises:
        BadComparisons: the comparisons do not say who judged, or gold is for other annotators.

    Source: Chen, Bennett, Collins-Thompson and Horvitz (2013), Pairwise ranking aggregation in a
    crowdsourced setting.
    """
    who, n = annotators_of(comparisons), comparisons.n_items
    gold = gold or GoldAnswers(
        np.zeros(comparisons.n_annotators), np.zeros(comparisons.n_annotators)
    )
    if not len(gold.right) == len(gold.wrong) == comparisons.n_annotators:
        raise BadComparisons("Gold answers are for other annotators.", field="gold")
    start = np.concatenate([np.zeros(n), gold_log_odds(gold, reliability)])
    found = minimize(
        negative_log_posterior,
        start,
        args=(comparisons, who, gold, prior_sd, reliability),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": MAX_ITERATIONS, "ftol": 1e-12, "gtol": 1e-6},
    )
    scores, log_odds = found.x[:n], found.x[n:]
    low, high = reliability_intervals(comparisons, who, scores, gold, reliability)
    return CrowdScores(
        scores=scores - scores.mean(),
        covariance=spread(comparisons, who, found.x, gold, prior_sd, reliability),
        reliability=expit(log_odds),
        low=low,
        high=high,
        flags=[flag_of(*bounds) for bounds in zip(low, high, strict=True)],
        log_posterior=-float(found.fun),
        n_iterations=int(found.nit),
        has_converged=bool(found.success),
    )


def annotators_of(comparisons: Comparisons) -> Ints:
    """Give the column of annotators.

    Raises:
        BadComparisons: there is none.
    """
    if comparisons.annotator is None:
        raise BadComparisons("The comparisons do not say who judged.", field="annotator")
    return comparisons.annotator


def gold_log_odds(gold: GoldAnswers, prior: ReliabilityPrior) -> Floats:
    """Find each annotator's most likely log odds of eta from gold and prior alone, by Newton."""
    log_odds = np.full(len(gold.right), prior.mean)
    answers = gold.right + gold.wrong
    for _ in range(50):
        eta = expit(log_odds)
        slope = gold.right - answers * eta - (log_odds - prior.mean) / prior.sd**2
        step = slope / (answers * eta * (1 - eta) + prior.sd**-2)
        log_odds += np.clip(step, -1.0, 1.0)
    return log_odds


def negative_log_posterior(
    theta: Floats,
    comparisons: Comparisons,
    who: Ints,
    gold: GoldAnswers,
    prior_sd: float,
    prior: ReliabilityPrior,
) -> tuple[float, Floats]:
    """Give minus the log posterior, up to a constant, and its gradient.

    Args:
        theta: (n + n_annotators,), scores and then log odds of reliabilities.
    """
    n, y = comparisons.n_items, comparisons.outcome
    scores, log_odds = theta[:n], theta[n:]
    p, by_gap, by_odds = chances(comparisons, who, theta)
    surprise = y / p - (1 - y) / (1 - p)
    away = (log_odds - prior.mean) / prior.sd**2
    value = np.sum(y * np.log(p) + (1 - y) * np.log1p(-p))
    value += gold.right @ log_expit(log_odds) + gold.wrong @ log_expit(-log_odds)
    value -= (scores @ scores / prior_sd**2 + away @ (log_odds - prior.mean)) / 2
    pull = surprise * by_gap
    gradient = np.empty_like(theta)
    gradient[:n] = np.bincount(comparisons.first, pull, n)
    gradient[:n] -= np.bincount(comparisons.second, pull, n) + scores / prior_sd**2
    gradient[n:] = np.bincount(who, surprise * by_odds, comparisons.n_annotators) - away
    gradient[n:] += gold.right - (gold.right + gold.wrong) * expit(log_odds)
    return -float(value), -gradient


def chances(comparisons: Comparisons, who: Ints, theta: Floats) -> tuple[Floats, Floats, Floats]:
    """Give the probability that the first wins, and its slopes by score gap and by log odds.

    Returns:
        Three (N,) arrays, the probabilities in (0, 1).
    """
    n = comparisons.n_items
    eta = expit(theta[n:])[who]
    seen = expit(theta[comparisons.first] - theta[comparisons.second])
    p = np.clip(eta * seen + (1 - eta) * (1 - seen), 1e-12, 1 - 1e-12)
    return p, (2 * eta - 1) * seen * (1 - seen), (2 * seen - 1) * eta * (1 - eta)


def spread(
    comparisons: Comparisons,
    who: Ints,
    theta: Floats,
    gold: GoldAnswers,
    prior_sd: float,
    prior: ReliabilityPrior,
) -> Floats:
    """Covariance of the scores from the information, reliabilities being estimated too.

    Returns:
        (n, n) on the sum-zero subspace.
    """
    n, n_rows = comparisons.n_items, len(who)
    p, by_gap, by_odds = chances(comparisons, who, theta)
    weight = 1 / np.sqrt(p * (1 - p))
    eta = expit(theta[n:])
    gold_rows = np.sqrt((gold.right + gold.wrong) * eta * (1 - eta))
    columns = np.stack([comparisons.first, comparisons.second], axis=1).ravel()
    values = np.stack([weight * by_gap, -weight * by_gap], axis=1).ravel()
    ends = np.concatenate([np.arange(0, 2 * n_rows + 1, 2), np.full(len(eta), 2 * n_rows)])
    arrow = arrow_covariance(
        csr_array((values, columns, ends), shape=(n_rows + len(eta), n)),
        np.concatenate([weight * by_odds, gold_rows])[:, None],
        np.concatenate([who, np.arange(len(eta))]),
        np.full(n, prior_sd**-2),
        np.array([prior.sd**-2]),
        comparisons.n_annotators,
    )
    return centred(arrow.shared)


def reliability_intervals(
    comparisons: Comparisons,
    who: Ints,
    scores: Floats,
    gold: GoldAnswers,
    prior: ReliabilityPrior,
) -> tuple[Floats, Floats]:
    """Bound each annotator's reliability by its posterior on a grid, given the scores.

    The posterior is far from normal near 0 and 1, where most annotators are.

    Returns:
        2.5 % and 97.5 % points, (n_annotators,) each, in (0, 1).
    """
    n_annotators, y = comparisons.n_annotators, comparisons.outcome
    seen = expit(scores[comparisons.first] - scores[comparisons.second])
    log_posterior = np.empty((len(GRID), n_annotators))
    for point, log_odds in enumerate(GRID):
        p = np.clip(1 - seen + expit(log_odds) * (2 * seen - 1), 1e-12, 1 - 1e-12)
        log_posterior[point] = np.bincount(
            who, y * np.log(p) + (1 - y) * np.log1p(-p), n_annotators
        )
    log_posterior += np.outer(log_expit(GRID), gold.right) + np.outer(log_expit(-GRID), gold.wrong)
    log_posterior -= (((GRID - prior.mean) / prior.sd) ** 2 / 2)[:, None]
    mass = np.exp(log_posterior - log_posterior.max(0))
    below = np.cumsum(mass, 0) - mass / 2
    below /= mass.sum(0)
    bounds = [[np.interp(tail, column, GRID) for column in below.T] for tail in (TAIL, 1 - TAIL)]
    return expit(np.array(bounds[0])), expit(np.array(bounds[1]))


def centred(covariance: Floats) -> Floats:
    """Take the covariance of scores to that of scores less their mean, (n, n)."""
    rows = covariance - covariance.mean(0)
    result: Floats = rows - rows.mean(1, keepdims=True)
    return result


def flag_of(low: float, high: float) -> Flag:
    """Read a 95 % interval of a reliability; see `Flag`."""
    if low > 0.5:
        return Flag.RELIABLE
    if high < 0.5:
        return Flag.INVERTED
    return Flag.RANDOM if low > BARELY_WORSE and high < BARELY_BETTER else Flag.UNCLEAR
