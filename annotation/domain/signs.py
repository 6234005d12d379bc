"""Which annotators somebody should talk to, and why: every sign tested, and corrected for many."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from annotation.domain.bias import side_test
from annotation.domain.conduct import drift, is_too_fast, side_runs
from annotation.domain.quality import AnnotatorFigures, Votes, votes_of_others
from annotation.domain.rates import benjamini_hochberg, shrink
from annotation.domain.verdicts import (
    FIRST,
    NO_VERDICT,
    Bools,
    Floats,
    Ints,
    plurality,
    side_chosen,
)

FALSE_ALARMS = 0.05  # expected share of false ones among the flags of one kind
FEWEST_VOTES = 10
SHARE_TOO_FAST = 0.2  # lower end of the shrunken interval
LEAST_GAP = 0.05  # how far below the pool agreement must lie to matter


@dataclass(frozen=True)
class Signs:
    """(A,) figures behind the flags; NaN where there was too little to test.

    p_side, p_runs, p_drift, p_agreement: p-values under honest work, adjusted over annotators.
    share_too_fast, agreement: shrunken towards the pool, with the end of the interval that counts.
    """

    p_side: Floats
    p_runs: Floats
    p_drift: Floats
    p_agreement: Floats
    share_too_fast: Floats
    share_too_fast_low: Floats
    agreement: Floats
    agreement_high: Floats
    pool_agreement: float

    def flags(self, annotator: int) -> tuple[str, ...]:
        """Names of the signs that stand out: for review, never a reason to delete votes."""
        i = annotator
        low_agreement = self.agreement_high[i] < self.pool_agreement - LEAST_GAP
        found = {
            "side_bias": self.p_side[i] < FALSE_ALARMS,
            "straight_lining": self.p_runs[i] < FALSE_ALARMS,
            "drift": self.p_drift[i] < FALSE_ALARMS,
            "low_agreement": self.p_agreement[i] < FALSE_ALARMS and low_agreement,
            "too_fast": self.share_too_fast_low[i] > SHARE_TOO_FAST,
        }
        return tuple(name for name, holds in found.items() if holds)


def signs_of(votes: Votes) -> Signs:
    """Look at how people work. Judges are left out (NaN).

    The share of first sides that honest votes would have is the project's own, not 1/2: the stored
    order may favour one side where it was not shuffled.

    Args:
        votes: all votes, oldest first; the order within an annotator is what drift and runs see.
    Returns:
        Drift is that of agreeing with the others' majority, less the share of the others that
        agree with it themselves, so that a change from easy to hard items is not held against
        anybody.
    """
    people = ~votes.is_judge[votes.annotator] & (votes.choice != NO_VERDICT)
    others = votes_of_others(votes)[people]
    votes, majority = votes.where(people), plurality(others)
    n = votes.n_annotators
    side = side_chosen(votes.choice, votes.swapped)
    chosen, shown = _counts(votes.annotator, side == FIRST, side >= 0, n)
    share_first = float(np.clip(chosen.sum() / max(shown.sum(), 1), 0.05, 0.95))
    compared = majority != NO_VERDICT
    agreed, n_compared = _counts(votes.annotator, votes.choice == majority, compared, n)
    pool = agreed.sum() / max(n_compared.sum(), 1)
    timed = votes.seconds > 0
    fast, n_timed = _counts(
        votes.annotator, is_too_fast(votes.seconds, votes.tokens[votes.item]), timed, n
    )
    shrunk_fast, shrunk = shrink(fast, n_timed), shrink(agreed, n_compared)
    p_runs = np.full(n, np.nan)
    for i, rows in _rows_of(votes.annotator, n):
        own_sides = side[rows][side[rows] >= 0]
        if len(own_sides) >= FEWEST_VOTES:
            p_runs[i] = side_runs(own_sides, share_first).p_value
    usual = others.max(axis=1) / np.maximum(others.sum(axis=1), 1)
    residuals = (votes.choice == majority) - usual
    p_drift = drift(votes.annotator[compared], residuals[compared], n).p_value
    p_side = np.where(shown >= FEWEST_VOTES, side_test(chosen, shown, share_first), np.nan)
    p_low = side_test(agreed, n_compared, float(np.clip(pool, 1e-9, 1 - 1e-9)))
    p_agreement = np.where(n_compared >= FEWEST_VOTES, p_low, np.nan)
    enough_time = n_timed >= FEWEST_VOTES
    return Signs(
        p_side=benjamini_hochberg(p_side),
        p_runs=benjamini_hochberg(p_runs),
        p_drift=benjamini_hochberg(p_drift),
        p_agreement=benjamini_hochberg(p_agreement),
        share_too_fast=shrunk_fast.value,
        share_too_fast_low=np.where(enough_time, shrunk_fast.low, np.nan),
        agreement=shrunk.value,
        agreement_high=shrunk.high,
        pool_agreement=float(pool),
    )


def _counts(who: Ints, part: Bools, whole: Bools, n: int) -> tuple[Ints, Ints]:
    return (
        np.bincount(who[part & whole], minlength=n),
        np.bincount(who[whole], minlength=n),
    )


def _rows_of(who: Ints, n: int) -> list[tuple[int, Ints]]:
    """Row numbers of each annotator who has enough of them, oldest first."""
    order = np.argsort(who, kind="stable")
    sizes = np.bincount(who, minlength=n)
    parts = np.split(order, np.cumsum(sizes)[:-1])
    return [(i, rows) for i, rows in enumerate(parts) if len(rows) >= FEWEST_VOTES]


def flagged(figures: Sequence[AnnotatorFigures], signs: Signs) -> list[AnnotatorFigures]:
    """Add the flags to the figures."""
    return [replace(one, flags=signs.flags(one.annotator)) for one in figures]
