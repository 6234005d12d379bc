"""Bradley-Terry with ties as an outcome of their own (Davidson's model).

With a = exp(t): P(i) = a_i / Z, P(tie) = delta sqrt(a_i a_j) / Z, Z = a_i + a_j + delta
sqrt(a_i a_j). Two equal items tie with probability delta / (2 + delta). Some packages call
delta / 2 or sqrt(delta) what is delta here.
"""

from dataclasses import dataclass

import numpy as np

from annotation.domain.bradley_terry import PRIOR_SD, check_wins, components
from annotation.domain.comparisons import BadComparisons, Floats, Ints
from annotation.domain.newton import find_mode

TIE_PRIOR_SD = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class TiedScores:
    """Scores of n items, the propensity to tie, and how they were obtained.

    Attributes:
        scores: (n,) in logits, sum 0.
        covariance: (n, n) on the sum-zero subspace.
        delta: propensity to tie, > 0; near 0 where nothing is tied.
        delta_se: its standard error. log_delta_se: that of its logarithm.
        joint: (n + 1, n + 1) covariance of the scores and, last, log(delta).
        log_likelihood: of the data at the estimate, prior left out; <= 0.
        component, n_components, is_separable: see `bradley_terry.Scores`.
        n_iterations, has_converged: how Newton's method went.
    """

    scores: Floats
    covariance: Floats
    delta: float
    delta_se: float
    log_delta_se: float
    joint: Floats
    log_likelihood: float
    component: Ints
    n_components: int
    is_separable: bool
    n_iterations: int
    has_converged: bool


def fit(
    wins: Floats,
    ties: Floats,
    *,
    prior_sd: float = PRIOR_SD,
    tie_prior_sd: float = TIE_PRIOR_SD,
) -> TiedScores:
    """Estimate scores and the propensity to tie.

    Args:
        wins: (n, n) floats >= 0, [i, j] the strict wins of i over j; zero diagonal.
        ties: (n, n) floats >= 0, symmetric; zero diagonal.
        prior_sd: standard deviation of the normal prior on each score, logits.
        tie_prior_sd: the same for log(delta), around 0; keeps delta finite where all or nothing
            is tied.
    Returns:
        The posterior mode. Without comparisons: scores 0, delta 1.
    Raises:
        BadComparisons: a matrix is not square, has negative or non-finite counts or a diagonal;
            or `ties` is not symmetric.

    Source: Davidson (1970), On extending the Bradley-Terry model to accommodate ties.
    """
    check_wins(wins)
    if wins.shape != check_wins(ties).shape or not np.array_equal(ties, ties.T):
        raise BadComparisons("The matrix of ties is not symmetric, or of another size.")
    n = len(wins)
    precision = np.append(np.full(n, prior_sd**-2), tie_prior_sd**-2)
    mode = find_mode(lambda theta: slopes(wins, ties, theta), precision, n)
    scores, delta = mode.theta[:n], float(np.exp(mode.theta[n]))
    log_delta_se = float(np.sqrt(mode.covariance[n, n]))
    component, n_components, is_separable = components(wins + ties)
    return TiedScores(
        scores=scores,
        covariance=mode.covariance[:n, :n],
        delta=delta,
        delta_se=delta * log_delta_se,
        log_delta_se=log_delta_se,
        joint=mode.covariance,
        log_likelihood=log_likelihood(wins, ties, scores, delta),
        component=component,
        n_components=n_components,
        is_separable=is_separable,
        n_iterations=mode.n_iterations,
        has_converged=mode.has_converged,
    )


def probabilities(scores: Floats, delta: float) -> tuple[Floats, Floats]:
    """Give the probabilities of the outcomes of every pair.

    Args:
        scores: (n,) logits. delta: propensity to tie, >= 0.
    Returns:
        (n, n) of i being better than j, and (n, n) of a tie; with the transpose of the first they
        add up to one.
    """
    half = (scores[:, None] - scores[None, :]) / 2
    # Scaled by the larger worth, so that no exponential overflows.
    top = np.abs(half)
    better, worse, tie = np.exp(half - top), np.exp(-half - top), delta * np.exp(-top)
    total = better + worse + tie
    return better / total, tie / total


def log_likelihood(wins: Floats, ties: Floats, scores: Floats, delta: float) -> float:
    """Log likelihood of the outcomes, multinomial coefficients left out; <= 0."""
    better, tie = probabilities(scores, delta)
    tied = np.triu(ties)
    return float(np.sum(wins * np.log(better)) + np.sum(tied[tied > 0] * np.log(tie[tied > 0])))


def slopes(wins: Floats, ties: Floats, theta: Floats) -> tuple[Floats, Floats]:
    """Gradient (n + 1,) of the log likelihood and the information (n + 1, n + 1).

    The outcomes of a pair form a softmax over ((t_i - t_j)/2, (t_j - t_i)/2, log delta): an
    exponential family, so that the gradient is observed minus expected, and the information a
    covariance. The objective is concave.
    """
    n = len(wins)
    better, tie = probabilities(theta[:n], float(np.exp(theta[n])))
    met = wins + wins.T + ties
    lead = (better - better.T) / 2
    gradient = np.empty(n + 1)
    gradient[:n] = ((wins - wins.T) / 2 - met * lead).sum(1)
    gradient[n] = (ties - met * tie).sum() / 2
    spread = met * ((1 - tie) / 4 - lead**2)
    np.fill_diagonal(spread, 0.0)
    information = np.empty((n + 1, n + 1))
    information[:n, :n] = np.diag(spread.sum(1)) - spread
    information[:n, n] = information[n, :n] = -(met * tie * lead).sum(1)
    information[n, n] = (met * tie * (1 - tie)).sum() / 2
    return gradient, information
