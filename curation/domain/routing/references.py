"""What is right, by people's votes, and how often one person says so."""

from dataclasses import dataclass

import numpy as np

from annotation.domain.verdicts import N_VERDICTS, NO_VERDICT, Floats, Ints

SURE = 0.7  # posterior from which people are said to agree
SLACK = 1e-9
ASSUMED_QUALITY = 0.85  # of one person's label, where nobody has judged what another has


@dataclass(frozen=True, slots=True, eq=False)
class PeopleVotes:
    """n votes of people on I comparisons of two responses.

    Attributes:
        pair: (n,) from 0 to I - 1. voter: (n,) whose it is. choice: (n,) verdict codes.
        n_pairs: I.
    """

    pair: Ints
    voter: Ints
    choice: Ints
    n_pairs: int


@dataclass(frozen=True, slots=True)
class HumanQuality:
    """Probability that one person's label is right, from `n` labels; assumed where n is 0."""

    value: float
    n: int

    @property
    def is_measured(self) -> bool:
        return self.n > 0


def shares(votes: PeopleVotes) -> tuple[Floats, Ints, Ints, Floats]:
    """Each person's one vote on a comparison, divided where they voted more than once.

    Returns:
        By person and comparison: (m, 4) shares of the verdicts, adding up to 1, and (m,) numbers of
        the comparison and (m,) of the person; and (I, 4) their sums by comparison.
    """
    who, place = np.unique(
        np.column_stack([votes.pair, votes.voter]).reshape(-1, 2), axis=0, return_inverse=True
    )
    given = np.zeros((len(who), N_VERDICTS))
    np.add.at(given, (place.reshape(-1), votes.choice), 1.0)
    given /= np.maximum(given.sum(axis=1, keepdims=True), 1.0)
    counts = np.zeros((votes.n_pairs, N_VERDICTS))
    np.add.at(counts, who[:, 0], given)
    return given, who[:, 0], who[:, 1], counts


def agreed(counts: Floats, n_outcomes: int) -> Ints:
    """The verdict that people agree on.

    Args:
        counts: (m, 4) votes by verdict. n_outcomes: K >= 2 verdicts that are open.
    Returns:
        (m,) the likeliest where its posterior (a + 1/K) / (n + 1) is at least `SURE`, else
        `NO_VERDICT`. A tie, and that both are bad, are verdicts like the others.

    Source: posterior mean under a symmetric Dirichlet prior of total mass one, as in
    `annotation.domain.consensus`.
    """
    n = counts.sum(axis=1)
    top = (counts.max(axis=1, initial=0.0) + 1 / n_outcomes) / (n + 1)
    is_sure = (n > 0) & (top >= SURE - SLACK)
    return np.where(is_sure, counts.argmax(axis=1), NO_VERDICT)


def references(votes: PeopleVotes) -> Ints:
    """What is right about each comparison, (I,), by all votes on it."""
    _, _, _, counts = shares(votes)
    return agreed(counts, outcomes_open(votes))


def outcomes_open(votes: PeopleVotes) -> int:
    """How many verdicts people give here, at least two."""
    return max(len(np.unique(votes.choice)), 2)


def human_quality(votes: PeopleVotes) -> HumanQuality:
    """Measure how often one person's label is what the others agree on.

    Each person on each comparison is left out in turn: where the others alone agree, the label
    counts, as right or wrong. Whether it counts so does not depend on the label itself. Everybody
    counts by their labels, and is taken to be as good everywhere.

    Returns:
        The share, in [0, 1]; `ASSUMED_QUALITY` where no two people have judged the same.
    """
    given, pair, _, counts = shares(votes)
    right = agreed(counts[pair] - given, outcomes_open(votes))
    known = np.flatnonzero(right != NO_VERDICT)
    if not len(known):
        return HumanQuality(ASSUMED_QUALITY, 0)
    return HumanQuality(float(given[known, right[known]].mean()), len(known))
