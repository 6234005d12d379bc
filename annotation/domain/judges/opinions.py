"""What LLM judges hold of many comparisons, in columns; how votes become probabilities."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import special

from annotation.domain.verdicts import (
    BOTH_BAD,
    FIRST,
    N_VERDICTS,
    NO_VERDICT,
    SECOND,
    TIE,
    Bools,
    Floats,
    Ints,
    is_decisive,
)

BEST = 10  # plus the place of the best of more than two responses, in stored order from 0
N_ORDERS = 3  # as stored, in reverse, unknown


@dataclass(frozen=True)
class JudgeTable:
    """n opinions, one for each LLM annotator and comparison, by annotator and comparison.

    Attributes:
        annotator, comparison: (n,) database ids.
        p_first: (n,) probability that the first response is better than the second, given that one
            is; of more than two responses the same as `confidence`.
        verdict: (n,) code by stored order, `NO_VERDICT` where flipped or unsure; of more than two
            responses `BEST` plus the place of the best.
        confidence: (n,) probability of the verdict, of the likeliest where there is none.
        is_flipped: (n,) whether the winner changes with the order; False where that is unknown.
        is_pair: (n,) whether two responses are compared.
        families: model family of each annotator; never "".
    """

    annotator: Ints
    comparison: Ints
    p_first: Floats
    verdict: Ints
    confidence: Floats
    is_flipped: Bools
    is_pair: Bools
    families: Mapping[int, str]

    def __len__(self) -> int:
        return len(self.annotator)

    def where(self, kept: Bools) -> "JudgeTable":
        """The opinions that a (n,) mask keeps."""
        rows = {name: column[kept] for name, column in self.columns.items()}
        return replace(self, **rows)

    @property
    def columns(self) -> dict[str, Any]:
        return {name: column for name, column in vars(self).items() if name != "families"}


@dataclass(frozen=True)
class PairOpinions:
    """(n,) columns as in `JudgeTable`, of votes on pairs."""

    p_first: Floats
    verdict: Ints
    confidence: Floats
    is_flipped: Bools


def opinions_of_counts(counts: Ints) -> PairOpinions:
    """Turn a judge's votes on pairs, orders and samples, into probabilities.

    The same as `annotation.domain.judges.combining.combined`, for many comparisons at once: in
    each order frequencies with Jeffreys' prior, orders averaged as log-odds.

    Args:
        counts: (n, 3, 4) votes by order (as stored, in reverse, unknown) and verdict code; each
            row has at least one. Those of unknown order count as an order of their own.
    """
    seen = counts.sum(axis=2) > 0
    n_kinds = 2 + (counts[:, :, TIE:].sum(axis=1) > 0).sum(axis=1)
    first, second = counts[:, :, FIRST], counts[:, :, SECOND]
    odds = special.logit((first + 0.5) / (first + second + 1))
    total = counts.sum(axis=2) + n_kinds[:, None] / 2
    beside = np.where(counts > 0, (counts + 0.5) / total[:, :, None], 0.0)[:, :, TIE:]
    by_order = verdicts_of(shares_of(odds, beside))
    n_orders = seen.sum(axis=1)
    d = (odds * seen).sum(axis=1) / n_orders
    mean_beside = (beside * seen[:, :, None]).sum(axis=1) / n_orders[:, None]
    shares = shares_of(d, mean_beside)
    is_flipped = is_decisive(by_order[:, 0]) & is_decisive(by_order[:, 1])
    is_flipped &= seen[:, 0] & seen[:, 1] & (by_order[:, 0] != by_order[:, 1])
    verdict = np.where(is_flipped, NO_VERDICT, verdicts_of(shares))
    return PairOpinions(special.expit(d), verdict, confidence_of(shares, verdict), is_flipped)


def shares_of(odds: Floats, beside: Floats) -> Floats:
    """(…, 4) probabilities of verdicts from (…,) log-odds and (…, 2) shares beside them."""
    left = 1 - beside.sum(axis=-1)
    return np.stack(
        [left * special.expit(odds), left * special.expit(-odds), beside[..., 0], beside[..., 1]],
        axis=-1,
    )


def verdicts_of(shares: Floats) -> Ints:
    """The likeliest verdict; a tie, then “both bad”, before responses that are as likely.

    `NO_VERDICT` where the two responses lead together.
    """
    rounded = shares.round(6)
    top = rounded.max(axis=-1, keepdims=True)
    leads = rounded == top
    both = leads[..., FIRST] & leads[..., SECOND]
    verdict = np.where(both, NO_VERDICT, rounded.argmax(axis=-1))
    verdict = np.where(leads[..., BOTH_BAD], BOTH_BAD, verdict)
    return np.where(leads[..., TIE], TIE, verdict)


def confidence_of(shares: Floats, verdict: Ints) -> Floats:
    """(n,) probability of the verdict; of the likeliest where there is none."""
    told = np.take_along_axis(shares, verdict[:, None] % N_VERDICTS, axis=1)[:, 0]
    return np.where(verdict == NO_VERDICT, shares.max(axis=1), told)
