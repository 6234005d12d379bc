"""Bradley-Terry scores with a Gaussian prior: finite for any data, and honest about their spread.

P(i beats j) = s(t_i - t_j), s(z) = 1 / (1 + exp(-z)). A tie counts as half a win for both; where
ties should be estimated see `davidson`. The prior t ~ N(0, prior_sd^2) keeps an item that never
lost finite, and ties groups of items that never met to the same zero.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.special import expit

from annotation.domain.comparisons import BadComparisons, Floats, Ints
from annotation.domain.newton import MAX_ITERATIONS, MAX_STEP, TOLERANCE, inverse_of

PRIOR_SD = 2.0
CHUNK = 20_000  # problems solved at once: their matrices stay in the processor's cache


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Scores of n items and how they were obtained.

    Attributes:
        scores: (n,) in logits, sum 0; positive is better than average.
        covariance: (n, n), posterior covariance on the sum-zero subspace, logits squared. It
            takes judgments for independent; see `clustering` for the one that does not.
        component: (n,) integers; items of different numbers were never linked by comparisons, so
            that their order is the prior's and not the data's.
        n_components: how many such groups there are, 1 where all is linked.
        is_separable: some group of items never lost (or never won) against the rest of its
            component, so that without a prior scores would be infinite.
        prior_sd: standard deviation of the prior, logits.
        n_iterations: Newton steps taken.
        has_converged: False where the last step was still larger than the tolerance.
    """

    scores: Floats
    covariance: Floats
    component: Ints
    n_components: int
    is_separable: bool
    prior_sd: float
    n_iterations: int
    has_converged: bool


@dataclass(frozen=True, slots=True, eq=False)
class ManyScores:
    """Scores of B separate problems of n items: (B, n) in logits, rows sum to 0; and (B, n, n)."""

    scores: Floats
    covariance: Floats
    prior_sd: float
    has_converged: bool


@dataclass(frozen=True, slots=True, eq=False)
class Strength:
    """How much better one item is than another: mean and sd in logits, probability in (0, 1)."""

    mean: Floats
    sd: Floats
    probability: Floats


def fit(wins: Floats, *, prior_sd: float = PRIOR_SD) -> Scores:
    """Estimate scores from a matrix of wins.

    Args:
        wins: (n, n) floats >= 0, [i, j] the wins of i over j, ties as halves; zero diagonal.
            Costs O(n^3) a step, whatever the number of comparisons.
        prior_sd: logits, > 0. The larger, the nearer to maximum likelihood.
    Returns:
        The posterior mode. Without comparisons all scores are 0 and the covariance is the prior's.
    Raises:
        BadComparisons: the matrix is not square, has negative or non-finite counts, or an item
            that beat itself.

    Source: Bradley and Terry (1952), Rank analysis of incomplete block designs; Newton's
    method on the log posterior.
    """
    many, steps = _solve(check_wins(wins)[None], prior_sd)
    component, n_components, is_separable = components(wins)
    return Scores(
        scores=many.scores[0],
        covariance=many.covariance[0],
        component=component,
        n_components=n_components,
        is_separable=is_separable,
        prior_sd=prior_sd,
        n_iterations=steps,
        has_converged=many.has_converged,
    )


def fit_many(wins: Floats, *, prior_sd: float = PRIOR_SD) -> ManyScores:
    """Estimate the scores of many small problems at once, such as one prompt's responses each.

    Args:
        wins: (B, n, n) floats >= 0 as in `fit`; all problems have the same number of items.
        prior_sd: logits, > 0.
    Returns:
        As `fit`, problem by problem.
    Raises:
        BadComparisons: as `fit`.
    """
    check_wins(wins)
    batch, n = wins.shape[:2]
    scores, covariance = np.zeros((batch, n)), np.zeros((batch, n, n))
    has_converged = True
    for start in range(0, batch, CHUNK):
        part = slice(start, start + CHUNK)
        some, _ = _solve(wins[part], prior_sd)
        scores[part], covariance[part] = some.scores, some.covariance
        has_converged &= some.has_converged
    return ManyScores(scores, covariance, prior_sd, has_converged)


def check_wins(wins: Floats) -> Floats:
    """Refuse what is not a matrix of wins, or a stack of them; give it back otherwise.

    Raises:
        BadComparisons: see `fit`.
    """
    if wins.ndim < 2 or wins.shape[-1] != wins.shape[-2]:
        raise BadComparisons("The matrix of wins is not square.")
    if not (np.isfinite(wins).all() and (wins >= 0).all()):
        raise BadComparisons("A number of wins is negative or not finite.")
    if np.diagonal(wins, axis1=-2, axis2=-1).any():
        raise BadComparisons("An item has beaten itself.")
    return wins


