"""Newton's method for the posterior mode of scores that only matter by their differences."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from annotation.domain.comparisons import Floats

MAX_STEP = 4.0  # logits; keeps a step inside the region where the curvature holds
MAX_ITERATIONS = 100
TOLERANCE = 1e-8  # logits; the error left is of the order of its square


@dataclass(frozen=True, slots=True, eq=False)
class Mode:
    """Where the log posterior is highest.

    Attributes:
        theta: (p,) parameters, the scores among them adding up to 0.
        covariance: (p, p), inverse of minus the Hessian, scores on the sum-zero subspace.
        n_iterations: steps taken.
        has_converged: False where the last step was still larger than the tolerance.
    """

    theta: Floats
    covariance: Floats
    n_iterations: int
    has_converged: bool


def find_mode(
    slopes: Callable[[Floats], tuple[Floats, Floats]], precision: Floats, n_scores: int
) -> Mode:
    """Climb a concave log likelihood with independent normal priors around 0.

    Args:
        slopes: gives, for parameters (p,), the gradient of the log likelihood, (p,), and minus
            its Hessian, (p, p); neither may depend on the mean of the scores.
        precision: (p,) inverse variances of the priors, > 0, equal for all scores.
        n_scores: the first so many parameters are scores, the others are not.
    Returns:
        The mode. Without data: zeros, and the priors' covariance.
    """
    theta, scores = np.zeros(len(precision)), slice(n_scores)
    length, steps = np.inf, 0
    while length > TOLERANCE and steps < MAX_ITERATIONS:
        steps += 1
        gradient, curvature = slopes(theta)
        curvature[np.diag_indices(len(theta))] += precision
        curvature[scores, scores] += 1 / n_scores  # lifted, see `bradley_terry`
        step = np.linalg.solve(curvature, gradient - precision * theta)
        length = float(np.abs(step).max())
        theta += step * min(1.0, MAX_STEP / max(length, MAX_STEP))
    theta[scores] -= theta[scores].mean()
    covariance = inverse_of(curvature)
    covariance[scores, scores] -= 1 / (n_scores * (1 + precision[0]))
    return Mode(theta, covariance, steps, length <= TOLERANCE)


def inverse_of(matrices: Floats) -> Floats:
    """Invert one matrix or a stack of them, in double precision."""
    return np.linalg.inv(matrices).astype(np.float64, copy=False)
