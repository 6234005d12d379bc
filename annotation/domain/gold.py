"""What people's majority says of comparisons whose answer is known."""

from dataclasses import dataclass

import numpy as np

from annotation.domain.agreement import counts_by_unit
from annotation.domain.quality import Votes
from annotation.domain.verdicts import N_VERDICTS, NO_VERDICT, plurality


@dataclass(frozen=True)
class MajorityAgainstGold:
    """n_items: items with gold and votes of people. n_undecided: those whose lead is shared.

    agreement: share of the decided ones whose majority is the gold answer; None without any.
    """

    n_items: int
    n_undecided: int
    agreement: float | None


def majority_against_gold(votes: Votes) -> MajorityAgainstGold:
    """Compare the most frequent verdict of people with the known answer, item by item."""
    people = votes.by_people
    counts = counts_by_unit(people.item, people.choice, N_VERDICTS, votes.n_items)
    majority = plurality(counts)
    known = (votes.gold != NO_VERDICT) & (counts.sum(axis=1) > 0)
    decided = known & (majority != NO_VERDICT)
    right = majority[decided] == votes.gold[decided]
    return MajorityAgainstGold(
        int(known.sum()),
        int(known.sum() - decided.sum()),
        float(np.mean(right)) if right.size else None,
    )
