"""What several judges say together, one vote for each model family.

Models of one family err alike: four of them are not four witnesses.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from annotation.domain.verdicts import Floats, Ints


@dataclass(frozen=True)
class Jury:
    """The verdicts of n juries.

    Attributes:
        logit: (n,) mean log-odds for the first of two responses; NaN where no judge speaks.
        p_first: (n,) its probability, 0.5 where the jury is even.
        n_families: (n,) families that speak.
    """

    logit: Floats
    p_first: Floats
    n_families: Ints


def jury_of(
    logits: Floats, families: Sequence[str], weights: Sequence[float] | None = None
) -> Jury:
    """Average judges' log-odds, first within each family, then over families.

    Args:
        logits: (n, J) calibrated log-odds of n comparisons by J judges; NaN where a judge says
            nothing. Finite otherwise.
        families: (J,) model family of each judge.
        weights: (J,) 0 or more, of each judge within its family; a family weighs the mean of the
            weights of its judges that speak. Equal without.

    Source: Verga et al. (2024), Replacing judges with juries, for panels of several families; the
    cap of one vote per family is ours.
    """
    logits = np.asarray(logits, float).reshape(-1, len(families))
    weight = np.ones(len(families)) if weights is None else np.asarray(weights, float)
    names, family = np.unique(np.asarray(families, str), return_inverse=True)
    is_of = (family[:, None] == np.arange(len(names))[None, :]).astype(float)
    speaks = (~np.isnan(logits)).astype(float)
    weighed = speaks * weight
    total = weighed @ is_of
    said = _shares(np.nan_to_num(logits) * weighed @ is_of, total)
    of_family = _shares(total, speaks @ is_of)
    votes = np.where(total > 0, of_family, 0.0)
    mean = _shares((votes * np.nan_to_num(said)).sum(axis=1), votes.sum(axis=1))
    return Jury(mean, special.expit(np.nan_to_num(mean)), (total > 0).sum(axis=1))


def _shares(part: Floats, whole: Floats) -> Floats:
    """part / whole; NaN where the whole is 0."""
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
