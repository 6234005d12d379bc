"""Bradley-Terry that estimates ability, reliability, side and other leanings together.

logit P(the first shown wins) = exp(a_r) (t_i - t_j) + b + b_r + x c: t are the items' scores, a_r
says how sharply annotator r tells items apart, b how much everybody leans to the side shown
first, b_r how much more r does, and c what covariates x weigh, such as the difference in length.
Order must have been shuffled, else side and ability can not be told apart.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_array
from scipy.special import expit

from annotation.domain.comparisons import BadComparisons, Comparisons, Floats, Ints
from annotation.domain.crowd_bt import annotators_of, centred
from annotation.domain.information import arrow_covariance

MAX_ITERATIONS = 1000
Z95 = 1.959964


@dataclass(frozen=True, slots=True)
class Priors:
    """Standard deviations of the normal priors around 0, in logits; `sharpness` in log units."""

    score: float = 2.0
    sharpness: float = 0.7
    side: float = 3.0
    own_side: float = 1.0
    covariate: float = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Estimates:
    """Estimates with their standard errors; `low` and `high` bound the 95 % intervals."""

    value: Floats
    se: Floats

    @property
    def low(self) -> Floats:
        return self.value - Z95 * self.se

    @property
    def high(self) -> Floats:
        return self.value + Z95 * self.se


@dataclass(frozen=True, slots=True, eq=False)
class BiasedScores:
    """What was estimated, and how.

    Attributes:
        scores: (n,) in logits of an annotator of sharpness 0, sum 0.
        covariance: (n, n) on the sum-zero subspace, everything else being estimated too.
        sharpness: (n_annotators,) a_r; exp(a_r) is 1 for a typical annotator, near 0 for one who
            does not look.
        side: (1,) b, logits; positive leans to the response shown first.
        own_side: (n_annotators,) b + b_r: each annotator's whole leaning.
        covariates: (F,) c, logits per unit of the covariate.
        log_posterior: at the estimate, up to a constant.
        n_iterations, has_converged: how the optimiser went.
    """

    scores: Floats
    covariance: Floats
    sharpness: Estimates
    side: Estimates
    own_side: Estimates
    covariates: Estimates
    log_posterior: float
    n_iterations: int
    has_converged: bool


def fit(
    comparisons: Comparisons,
    covariates: Floats,
    *,
    priors: Priors = Priors(),  # noqa: B008  frozen
) -> BiasedScores:
    """Estimate everything at its posterior mode.

    Args:
        comparisons: with annotators, `first` being the item shown first; ties count half.
        covariates: (N, F) floats, finite, of the first less the second, so that swapping the
            sides turns the sign; scale them to a spread of about 1 and do not centre them. F may
            be 0.
        priors: see `Priors`.
    Returns:
        The estimates. Without comparisons all are 0 and their errors are the priors'.
    Raises:
        BadComparisons: the comparisons do not say who judged, or covariates have another length
            or are not finite.

    Source: Bradley and Terry (1952) with the order effect of Davidson and Beaver (1977) and
    the annotators' slopes of Birnbaum's two-parameter logistic (1968).
    """
    who = annotators_of(comparisons)
    if covariates.ndim != 2 or len(covariates) != len(who) or not np.isfinite(covariates).all():
        raise BadComparisons("Covariates are missing or not finite.", field="covariates")
    n, n_annotators, f = comparisons.n_items, comparisons.n_annotators, covariates.shape[1]
    found = minimize(
        negative_log_posterior,
        np.zeros(n + 1 + f + 2 * n_annotators),
        args=(comparisons, who, covariates, priors),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": MAX_ITERATIONS, "ftol": 1e-11, "gtol": 1e-5},
    )
    scores, side, c, sharpness, own_side = parts(found.x, n, f)
    shared, own = spread(comparisons, who, covariates, found.x, priors)
    shared_se, own_se = np.sqrt(np.diag(shared)), np.sqrt(np.einsum("aqq->aq", own))
    return BiasedScores(
        scores=scores - scores.mean(),
        covariance=centred(shared[:n, :n]),
        sharpness=Estimates(sharpness, own_se[:, 0]),
        side=Estimates(side, shared_se[n : n + 1]),
        own_side=Estimates(side + own_side, own_se[:, 1]),
        covariates=Estimates(c, shared_se[n + 1 :]),
        log_posterior=-float(found.fun),
        n_iterations=int(found.nit),
        has_converged=bool(found.success),
    )


def parts(theta: Floats, n: int, f: int) -> list[Floats]:
    """Cut the vector of parameters into scores, side, covariates, sharpness and own sides.

    Args:
        theta: (n + 1 + f + 2 n_annotators,).
    """
    n_annotators = (len(theta) - n - 1 - f) // 2
    return np.split(theta, np.cumsum([n, 1, f, n_annotators]))


def negative_log_posterior(
    theta: Floats, comparisons: Comparisons, who: Ints, covariates: Floats, priors: Priors
) -> tuple[float, Floats]:
    """Give minus the log posterior, up to a constant, and its gradient; see `parts`."""
    n, n_annotators = comparisons.n_items, comparisons.n_annotators
    scores, side, c, sharpness, own_side = parts(theta, n, covariates.shape[1])
    i, j, y = comparisons.first, comparisons.second, comparisons.outcome
    gap = scores[i] - scores[j]
    slope = np.exp(sharpness)[who]
    z = slope * gap + side + own_side[who] + covariates @ c
    surprise = y - expit(z)
    pull = surprise * slope
    precision = prior_precision(priors, n, covariates.shape[1], n_annotators)
    gradient = np.concatenate(
        [
            np.bincount(i, pull, n) - np.bincount(j, pull, n),
            [surprise.sum()],
            covariates.T @ surprise,
            np.bincount(who, pull * gap, n_annotators),
            np.bincount(who, surprise, n_annotators),
        ]
    )
    value = np.sum(y * z - np.logaddexp(0, z)) - theta @ (precision * theta) / 2
    return -float(value), precision * theta - gradient


def prior_precision(priors: Priors, n: int, f: int, n_annotators: int) -> Floats:
    """Inverse variances of the priors, in the order of the parameters."""
    sds = [priors.score, priors.side, priors.covariate, priors.sharpness, priors.own_side]
    precision: Floats = np.repeat(np.array(sds) ** -2.0, [n, 1, f, n_annotators, n_annotators])
    return precision


def spread(
    comparisons: Comparisons, who: Ints, covariates: Floats, theta: Floats, priors: Priors
) -> tuple[Floats, Floats]:
    """Covariance of (scores, side, covariates), and of each (sharpness, whole leaning).

    The whole leaning u_r = b + b_r takes the place of b_r; its prior, normal around b, is one
    more observation for each annotator.

    Returns:
        (n + 1 + F, n + 1 + F) and (n_annotators, 2, 2).
    """
    n, f, n_rows = comparisons.n_items, covariates.shape[1], len(who)
    n_annotators = comparisons.n_annotators
    scores, side, c, sharpness, own_side = parts(theta, n, f)
    gap = scores[comparisons.first] - scores[comparisons.second]
    slope = np.exp(sharpness)[who]
    p = expit(slope * gap + side + own_side[who] + covariates @ c)
    weight = np.sqrt(p * (1 - p))[:, None]
    around = np.full(n_annotators, 1 / priors.own_side)
    values = np.column_stack([slope, -slope, covariates]) * weight
    columns = np.column_stack(
        [comparisons.first, comparisons.second, np.tile(np.arange(n + 1, n + 1 + f), (n_rows, 1))]
    )
    ends = np.arange(n_rows + 1) * (2 + f)
    shared = csr_array(
        (
            np.concatenate([values.ravel(), -around]),
            np.concatenate([columns.ravel(), np.full(n_annotators, n)]),
            np.concatenate([ends, ends[-1] + np.arange(1, n_annotators + 1)]),
        ),
        shape=(n_rows + n_annotators, n + 1 + f),
    )
    own = np.column_stack([slope * gap, np.ones(n_rows)]) * weight
    arrow = arrow_covariance(
        shared,
        np.concatenate([own, np.column_stack([np.zeros(n_annotators), around])]),
        np.concatenate([who, np.arange(n_annotators)]),
        prior_precision(priors, n, f, 0),
        np.array([priors.sharpness**-2, 0.0]),
        n_annotators,
    )
    return arrow.shared, arrow.own
