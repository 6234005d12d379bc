"""How far scores can be trusted when one annotator's judgments hang together, and rank intervals.

The Hessian's covariance holds for independent judgments. Annotators differ in taste, so intervals
from it are too short; those here treat annotators, not judgments, as the sample.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.special import expit

from annotation.domain import bradley_terry
from annotation.domain.comparisons import BadComparisons, Comparisons, Floats, Ints, win_matrix

MIN_FOR_SANDWICH = 15
RESAMPLES = 400
DRAWS = 4000
BATCH_CELLS = 20_000_000  # matrix cells of resamples held at once, 160 MB


class Spread(StrEnum):
    """What a covariance rests on."""

    SANDWICH = "sandwich"  # annotators' score sums; enough annotators for it
    BOOTSTRAP = "bootstrap"  # annotators drawn with replacement
    MODEL = "model"  # judgments taken for independent


@dataclass(frozen=True, slots=True, eq=False)
class ClusteredCovariance:
    """(n, n) covariance of scores, logits squared, and how it was obtained from whom."""

    covariance: Floats
    spread: Spread
    n_annotators: int


@dataclass(frozen=True, slots=True, eq=False)
class RankIntervals:
    """Ranks of n items, 1 the best; `low` <= `rank` <= `high` unless draws say otherwise."""

    rank: Ints
    low: Ints
    high: Ints
    level: float


def clustered_covariance(
    comparisons: Comparisons,
    fitted: bradley_terry.Scores,
    *,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> ClusteredCovariance:
    """Estimate the covariance of Bradley-Terry scores by annotator.

    Args:
        comparisons: with annotators; those without judgments do not count.
        fitted: the scores of these comparisons.
        rng: draws the resamples; used with fewer than `MIN_FOR_SANDWICH` annotators only.
        resamples: number of them.
    Returns:
        The sandwich where there are enough annotators, else the bootstrap over annotators. Where
        that is narrower than the model allows even for independent judgments, as it is with one
        or two annotators, the model's covariance stands.
    Raises:
        BadComparisons: the comparisons do not say who judged.
    """
    if comparisons.annotator is None:
        raise BadComparisons("The comparisons do not say who judged.", field="annotator")
    n_annotators = len(np.unique(comparisons.annotator))
    if n_annotators >= MIN_FOR_SANDWICH:
        sums = score_sums(comparisons, fitted.scores, fitted.prior_sd)
        return ClusteredCovariance(
            sandwich(fitted.covariance, sums, n_annotators), Spread.SANDWICH, n_annotators
        )
    resampled = bootstrap_covariance(comparisons, fitted.prior_sd, rng, resamples)
    if np.trace(resampled) < np.trace(fitted.covariance):
        return ClusteredCovariance(fitted.covariance, Spread.MODEL, n_annotators)
    return ClusteredCovariance(resampled, Spread.BOOTSTRAP, n_annotators)


def score_sums(comparisons: Comparisons, scores: Floats, prior_sd: float) -> Floats:
    """Sum each annotator's slopes of the log posterior at the estimate.

    Returns:
        (n_annotators, n); columns add up to 0 at the mode, because the prior's slope is spread
        over the annotators by their share of judgments.
    """
    assert comparisons.annotator is not None
    n, size = comparisons.n_items, comparisons.n_annotators * comparisons.n_items
    i, j, row = comparisons.first, comparisons.second, comparisons.annotator * n
    surprise = comparisons.outcome - expit(scores[i] - scores[j])
    sums = np.bincount(row + i, surprise, size) - np.bincount(row + j, surprise, size)
    share = np.bincount(comparisons.annotator, minlength=comparisons.n_annotators) / max(len(i), 1)
    result: Floats = sums.reshape(-1, n) - share[:, None] * scores / prior_sd**2
    return result


def sandwich(covariance: Floats, sums: Floats, n_clusters: int) -> Floats:
    """Put the spread of the clusters' slopes between two covariances of the model.

    Args:
        covariance: (p, p), inverse of minus the Hessian. sums: (A, p), slopes summed by cluster.
        n_clusters: clusters with data, at least 2.
    Returns:
        C S'S C A / (A - 1), (p, p).

    Source: Liang and Zeger (1986), Longitudinal data analysis using generalized linear models;
    A / (A - 1) as customary for few clusters.
    """
    half = sums @ covariance
    result: Floats = half.T @ half * (n_clusters / (n_clusters - 1))
    return result


def bootstrap_covariance(
    comparisons: Comparisons, prior_sd: float, rng: np.random.Generator, resamples: int
) -> Floats:
    """Refit on annotators drawn with replacement.

    Returns:
        (n, n) covariance of the refitted scores, times A / (A - 1) for few annotators; zeros with
        a single one.
    """
    wins = wins_by_annotator(comparisons)
    n_annotators, n = len(wins), comparisons.n_items
    if n_annotators < 2:
        return np.zeros((n, n))
    times = rng.multinomial(n_annotators, np.full(n_annotators, 1 / n_annotators), resamples)
    step = max(1, BATCH_CELLS // (n * n))
    scores = [
        bradley_terry.fit_many(
            np.tensordot(times[start : start + step].astype(float), wins, 1), prior_sd=prior_sd
        ).scores
        for start in range(0, resamples, step)
    ]
    covariance = np.atleast_2d(np.cov(np.concatenate(scores), rowvar=False))
    result: Floats = covariance * (n_annotators / (n_annotators - 1))
    return result


def wins_by_annotator(comparisons: Comparisons) -> Floats:
    """One win matrix for each annotator who judged anything, (A, n, n)."""
    assert comparisons.annotator is not None
    matrices = []
    for annotator in np.unique(comparisons.annotator):
        own = comparisons.annotator == annotator
        matrices.append(
            win_matrix(
                Comparisons(
                    comparisons.first[own],
                    comparisons.second[own],
                    comparisons.outcome[own],
                    comparisons.n_items,
                )
            )
        )
    return np.array(matrices)


def rank_intervals(
    scores: Floats,
    covariance: Floats,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    draws: int = DRAWS,
) -> RankIntervals:
    """Find the ranks that items take when scores vary as much as their covariance says.

    Args:
        scores: (n,) logits. covariance: (n, n), positive semi-definite.
        rng: draws from the normal distribution they describe.
        level: share of draws between the bounds, in (0, 1).
        draws: how many.
    Returns:
        Ranks by score, equal scores by index, and the outermost ranks of the central draws. The
        interval of an item is exact on its own; that all hold at once is less likely.
    """
    values, vectors = np.linalg.eigh(covariance)
    noise = rng.standard_normal((draws, len(scores))) * np.sqrt(np.maximum(values, 0))
    drawn = ranks_of(scores + noise @ vectors.T)
    tail = (1 - level) / 2
    low = np.quantile(drawn, tail, axis=0, method="lower")
    high = np.quantile(drawn, 1 - tail, axis=0, method="higher")
    return RankIntervals(ranks_of(scores), low.astype(np.int64), high.astype(np.int64), level)


def ranks_of(scores: Floats) -> Ints:
    """Rank along the last axis, 1 for the highest score, equal scores by index."""
    order = np.argsort(-scores, axis=-1, kind="stable")
    ranks = np.empty(order.shape, np.int64)
    np.put_along_axis(ranks, order, np.arange(1, scores.shape[-1] + 1), -1)
    return ranks
