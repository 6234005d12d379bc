"""From votes to rows with a target and the features that did not see it."""

from dataclasses import dataclass

import numpy as np

from annotation.domain.verdicts import Bools, Floats, Ints
from curation.domain.difficulty.features import FROM_VOTES, SOURCES, from_votes
from curation.domain.difficulty.model import Table
from curation.domain.difficulty.strengths import Pairs
from curation.domain.difficulty.target import Ballot, disagreement, rounds, splits_for

FEWEST_COMPARISONS = 300  # with two votes or more
FEWEST_PROMPTS = 5  # below, no fold of prompts says much about another
NAMES = (*FROM_VOTES, *SOURCES)


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """All that is known of the I comparisons of a project.

    Attributes:
        ballot: people's votes. pairs: responses, prompts, models. signals: (I, len(SOURCES))
            features that rest on no people's votes, NaN where missing.
    """

    ballot: Ballot
    pairs: Pairs
    signals: Floats

    def n_outcomes(self) -> int:
        """How many different answers people gave, at least two."""
        return max(2, int((self.ballot.counts().sum(axis=0) > 0).sum()))

    def is_countable(self) -> Bools:
        """Which comparisons have votes enough to tell whether people disagree, (I,)."""
        return self.ballot.counts().sum(axis=1) > 1

    def lacks(self) -> list[tuple[str, int, int]]:
        """What is missing for a fit: (what, have, need); empty where nothing is."""
        countable = self.is_countable()
        wanted = [
            (
                "comparisons with two votes or more",
                int(countable.sum()),
                FEWEST_COMPARISONS,
            ),
            (
                "prompts among them",
                len(np.unique(self.pairs.prompt[countable])),
                FEWEST_PROMPTS,
            ),
        ]
        return [(what, have, need) for what, have, need in wanted if have < need]

    def features(self) -> Floats:
        """Features of all comparisons from all votes, (I, F) in the order of `NAMES`."""
        visible = from_votes(self.ballot.counts(), self.pairs, self.n_outcomes())
        return np.column_stack([visible, self.signals])


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """m rows, one for each comparison and division of its votes.

    Attributes:
        split, pair, prompt: (m,) numbers. is_unseen: (m,) all votes on the comparison were hidden
            from the features. features: (m, F). target: (m,) disagreement of the votes kept back.
        n_votes: (m,) votes on the comparison, those kept back included.
    """

    split: Ints
    pair: Ints
    prompt: Ints
    is_unseen: Bools
    features: Floats
    target: Floats
    n_votes: Floats

    def table(self) -> Table:
        """The same for fitting; the rows of a comparison weigh one together."""
        n_splits = int(self.split.max(initial=0)) + 1
        weight = np.full(len(self.target), 1 / n_splits)
        return Table(self.features, self.target, weight, self.prompt)


def sample_of(known: Known) -> Sample:
    """Divide the votes again and again, and work out the features from what each leaves visible.

    Returns:
        Rows of all comparisons with two votes or more; none without any.
    """
    parts, n_outcomes = [], known.n_outcomes()
    n_votes = known.ballot.counts().sum(axis=1)
    for one in rounds(known.ballot, splits_for(len(known.ballot.key))):
        visible = from_votes(one.visible, known.pairs, n_outcomes)[one.pairs]
        parts.append(
            (
                np.full(len(one.pairs), one.split),
                one.pairs,
                known.pairs.prompt[one.pairs],
                np.full(len(one.pairs), one.is_unseen),
                np.column_stack([visible, known.signals[one.pairs]]),
                disagreement(one.held),
                n_votes[one.pairs],
            )
        )
    if not parts:
        empty = np.empty(0, np.int64)
        none = np.empty(0)
        return Sample(empty, empty, empty, none > 0, np.empty((0, len(NAMES))), none, none)
    return Sample(*(np.concatenate(column) for column in zip(*parts, strict=True)))
