"""A vote meets its item: names become response ids, an index or a ranking becomes tiers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from annotation.domain.importing.refusals import LineRefused
from annotation.domain.importing.votes import TIE, Choice, VoteRecord
from annotation.domain.vocabulary import CriterionKind, Outcome

OVERALL = "overall"
KEY_MAX = 60


@dataclass(slots=True)
class Verdict:
    """What a vote says, by response ids. `compared` ascends."""

    compared: list[int]
    outcome: Outcome
    ranking: list[list[int]]
    strength: int | None
    shown_order: list[int] | None
    criteria: dict[str, dict[str, Any]] = field(default_factory=dict)


def verdict_of(vote: VoteRecord, responses: Mapping[str, int]) -> Verdict:
    """Resolve a vote against the responses of its item.

    Args:
        responses: id by external id, in the item's order.
    Raises:
        LineRefused: the vote names a response that the item has not, or contradicts itself.
    """
    order = [known(name, responses, "responses") for name in vote.compared] or ranked_or_all(
        vote, responses
    )
    if len(order) < 2 or len(set(order)) != len(order):
        raise LineRefused(
            "response_count", "A vote compares 2 to 9 different responses.", "ranking"
        )
    tiers = tiers_of(vote, order, responses)
    outcome = vote.outcome or (Outcome.RANKED if tiers else Outcome.UNPARSED)
    return Verdict(
        compared=sorted(order),
        outcome=outcome,
        ranking=tiers,
        strength=strength_of(vote, tiers),
        shown_order=None if vote.is_swapped is None else order[:: -1 if vote.is_swapped else 1],
        criteria=criteria_of(vote, order, responses),
    )


def known(name: str, responses: Mapping[str, int], field: str) -> int:
    if name not in responses:
        raise LineRefused("unknown_response", f"The item has no response “{name[:80]}”.", field)
    return responses[name]


def ranked_or_all(vote: VoteRecord, responses: Mapping[str, int]) -> list[int]:
    """The responses that a ranking names, else all of the item, in the item's order."""
    if not vote.ranking:
        return list(responses.values())
    named = [known(name, responses, "ranking") for tier in vote.ranking for name in tier]
    if len(set(named)) != len(named):
        raise LineRefused("placed_twice", "A response is placed twice.", "ranking")
    chosen = set(named)
    return [response for response in responses.values() if response in chosen]


def tiers_of(
    vote: VoteRecord, order: Sequence[int], responses: Mapping[str, int]
) -> list[list[int]]:
    """Tiers of response ids, best first; [] where the vote does not say which is better."""
    if vote.outcome is not None:
        return []
    ranked = [sorted(known(name, responses, "ranking") for name in tier) for tier in vote.ranking]
    if ranked and {response for tier in ranked for response in tier} != set(order):
        raise LineRefused("contradiction", "It does not place just the compared ones.", "ranking")
    chosen = chosen_tiers(vote.choice, order, "choice")
    if ranked and chosen and ranked[0] != chosen[0]:
        raise LineRefused("contradiction", "Choice and ranking name different winners.", "choice")
    return ranked or chosen or rated_tiers(vote, order, responses)


def chosen_tiers(choice: Choice, order: Sequence[int], field: str) -> list[list[int]]:
    """The chosen response before all others, which share a tier; one tier for a tie."""
    if choice is None:
        return []
    if choice == TIE:
        return [sorted(order)]
    if not isinstance(choice, int) or choice >= len(order):
        raise LineRefused("not_a_choice", f"There are {len(order)} responses; count from 0.", field)
    best = order[choice]
    return [[best], sorted(response for response in order if response != best)]


def rated_tiers(
    vote: VoteRecord, order: Sequence[int], responses: Mapping[str, int]
) -> list[list[int]]:
    """Order by the rating “overall”, or by the only aspect that was rated; [] without one."""
    aspects = {aspect for rated in vote.ratings.values() for aspect in rated}
    aspect = OVERALL if OVERALL in aspects else next(iter(aspects), "")
    if not aspect or (aspect != OVERALL and len(aspects) > 1):
        return []
    rates = {
        known(name, responses, "ratings"): rated[aspect]
        for name, rated in vote.ratings.items()
        if aspect in rated
    }
    if set(rates) != set(order):
        return []
    levels = sorted(set(rates.values()), reverse=True)
    return [sorted(r for r in order if rates[r] == level) for level in levels]


def strength_of(vote: VoteRecord, tiers: Sequence[Sequence[int]]) -> int | None:
    """0 for a tie, the stated degree for a preference, None where the source does not say."""
    if not tiers:
        if vote.strength is not None:
            raise LineRefused("contradiction", "There is no preference to be strong.", "strength")
        return None
    is_tie = len(tiers) == 1
    if vote.strength is not None and (vote.strength == 0) != is_tie:
        raise LineRefused("contradiction", "A strength of 0 is a tie, and only that.", "strength")
    return 0 if is_tie else vote.strength


def criteria_of(
    vote: VoteRecord, order: Sequence[int], responses: Mapping[str, int]
) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for aspect, choice in vote.aspects.items():
        tiers = chosen_tiers(choice, order, f"aspects.{aspect}")
        found.setdefault(criterion_key(aspect), {})["ranking"] = tiers
    for name, rated in vote.ratings.items():
        response = str(known(name, responses, "ratings"))
        for aspect, number in rated.items():
            answers = found.setdefault(criterion_key(aspect), {})
            answers.setdefault("ratings", {})[response] = number
    return found


def criterion_key(aspect: str) -> str:
    """A key for an aspect by any name: letters, digits, - and _, at most 60 characters."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", aspect)[:KEY_MAX] or "_"


def criterion_kind(answer: Mapping[str, Any]) -> CriterionKind:
    return CriterionKind.RATING if "ratings" in answer else CriterionKind.PREFERENCE
