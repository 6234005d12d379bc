"""The quality of a project as one JSON value: what pages, the API and `report` all show."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from annotation.domain.agreement import counts_by_unit
from annotation.domain.bias import (
    OddsRatio,
    SelfPreference,
    first_shown_rate,
    length_odds_ratio,
    longer_win_rate,
    order_flip_rate,
    self_preference,
)
from annotation.domain.quality import Votes, agreement_among, annotator_figures
from annotation.domain.rates import Rate, rate
from annotation.domain.resampling import AgreementIntervals, intervals_by_item, pairs_within
from annotation.domain.signs import flagged, signs_of
from annotation.domain.verdicts import N_VERDICTS, NO_VERDICT, plurality


@dataclass(frozen=True)
class Bias:
    """What pulls a group's verdicts; intervals are clustered where annotators are enough."""

    first_shown: Rate
    order_flips: Rate
    longer_wins: Rate
    length_odds_ratio: OddsRatio


def bias_among(votes: Votes) -> Bias:
    lengths, shown = votes.lengths[votes.item], votes.shown
    return Bias(
        first_shown_rate(shown.choice, shown.swapped, shown.annotator),
        order_flip_rate(shown.item, shown.annotator, shown.choice, shown.swapped),
        longer_win_rate(votes.choice, lengths, votes.annotator),
        length_odds_ratio(votes.choice, lengths, votes.annotator),
    )


def self_preferences(votes: Votes) -> dict[int, SelfPreference]:
    """Self-preference of every judge of known family against the majority of people, else gold."""
    people = votes.by_people
    counts = counts_by_unit(people.item, people.choice, N_VERDICTS, votes.n_items)
    truth = plurality(counts)
    truth = np.where(truth == NO_VERDICT, votes.gold, truth)
    result = {}
    for judge in np.flatnonzero(votes.is_judge & (votes.family >= 0)):
        mine = votes.annotator == judge
        items = votes.item[mine]
        is_own = votes.families[items] == votes.family[judge]
        result[int(judge)] = self_preference(
            votes.choice[mine], truth[items], is_own, votes.prompt[items]
        )
    return result


@dataclass(frozen=True)
class GroupAgreement:
    """Share of equal pairs of votes on one item, by who gave them; None without pairs.

    Intervals are clustered by item where there are enough items.
    """

    human_human: Rate
    human_judge: Rate
    judge_judge: Rate
    self_consistency: Rate


def agreement_by_group(votes: Votes) -> GroupAgreement:
    """Compare all pairs of votes on one item. Self-consistency: both by the same annotator.

    Verdicts are by response, so a judge that flips with the order is inconsistent with itself.
    """
    votes = votes.where(votes.choice != NO_VERDICT)
    left, right = pairs_within(votes.item)
    alike = votes.choice[left] == votes.choice[right]
    same = votes.annotator[left] == votes.annotator[right]
    judges = votes.is_judge[votes.annotator]
    n_judges = judges[left].astype(int) + judges[right]
    masks = [~same & (n_judges == k) for k in range(3)] + [same]
    item = votes.item[left]
    return GroupAgreement(*(rate(alike[mask], item[mask]) for mask in masks))


def quality_report(
    votes: Votes, names: Sequence[str], models: Sequence[str | None], *, seed: int = 0
) -> dict[str, Any]:
    """Everything about the quality of a project's pairwise votes, undefined figures as None.

    Args:
        votes: all votes of people and judges, oldest first. names, models: (A,) of annotators.
        seed: of the resampled intervals; the same votes and seed give the same report.
    Returns:
        `agreement` of people with `intervals` over items, `agreement_by_group`, `judges` and
        `annotators` (those with votes, in order of number) on the same figures, and `bias` of
        people and judges with the self-preference of judges whose family is known.
    """
    people = votes.by_people
    agreement = agreement_among(people)
    figures = flagged(annotator_figures(votes), signs_of(votes))
    entries: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for one in figures:
        if one.n:
            who = {"annotator": names[one.annotator], "model": models[one.annotator]}
            entries[bool(votes.is_judge[one.annotator])].append(asdict(one) | who)
    intervals = intervals_of(people, seed) if agreement.n_items else None
    preferences = self_preferences(votes)
    return {
        "agreement": asdict(agreement) | {"intervals": intervals and asdict(intervals)},
        "agreement_by_group": asdict(agreement_by_group(votes)),
        "judges": entries[True],
        "annotators": entries[False],
        "bias": {
            "human": asdict(bias_among(people)),
            "llm": asdict(bias_among(votes.by_judges)),
            "self_preference": {names[judge]: asdict(one) for judge, one in preferences.items()},
        },
    }


def intervals_of(votes: Votes, seed: int) -> AgreementIntervals:
    """Intervals over prompts, which are resampled with all their items."""
    n = int(votes.item.max()) + 1
    return intervals_by_item(
        votes.item, votes.choice, N_VERDICTS, cluster=votes.prompt[:n], seed=seed
    )