def _solve(wins: Floats, prior_sd: float) -> tuple[ManyScores, int]:
    """Newton's method on a stack of problems; finished ones leave the stack."""
    scores = np.zeros(wins.shape[:2])
    covariance = np.empty(wins.shape)
    active = np.arange(len(wins))
    met = wins + wins.swapaxes(1, 2)
    won = wins.sum(2)
    steps = 0
    while active.size and steps < MAX_ITERATIONS:
        steps += 1
        gradient, curvature = _slopes(won, met, scores[active], prior_sd)
        step = np.linalg.solve(curvature, gradient[..., None])[..., 0]
        length = np.abs(step).max(1, keepdims=True)
        scores[active] += step * np.minimum(1.0, MAX_STEP / np.maximum(length, MAX_STEP))
        goes_on = length[:, 0] > TOLERANCE
        if not goes_on.all():
            done = active[~goes_on]
            covariance[done] = covariance_of(curvature[~goes_on], prior_sd)
            active, won, met = active[goes_on], won[goes_on], met[goes_on]
    if active.size:
        covariance[active] = covariance_of(_slopes(won, met, scores[active], prior_sd)[1], prior_sd)
    scores -= scores.mean(1, keepdims=True)
    return ManyScores(scores, covariance, prior_sd, not active.size), steps


def _slopes(won: Floats, met: Floats, scores: Floats, prior_sd: float) -> tuple[Floats, Floats]:
    """Gradient (B, n) of the log posterior and minus its Hessian, lifted by 1/n, (B, n, n).

    The direction of equal scores has the prior's curvature and nothing else. The lift gives it
    curvature 1 more, so that a weak prior does no harm to the arithmetic; scores that sum to zero
    do not notice.
    """
    expected = expit(scores[:, :, None] - scores[:, None, :])
    weight = met * expected
    gradient = won - weight.sum(2) - scores / prior_sd**2
    weight *= 1 - expected
    n = scores.shape[1]
    curvature = 1 / n - weight
    diagonal = np.arange(n)
    curvature[:, diagonal, diagonal] += weight.sum(2) + prior_sd**-2
    return gradient, curvature


def covariance_of(lifted: Floats, prior_sd: float) -> Floats:
    """Invert minus the Hessian on the subspace of scores that sum to zero.

    Args:
        lifted: (..., n, n), a Laplacian plus prior_sd^-2 on the diagonal plus 1/n everywhere.
    Returns:
        (..., n, n), positive semi-definite, rows sum to 0.
    """
    return inverse_of(lifted) - 1 / (lifted.shape[-1] * (1 + prior_sd**-2))


def components(wins: Floats) -> tuple[Ints, int, bool]:
    """Find the groups of items that comparisons link, and whether their order is separable.

    Args:
        wins: (n, n) counts; a tie links in both directions.
    Returns:
        The number of its group for every item, (n,); how many groups there are; and whether any
        group falls apart when only directed paths (i beat j) count, in which case it has no
        finite maximum of the likelihood.

    Source: Ford (1957), Solution of a ranking problem from binary comparisons.
    """
    graph = csr_array(wins > 0)
    n_linked, linked = connected_components(graph, directed=False)
    n_strong, _ = connected_components(graph, directed=True, connection="strong")
    return linked.astype(np.int64), int(n_linked), bool(n_strong > n_linked)


def strength(scores: Floats, covariance: Floats, i: Ints, j: Ints) -> Strength:
    """Say how much better items i are than items j.

    Args:
        scores: (..., n) logits. covariance: (..., n, n).
        i, j: integers or equal-shaped integer arrays, indices of items.
    Returns:
        The posterior mean and standard deviation of t_i - t_j, and the probability that i wins
        the next comparison, averaged over the posterior. For i = j: 0, 0 and 0.5.

    Source: MacKay (1992), The evidence framework applied to classification networks, for the
    average of a logistic function over a Gaussian.
    """
    mean = scores[..., i] - scores[..., j]
    variance = covariance[..., i, i] + covariance[..., j, j] - 2 * covariance[..., i, j]
    variance = np.maximum(variance, 0.0)
    probability = expit(mean / np.sqrt(1 + np.pi * variance / 8))
    return Strength(mean, np.sqrt(variance), probability)


def win_probabilities(scores: Floats) -> Floats:
    """Give the modelled probability that each item beats each other, (n, n), in (0, 1)."""
    probabilities: Floats = expit(scores[..., :, None] - scores[..., None, :])
    return probabilities
