"""What difficulty foretells: whether two people disagree; and which votes are kept back for it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from annotation.domain.verdicts import N_VERDICTS, NO_VERDICT, Bools, Floats, Ints

FEWEST_HELD = 2  # votes kept back, since one alone cannot disagree
FEWEST_SPLITS, MOST_SPLITS = 4, 16  # times the votes are divided anew
VOTES_READ = 200_000  # in all divisions together, as far as the fewest allow
BLOCKS = 4  # parts of the comparisons whose votes are kept back at the same time
HALVINGS = 60  # times they are divided to see how far halves agree; cheap, and it varies much
PARTED, HALVED = 1_000, 10_000  # set the draws of one kind apart from those of another
DECIMALS = 9  # equal shares must be equal numbers, or ranks tell them apart


@dataclass(frozen=True, slots=True, eq=False)
class Ballot:
    """n votes of people on I comparisons of two responses.

    Attributes:
        pair: (n,) number of the comparison, 0 to I - 1. choice: (n,) verdict codes, `NO_VERDICT`
            where no side was taken; these count for nothing.
        key: (n,) whole numbers that name the votes for good: what is kept back hangs on them.
        pair_key: (I,) the same for comparisons.
    """

    pair: Ints
    choice: Ints
    key: Ints
    pair_key: Ints

    def counts(self, chosen: Bools | None = None) -> Floats:
        """Count the votes by comparison and verdict, (I, 4); of all votes, or of those chosen."""
        told = self.choice != NO_VERDICT
        if chosen is not None:
            told = told & chosen
        cell = self.pair[told] * N_VERDICTS + self.choice[told]
        size = len(self.pair_key) * N_VERDICTS
        return np.bincount(cell, minlength=size).reshape(-1, N_VERDICTS).astype(float)


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """Some comparisons whose target is worked out from votes that nothing else sees.

    Attributes:
        split: number of the division of the votes. is_unseen: all votes of these comparisons are
            hidden, not only those kept back, as for a comparison that nobody has judged yet.
        pairs: (m,) the comparisons. visible: (I, 4) votes that features may use, those of other
            comparisons included. held: (m, 4) votes kept back.
    """

    split: int
    is_unseen: bool
    pairs: Ints
    visible: Floats
    held: Floats


def disagreement(counts: Floats) -> Floats:
    """Estimate the probability that two people disagree, without bias.

    Args:
        counts: (I, K) votes by outcome.
    Returns:
        (I,) 1 - sum a_k (a_k - 1) / (n (n - 1)), in [0, 1]; for two outcomes 2 a (n - a) /
        (n (n - 1)). With few votes it may exceed 1 - 1/K, which the true one cannot. NaN with
        fewer than two votes.

    Source: Simpson (1949), Measurement of diversity, the unbiased estimator.
    """
    n = counts.sum(axis=1)
    pairs = np.where(n > 1, n * (n - 1), np.nan)
    return np.round(1 - (counts * (counts - 1)).sum(axis=1) / pairs, DECIMALS)


def scaled(probability: Floats, n_outcomes: int) -> Floats:
    """Turn a probability of disagreement into difficulty, in [0, 1].

    Args:
        probability: any shape. n_outcomes: K, at least 2: how many answers are open.
    Returns:
        min(1, p / (1 - 1/K)): 1 where answers are as good as drawn by lot. 2 p for two outcomes.
    """
    share: Floats = np.clip(probability / (1 - 1 / n_outcomes), 0.0, 1.0)
    return share


def rounds(ballot: Ballot, n_splits: int) -> Iterator[Round]:
    """Divide the votes several times; in every one, each comparison is a target once.

    Half of a comparison's votes are kept back, rounded down, but at least two. Drawn by a hash of
    the votes' keys: the same votes give the same draw, whatever else was judged. Comparisons take
    turns in `BLOCKS` parts, so that features learn from nearly all votes of the others. A last
    division hides all votes of the comparisons in turn.
    """
    told = ballot.choice != NO_VERDICT
    n = ballot.counts().sum(axis=1)
    kept = kept_back(n)[ballot.pair]
    for split in range(n_splits + 1):
        is_unseen = split == n_splits
        held = told & (places(ballot, told, split) < kept)
        block = mixed(ballot.pair_key, PARTED + split) % np.uint64(BLOCKS)
        for number in range(BLOCKS):
            pairs = np.flatnonzero((block == number) & (n >= FEWEST_HELD))
            if not len(pairs):
                continue
            is_target = np.isin(ballot.pair, pairs)
            hidden = is_target if is_unseen else held & is_target
            visible, target = ballot.counts(~hidden), ballot.counts(held)[pairs]
            yield Round(split, is_unseen, pairs, visible, target)


def halves(ballot: Ballot, n_splits: int = HALVINGS) -> Iterator[tuple[Floats, Floats]]:
    """Divide the votes in two many times, each half as large as the part that `rounds` keeps back.

    Yields:
        The disagreement of either half, (c,) and (c,), of the comparisons with four votes or more
        in their order.
    """
    told = ballot.choice != NO_VERDICT
    n = ballot.counts().sum(axis=1)
    kept, pairs = kept_back(n)[ballot.pair], n >= 2 * FEWEST_HELD
    for split in range(n_splits):
        place = places(ballot, told, HALVED + split)
        first, second = told & (place < kept), told & (place >= kept) & (place < 2 * kept)
        yield disagreement(ballot.counts(first)[pairs]), disagreement(ballot.counts(second)[pairs])


def splits_for(n_votes: int) -> int:
    """How often to divide n votes: the fewer there are, the more hangs on one draw."""
    return min(max(VOTES_READ // max(n_votes, 1), FEWEST_SPLITS), MOST_SPLITS)


def kept_back(n: Floats) -> Ints:
    """How many of n votes are kept back: half, rounded down, but two or more."""
    return np.maximum(n.astype(np.int64) // 2, FEWEST_HELD)


def places(ballot: Ballot, told: Bools, split: int) -> Ints:
    """Number the votes of each comparison in an order drawn by hash, (n,) from 0."""
    draw = mixed(ballot.key, split)
    order = np.lexsort((draw, ~told, ballot.pair))
    pair = ballot.pair[order]
    first = np.searchsorted(pair, pair)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order)) - first
    return place


def mixed(keys: Ints, salt: int) -> Ints:
    """Hash whole numbers to evenly spread 64-bit ones, the same on every machine.

    Source: Steele, Lea and Flood (2014), Fast splittable pseudorandom number generators; the
    finaliser of SplitMix64.
    """
    word = keys.astype(np.int64).view(np.uint64)
    word = word + np.uint64((salt + 1) * 0x9E3779B97F4A7C15 % 2**64)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))
