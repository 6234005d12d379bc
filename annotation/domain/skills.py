"""What annotators' errors say about one comparison, once they have been learned from all of them.

Learning them is `annotation.domain.dawid_skene`; here they are given, so that a new vote is weighed
at once, without another fit.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np

from annotation.domain.comparisons import Floats
from annotation.domain.dawid_skene import TINY, Consensus, Votes, informativeness

METHOD = "dawid_skene"
VERSION = 1
DECIMALS = 9  # of parameters, so that their digest is that of what is stored
VOTES_PER_COMPARISON = 2.0  # fewer say nothing about who errs
VOTES_PER_ANNOTATOR = 10
FEWEST_ANNOTATORS = 3  # two who differ could be wrong either way


@dataclass(frozen=True)
class Said:
    """One vote: a label in [0, K) by an annotator who was shown a side in [0, S) first.

    `weight` is below 1 where several annotators who err alike share one vote.
    """

    annotator: Hashable
    label: int
    side: int
    weight: float = 1.0


@dataclass(frozen=True)
class KnownSkills:
    """Parameters of Dawid-Skene.

    Attributes:
        prior: (K,) class shares.
        pooled: (S, K, K), [side, truth, label], for annotators who are not in `by_side`.
        by_side: (S, K, K) per annotator.
        digest: what these numbers are called.
    """

    prior: Floats
    pooled: Floats
    by_side: Mapping[Any, Floats]
    digest: str

    @cached_property
    def log_prior(self) -> Floats:
        return np.log(np.maximum(self.prior, TINY))

    def matrices(self, votes: Sequence[Said]) -> Floats:
        """(m, K, K), [vote, truth, label], how each vote's annotator errs on its side."""
        return np.array([self.by_side.get(v.annotator, self.pooled)[v.side] for v in votes])

    def posterior(self, votes: Sequence[Said]) -> Floats:
        """Weigh the votes on one comparison.

        Returns:
            (K,) probabilities that sum to 1; the prior without votes.

        Source: Dawid and Skene (1979), eq. 2.5.
        """
        logits = self.log_prior
        if votes:
            labels = [vote.label for vote in votes]
            said = self.matrices(votes)[np.arange(len(votes)), :, labels]
            logits = logits + (weights_of(votes)[:, None] * np.log(np.maximum(said, TINY))).sum(
                axis=0
            )
        odds = np.exp(logits - logits.max())
        posterior: Floats = odds / odds.sum()
        return posterior

    def effective_votes(self, votes: Sequence[Said]) -> float:
        """What the votes are worth in votes of somebody who never errs, 0 to their number."""
        if not votes:
            return 0.0
        worth = informativeness(self.matrices(votes), self.prior)
        return float((weights_of(votes) * worth).sum())


def weights_of(votes: Sequence[Said]) -> Floats:
    return np.array([vote.weight for vote in votes])


def is_enough(votes: Votes) -> bool:
    """Tell whether votes say enough about who errs to weigh annotators by it.

    Comparisons have two votes or more on average, and most annotators, three or more of them in
    all, have given ten. Those with fewer are drawn to what all do together.
    """
    by_item = np.bincount(votes.item, minlength=votes.n_items)
    by_annotator = np.bincount(votes.annotator, minlength=votes.n_annotators)
    judged, voting = by_item[by_item > 0], by_annotator[by_annotator > 0]
    if len(voting) < FEWEST_ANNOTATORS:
        return False
    is_dense = judged.mean() >= VOTES_PER_COMPARISON
    return bool(is_dense and (voting >= VOTES_PER_ANNOTATOR).mean() > 0.5)


def known_skills(fit: Consensus, annotators: Sequence[Any]) -> KnownSkills:
    """Take the parameters out of a fit, rounded to `DECIMALS`, and name them.

    Args:
        annotators: (n_annotators,) what to call each; they should sort the same everywhere.
    """
    prior, pooled, by_side = (
        np.round(array, DECIMALS) + 0.0 for array in (fit.prior, fit.pooled, fit.by_side)
    )
    named = sha256(repr(list(annotators)).encode())
    for array in (prior, pooled, by_side):
        named.update(np.ascontiguousarray(array, "<f8").tobytes())
    of_each = dict(zip(annotators, by_side, strict=True))
    return KnownSkills(prior, pooled, of_each, named.hexdigest()[:16])
