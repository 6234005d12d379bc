"""The figures of a project's quality, from all its votes at once: agreement, judges, people.

One pass of counting per figure, so a million votes take about a second. A figure that is not
defined is None, never 0 and never NaN.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from annotation.domain.agreement import (
    Tally,
    TooFewRatings,
    alpha,
    counts_by_unit,
    gwet_ac1,
    mean_unit_agreement,
    pairwise_agreement,
    prevalence,
    tally_of_counts,
    unanimous_share,
    value_share,
)
from annotation.domain.bias import order_flips
from annotation.domain.rates import medians
from annotation.domain.sides import Shown, Sides
from annotation.domain.verdicts import (
    DECISIVE,
    FIRST,
    N_VERDICTS,
    NO_VERDICT,
    ON_A_LINE,
    SECOND,
    TIE,
    Bools,
    Floats,
    Ints,
    is_decisive,
    plurality,
    side_chosen,
)


@dataclass(frozen=True)
class Votes:
    """All pairwise votes of a project in long format, oldest first.

    item, annotator: (n,) from 0. choice: (n,) verdict codes, `NO_VERDICT` where unparsed.
    swapped: (n,) 1 shown in reverse of stored order, 0 not, -1 unknown. seconds: (n,) NaN unknown.
    is_judge: (A,) of each annotator. family: (A,) model family of each judge, -1 unknown.
    lengths: (I, 2) of each item's responses, equal where unknown. tokens: (I,) to read, NaN
    unknown. gold: (I,) verdict codes or `NO_VERDICT`. families: (I, 2) model family of each
    response, -1 unknown. prompt: (I,) what belongs together. sides: of votes that combine both
    orders, and have no order themselves; None without any.
    """

    item: Ints
    annotator: Ints
    choice: Ints
    swapped: Ints
    is_judge: Bools
    lengths: Ints
    gold: Ints
    seconds: Floats
    tokens: Floats
    family: Ints
    families: Ints
    prompt: Ints
    sides: Sides | None = None

    @property
    def n_items(self) -> int:
        return len(self.gold)

    @property
    def n_annotators(self) -> int:
        return len(self.is_judge)

    def where(self, kept: Bools) -> "Votes":
        """The votes that a (n,) mask keeps; items and annotators keep their numbers."""
        rows = {"item", "annotator", "choice", "swapped", "seconds"}
        columns = {k: v[kept] if k in rows else v for k, v in vars(self).items()}
        return Votes(**columns | {"sides": self.sides and self.sides.where(kept)})

    @property
    def shown(self) -> Shown:
        """The votes, and those behind combined ones."""
        votes = Shown(self.item, self.annotator, self.choice, self.swapped)
        return votes if self.sides is None else votes.and_behind(self.sides)

    @property
    def by_people(self) -> "Votes":
        return self.where(~self.is_judge[self.annotator])

    @property
    def by_judges(self) -> "Votes":
        return self.where(self.is_judge[self.annotator])


@dataclass(frozen=True)
class Agreement:
    """Agreement of people among each other. Shares in [0, 1], coefficients at most 1.

    n_items: items with two or more votes. pairwise: share of equal pairs of votes, all items'
    pairs together; no_ties: pairs of two decisive votes only; mean_item: every item weighs one.
    alpha_ordinal puts a tie between the two responses. prevalence: share of each verdict.
    """

    n_items: int
    n_votes: int
    n_pairs: int
    pairwise: float | None
    pairwise_no_ties: float | None
    pairwise_mean_item: float | None
    unanimous: float | None
    alpha_nominal: float | None
    alpha_ordinal: float | None
    ac1: float | None
    tie_rate: float | None
    prevalence: tuple[float, ...]


def agreement_among(votes: Votes) -> Agreement:
    """Count how the given votes agree (pass those of people). Order of rows does not matter."""
    return agreement_of_verdicts(votes.item, votes.choice)


def agreement_of_verdicts(unit: Ints, choice: Ints) -> Agreement:
    """The same of (n,) verdicts alone, on (n,) units numbered from 0."""
    counts = counts_by_unit(unit, choice, N_VERDICTS)
    on_line = counts.copy()
    on_line[:, np.isnan(ON_A_LINE)] = 0
    try:
        ordinal = alpha(tally_of_counts(on_line), "ordinal", np.nan_to_num(ON_A_LINE)).value
    except TooFewRatings:
        ordinal = None
    return replace(agreement_of(tally_of_counts(counts)), alpha_ordinal=ordinal)


def agreement_of(tally: Tally) -> Agreement:
    """Read agreement off a tally of verdicts; all but `alpha_ordinal`, which is None.

    "Both bad" lies off the line that `alpha_ordinal` measures on, so the votes that say it are
    left out there, and a tally can not tell how many votes then remain of each item.
    """
    pairs = pairwise_agreement(tally)
    try:
        nominal, ac1 = alpha(tally).value, gwet_ac1(tally).value
    except TooFewRatings:
        nominal = ac1 = None
    return Agreement(
        n_items=unanimous_share(tally).n,
        n_votes=int(tally.votes.sum()),
        n_pairs=pairs.n,
        pairwise=pairs.value,
        pairwise_no_ties=pairwise_agreement(tally, DECISIVE).value,
        pairwise_mean_item=mean_unit_agreement(tally).value,
        unanimous=unanimous_share(tally).value,
        alpha_nominal=nominal,
        alpha_ordinal=None,
        ac1=ac1,
        tie_rate=value_share(tally, TIE).value,
        prevalence=prevalence(tally),
    )


@dataclass(frozen=True)
class AnnotatorFigures:
    """One annotator, person or judge, beside the people.

    n: votes, `n_unparsed` of them without a verdict. The majority is the most frequent verdict of
    the people other than this annotator, where it is alone in front; `n_compared` votes have one.
    agreement_with_single_vote: chance of saying the same as a random other person's vote on the
    same item (the MT-bench definition), no_ties: both decisive. order_flip_rate: over `n_flips`
    items judged in both orders. median_seconds: per vote.
    """

    annotator: int
    n: int
    n_unparsed: int
    n_compared: int
    n_flips: int
    tie_rate: float | None
    agreement_with_majority: float | None
    agreement_with_majority_no_ties: float | None
    agreement_with_single_vote: float | None
    agreement_with_single_vote_no_ties: float | None
    kappa: float | None
    first_shown_rate: float | None
    order_flip_rate: float | None
    longer_win_rate: float | None
    accuracy_vs_gold: float | None
    median_seconds: float | None
    flags: tuple[str, ...] = ()


def annotator_figures(votes: Votes) -> list[AnnotatorFigures]:
    """Work out the figures of every annotator, people and judges on the same axes.

    Returns:
        One entry per annotator, in order of number; None for figures without data.
    """
    who, n = votes.annotator, votes.n_annotators
    others = votes_of_others(votes)
    majority = plurality(others)
    said, decisive = votes.choice != NO_VERDICT, is_decisive(votes.choice)
    compared = said & (majority != NO_VERDICT)
    both_decisive = compared & decisive & is_decisive(majority)
    agrees = votes.choice == majority
    shown = votes.shown
    side = side_chosen(shown.choice, shown.swapped)
    lengths, gold = votes.lengths[votes.item], votes.gold[votes.item]
    unequal = decisive & (lengths[:, 0] != lengths[:, 1])
    longer = np.where(lengths[:, 0] > lengths[:, 1], FIRST, SECOND)
    with_gold = said & (gold != NO_VERDICT)
    single = np.where(
        said, np.take_along_axis(others, votes.choice[:, None] % N_VERDICTS, 1)[:, 0], 0
    )
    flipper, flipped = order_flips(shown.item, shown.annotator, shown.choice, shown.swapped)
    columns = {
        "tie_rate": _ratios(who, votes.choice == TIE, said, n),
        "agreement_with_majority": _ratios(who, agrees, compared, n),
        "agreement_with_majority_no_ties": _ratios(who, agrees, both_decisive, n),
        "agreement_with_single_vote": _ratios(who, single, said * others.sum(axis=1), n),
        "agreement_with_single_vote_no_ties": _ratios(
            who, single * decisive, decisive * others[:, list(DECISIVE)].sum(axis=1), n
        ),
        "kappa": kappas(who[compared], votes.choice[compared], majority[compared], n),
        "first_shown_rate": _ratios(shown.annotator, side == FIRST, side >= 0, n),
        "order_flip_rate": _ratios(flipper, flipped, np.ones(len(flipped)), n),
        "longer_win_rate": _ratios(who, votes.choice == longer, unequal, n),
        "accuracy_vs_gold": _ratios(who, votes.choice == gold, with_gold, n),
        "median_seconds": medians(who, votes.seconds, n),
    }
    counted = {
        "n": np.bincount(who, minlength=n),
        "n_unparsed": np.bincount(who[~said], minlength=n),
        "n_compared": np.bincount(who[compared], minlength=n),
        "n_flips": np.bincount(flipper, minlength=n),
    }
    figures = {name: values.tolist() for name, values in counted.items()}
    figures |= {
        name: [None if np.isnan(value) else value for value in values.tolist()]
        for name, values in columns.items()
    }
    rows = zip(*figures.values(), strict=True)
    return [
        AnnotatorFigures(annotator=i, **dict(zip(figures, row, strict=True)))
        for i, row in enumerate(rows)
    ]


def votes_of_others(votes: Votes) -> Ints:
    """Count, for every vote, the verdicts of the people other than its annotator on its item.

    Returns:
        (n, V) counts.
    """
    people = votes.by_people
    counts = counts_by_unit(people.item, people.choice, N_VERDICTS, votes.n_items)
    others = counts[votes.item]
    own = ~votes.is_judge[votes.annotator] & (votes.choice != NO_VERDICT)
    others[own, votes.choice[own]] -= 1
    pair = votes.item[own].astype(np.int64) * votes.n_annotators + votes.annotator[own]
    _, first, who = np.unique(pair, return_index=True, return_inverse=True)
    if len(first) == len(pair):
        return others
    mine = counts_by_unit(who, votes.choice[own], N_VERDICTS)[who]
    mine[np.arange(len(who)), votes.choice[own]] -= 1
    others[own] -= mine
    return others


def _ratios(who: Ints, part: Any, whole: Any, n: int) -> Floats:
    """sum(part) / sum(whole) by annotator, counting parts inside the whole; NaN where empty."""
    parts = np.bincount(who, np.where(whole, part, 0), n)
    wholes = np.bincount(who, whole, n)
    return np.divide(parts, wholes, out=np.full(n, np.nan), where=wholes > 0)


def kappas(who: Ints, first: Ints, second: Ints, n: int) -> Floats:
    """Cohen's kappa between `first` and `second` for each of n annotators.

    Returns:
        (n,) values of `cohen_kappa`; NaN where undefined.
    """
    cells = (who.astype(np.int64) * N_VERDICTS + first) * N_VERDICTS + second
    table = np.bincount(cells, minlength=n * N_VERDICTS**2).reshape(n, N_VERDICTS, N_VERDICTS)
    total = np.maximum(table.sum(axis=(1, 2)), 1)
    observed = np.trace(table, axis1=1, axis2=2) / total
    expected = (table.sum(axis=1) * table.sum(axis=2)).sum(axis=1) / total**2
    defined = (table.sum(axis=(1, 2)) > 0) & (expected < 1 - 1e-12)
    return np.divide(observed - expected, 1 - expected, out=np.full(n, np.nan), where=defined)
