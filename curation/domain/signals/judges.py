"""The signals of LLM judges' votes on a comparison."""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import fsum
from statistics import fmean, pstdev

from annotation.domain.consensus import Vote, ballots_of, relation, tier_numbers
from curation.domain.signals.pairs import rounded
from curation.domain.signals.signal import Value, Values
from curation.domain.signals.votes import Said, binary_entropy, pair_chances

FAVOURS = {1: 1.0, 0: 0.5, 2: 0.5, -1: 0.0}

ByJudge = Mapping[Hashable, Sequence[Said]]


@dataclass(frozen=True)
class Configured:
    """What configured judges hold of a pair, by annotator; both orders are in it already.

    Attributes:
        chances: calibrated probability that the first response is better.
        flips: whether the winner changed with the order; only of judges that saw both.
    """

    chances: Mapping[Hashable, float] = field(default_factory=dict)
    flips: Mapping[Hashable, bool] = field(default_factory=dict)


NONE_CONFIGURED = Configured()


def judge_signals(
    responses: Sequence[int],
    judged: Sequence[Said],
    people: Sequence[Said],
    configured: Configured = NONE_CONFIGURED,
) -> Values:
    """Work out the signals of the family "judges".

    How much a judge favours the first of two responses is the mean over its judgments in each
    order shown, then over the orders: 1, 0, or 1/2 for ties and "both bad". So a judge that was
    asked in both orders counts once, and one that always takes the first place says 1/2. Of a
    configured judge that took a side of a pair it is the calibrated probability instead.

    Args:
        responses: the 2 to 9 responses compared, in stored order.
        judged: judgments in force of LLM judges.
        people: those of people.
        configured: of judges that were asked here; empty for more than two responses.

    Returns:
        Every signal of the family; null what needs judges, votes of people, or both orders, where
        there are none.
    """
    by_judge: dict[Hashable, list[Said]] = defaultdict(list)
    for said in judged:
        if said.is_vote:
            by_judge[said.annotator].append(said)
    values: Values = {"n_judges": len(by_judge)}
    names = ("judge_probability", "judge_entropy", "judge_disagreement", "judge_human_gap")
    if not by_judge:
        return values | dict.fromkeys(names) | {"order_flip": flip_share({}, configured.flips)}
    pairs = list(combinations(responses, 2))
    favours = [
        [
            configured.chances[judge] if judge in configured.chances else favour(a, b, said)
            for judge, said in by_judge.items()
        ]
        for a, b in pairs
    ]
    means = [fmean(each) for each in favours]
    values["judge_probability"] = rounded(means[0]) if len(pairs) == 1 else None
    values["judge_entropy"] = rounded(fmean(map(binary_entropy, means)))
    values["judge_disagreement"] = rounded(fmean(map(pstdev, favours)))
    values["judge_human_gap"] = human_gap(responses, means, people)
    is_pair = len(pairs) == 1
    values["order_flip"] = flip_share(by_judge, configured.flips) if is_pair else None
    return values


def favour(first: int, second: int, judgments: Sequence[Said]) -> float:
    """How much one judge favours the first of two responses, in [0, 1]."""
    by_order: dict[bool | None, list[float]] = defaultdict(list)
    for said in judgments:
        ranks = tier_numbers(Vote(said.annotator, said.ranking))
        by_order[shown_first(first, second, said)].append(FAVOURS[relation(ranks, first, second)])
    return fsum(map(fmean, by_order.values())) / len(by_order)


def shown_first(first: int, second: int, said: Said) -> bool | None:
    """Tell whether the first response was shown before the second; None where unknown."""
    places = {response: place for place, response in enumerate(said.shown_order)}
    if first not in places or second not in places:
        return None
    return places[first] < places[second]


def human_gap(responses: Sequence[int], means: Sequence[float], people: Sequence[Said]) -> Value:
    ballots = ballots_of(Vote(said.annotator, said.ranking) for said in people if said.is_vote)
    if not ballots:
        return None
    chances = pair_chances(responses, ballots)
    return rounded(fmean(abs(m - p) for m, p in zip(means, chances, strict=True)))


def flip_share(by_judge: ByJudge, known: Mapping[Hashable, bool]) -> Value:
    """Share of the judges asked in both orders whose verdicts differ between the orders.

    Saying a tie, or that both are bad, in both orders is no flip. `known` are the flips of judges
    whose judgments combine both orders.

    Returns:
        0 to 1; None where no judge was asked in both orders.
    """
    flips = list(known.values())
    for judgments in by_judge.values():
        by_order: dict[tuple[int, ...], set[str]] = defaultdict(set)
        for said in judgments:
            if said.shown_order:
                by_order[tuple(said.shown_order)].add(str([sorted(tier) for tier in said.ranking]))
        if len(by_order) == 2:
            one, other = by_order.values()
            flips.append(one != other)
    return rounded(fmean(flips)) if flips else None
