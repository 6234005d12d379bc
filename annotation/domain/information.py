"""Covariance of a model with some shared parameters and a few of each annotator's own.

The Fisher information is an arrow: a block of shared parameters, a small block per annotator, and
nothing between annotators. So it is inverted without ever being written out.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from annotation.domain.comparisons import Floats, Ints, tally
from annotation.domain.newton import inverse_of


@dataclass(frozen=True, slots=True, eq=False)
class ArrowCovariance:
    """(G, G) covariance of the shared parameters, and (A, q, q) of each annotator's own."""

    shared: Floats
    own: Floats


def arrow_covariance(
    shared: csr_array,
    own: Floats,
    owner: Ints,
    shared_precision: Floats,
    own_precision: Floats,
    n_owners: int,
) -> ArrowCovariance:
    """Invert the information of N observations plus that of independent normal priors.

    Args:
        shared: (N, G), slopes of each observation's mean by the shared parameters, times the
            square root of its weight (inverse variance). own: (N, q), the same by the parameters
            of its annotator. owner: (N,) integers in [0, n_owners).
        shared_precision: (G,) and own_precision: (q,), inverse variances of the priors, > 0.
        n_owners: number of annotators; those without observations keep their prior.
    Returns:
        Both blocks of the inverse, positive definite.

    Source: Golub and Van Loan (2013), Matrix computations (Schur complement).
    """
    q = own.shape[1]
    own_block = own_information(own, owner, n_owners) + np.diag(own_precision)
    across = np.stack(
        [(shared.T @ by_owner(own[:, column], owner, n_owners)).toarray() for column in range(q)],
        axis=2,
    )  # (G, A, q)
    inverse = inverse_of(own_block)
    pull = np.einsum("gaq,aqr->gar", across, inverse)
    n_shared = shared.shape[1]
    flat = (n_shared, n_owners * q)
    schur = (shared.T @ shared).toarray() + np.diag(shared_precision)
    schur -= pull.reshape(flat) @ across.reshape(flat).T
    covariance = inverse_of(schur)
    carried = (covariance @ pull.reshape(flat)).reshape(pull.shape)
    return ArrowCovariance(covariance, inverse + np.einsum("gaq,gar->aqr", pull, carried))


def own_information(own: Floats, owner: Ints, n_owners: int) -> Floats:
    """Sum the outer products of an annotator's rows, (n_owners, q, q)."""
    q = own.shape[1]
    sums = [
        tally(owner, own[:, left] * own[:, right], n_owners)
        for left in range(q)
        for right in range(q)
    ]
    return np.stack(sums, axis=1).reshape(n_owners, q, q)


def by_owner(values: Floats, owner: Ints, n_owners: int) -> csr_array:
    """Put each observation's value into the column of its annotator, (N, n_owners)."""
    rows = np.arange(len(values) + 1)
    return csr_array((values, owner, rows), shape=(len(values), n_owners))
