"""What a judge's answers on one comparison add up to, over display orders and samples.

Orders are averaged as log-odds, not as probabilities: a pull towards the place shown first adds a
constant to the log-odds of that place, so it cancels between an order and its reverse.

- Between responses: in each order the log-odds of one response before another, from the verdict's
  probabilities where the answers to a pair have them (averaged as log-odds over samples), else from
  counts with Jeffreys' prior; then the mean over orders.
- Beside them: the shares of "tie" (all responses equal) and "both bad" are no odds between
  responses. They are averaged as they are, over samples and then orders, and what they leave is
  divided among the responses.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, fsum
from typing import Any

import numpy as np

from annotation.domain.consensus import BOTH_BAD, TIE
from annotation.domain.judges.counting import OrderTally, tally_of
from annotation.domain.ranking import Ranking
from annotation.domain.vocabulary import Outcome

DECIMALS = 6
BESIDE = (TIE, BOTH_BAD)


@dataclass(frozen=True)
class Answered:
    """One usable answer of a judge.

    Attributes:
        order: number of the display order. shown: the responses as displayed.
        ranking: tiers of responses, best first; empty unless the outcome is `ranked`.
        chances: probabilities of the verdicts, keyed by response, "tie" and "both_bad"; they need
            not add up to one. None where the endpoint told none.
    """

    order: int
    shown: tuple[int, ...]
    outcome: str
    ranking: Ranking
    chances: Mapping[Any, float] | None = None


@dataclass(frozen=True)
class OrderVerdict:
    """What the answers in one display order say together. As in `Combined`."""

    order: int
    shown: tuple[int, ...]
    n_answers: int
    outcome: str
    ranking: Ranking
    chances: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        return vars(self) | {"shown": list(self.shown)}


@dataclass(frozen=True)
class Combined:
    """What all usable answers say together.

    Attributes:
        outcome: `ranked`, `both_bad`, `unsure` (see `combined`) or `unparsed` (no usable answer).
        ranking: tiers, best first; empty unless ranked.
        chances: by response id as text the probability that it is best, "tie" and "both_bad";
            rounded, adding up to one; empty where unparsed.
        bias: pull towards what is shown first, in logits; None unless seen in both orders.
        is_flipped: whether the winner changes with the order; None unless seen in both orders.
        by_order: in order of number.
    """

    outcome: str
    ranking: Ranking
    chances: dict[str, float]
    bias: float | None
    is_flipped: bool | None
    n_answers: int
    by_order: tuple[OrderVerdict, ...]


def combined(
    responses: Sequence[int],
    answers: Iterable[Answered],
    *,
    allows_tie: bool = True,
    allows_both_bad: bool = True,
    are_alike: bool = False,
    needs_both_orders: bool = False,
) -> Combined:
    """Add up a judge's usable answers on one comparison.

    Args:
        responses: the 2 to 9 responses compared, in stored order.
        answers: any number, in one order or two; those that name other responses raise KeyError.
        allows_tie, allows_both_bad: what the project offers; what it does not is unsure.
        are_alike: the responses have the same content: any verdict but a tie is an accident.
        needs_both_orders: whether a verdict seen in one order only is unsure.
    Returns:
        The likeliest verdict, unless none leads or the winner is flipped: then `unsure`, which is
        no vote, the probabilities kept. A winner is flipped when the best responses in one order
        and in the other have none in common. Saying a tie twice is no flip, nor is a tie or "both
        bad" in one order beside a winner in the other: no winner was exchanged for another.

    Source: Zheng et al. (2023), Judging LLM-as-a-judge, for asking in both orders.
    """
    tallies = tallies_of(responses, answers)
    if not tallies:
        return Combined(Outcome.UNPARSED, [], {}, None, None, 0, ())
    seen = Seen(
        bias=pull_to_first(responses, tallies),
        n_answers=sum(tally.n for tally in tallies),
        by_order=tuple(order_verdict(responses, tally) for tally in tallies),
    )
    has_both = len(tallies) > 1
    if are_alike:
        return alike(responses, seen, allows_tie)
    odds = np.mean([tally.odds for tally in tallies], axis=0)
    beside = {kind: fsum(t.beside[kind] for t in tallies) / len(tallies) for kind in BESIDE}
    chances = chances_of(responses, odds, beside)
    is_flipped = flips(seen.by_order) if has_both else None
    outcome, ranking = verdict_of(responses, odds, chances)
    if not allows_tie:
        ranking = without_ties(ranking, tallies[0], responses)
    is_withheld = is_flipped or (needs_both_orders and not has_both)
    is_refused = outcome == Outcome.BOTH_BAD and not allows_both_bad
    if is_withheld or is_refused or (outcome == Outcome.RANKED and not ranking):
        outcome, ranking = Outcome.UNSURE, []
    return Combined(outcome, ranking, chances, is_flipped=is_flipped, **vars(seen))


@dataclass(frozen=True)
class Seen:
    """What is told of the answers whatever the verdict. As in `Combined`."""

    bias: float | None
    n_answers: int
    by_order: tuple[OrderVerdict, ...]


def alike(responses: Sequence[int], seen: Seen, allows_tie: bool) -> Combined:
    """The verdict on responses of the same content: a tie, or nothing where none is offered."""
    chances = dict.fromkeys(map(str, responses), 0.0) | {TIE: 1.0}
    is_flipped = False if len(seen.by_order) > 1 else None
    outcome = Outcome.RANKED if allows_tie else Outcome.UNSURE
    ranking = [sorted(responses)] if allows_tie else []
    return Combined(outcome, ranking, chances, is_flipped=is_flipped, **vars(seen))


def tallies_of(responses: Sequence[int], answers: Iterable[Answered]) -> list[OrderTally]:
    by_order: dict[int, list[Answered]] = {}
    for answer in answers:
        by_order.setdefault(answer.order, []).append(answer)
    said = {answer.outcome for given in by_order.values() for answer in given}
    ties = any(len(answer.ranking) == 1 for given in by_order.values() for answer in given)
    n_kinds = len(responses) + ties + (Outcome.BOTH_BAD in said)
    return [tally_of(responses, by_order[order], n_kinds) for order in sorted(by_order)]


def chances_of(
    responses: Sequence[int], odds: Any, beside: Mapping[str, float]
) -> dict[str, float]:
    """Probabilities of the verdicts, from (k, k) log-odds between responses and shares beside.

    With s_i the mean over j of the log-odds of i before j, which is the least-squares solution of
    s_i - s_j = odds_ij, response i is best with probability exp(s_i) / sum_j exp(s_j) of what the
    others leave. Of a pair that is sigma(odds).
    """
    strengths = odds.mean(axis=1)
    weights = [exp(s) for s in (strengths - strengths.max()).tolist()]
    left = 1.0 - fsum(beside.values())
    best = {
        str(response): left * weight / fsum(weights)
        for response, weight in zip(responses, weights, strict=True)
    }
    shares = best | {kind: share for kind, share in beside.items() if share > 0}
    return {verdict: round(share, DECIMALS) for verdict, share in shares.items()}


def order_verdict(responses: Sequence[int], tally: OrderTally) -> OrderVerdict:
    chances = chances_of(responses, tally.odds, tally.beside)
    outcome, ranking = verdict_of(responses, tally.odds, chances)
    return OrderVerdict(tally.order, tally.shown, tally.n, outcome, ranking, chances)


def verdict_of(
    responses: Sequence[int], odds: Any, chances: Mapping[str, float]
) -> tuple[str, Ranking]:
    """The likeliest verdict; `unsure` where a pair's responses lead together."""
    top = max(chances.values())
    leaders = [verdict for verdict, share in chances.items() if share == top]
    if TIE in leaders:
        return Outcome.RANKED, [sorted(responses)]
    if BOTH_BAD in leaders:
        return Outcome.BOTH_BAD, []
    if len(responses) == 2 and len(leaders) == 2:
        return Outcome.UNSURE, []
    return Outcome.RANKED, ranking_by(responses, odds.mean(axis=1).round(DECIMALS).tolist())


def ranking_by(responses: Sequence[int], strengths: Sequence[float]) -> Ranking:
    """Tiers by strength, best first; equal ones share a tier."""
    tiers: dict[float, list[int]] = {}
    for response, strength in zip(responses, strengths, strict=True):
        tiers.setdefault(strength, []).append(response)
    return [sorted(tiers[strength]) for strength in sorted(tiers, reverse=True)]


def without_ties(ranking: Ranking, tally: OrderTally, responses: Sequence[int]) -> Ranking:
    """Break ties below the best by the first order shown; empty where the best are tied."""
    if ranking and len(ranking[0]) > 1:
        return []
    strength = dict(zip(responses, tally.odds.mean(axis=1).tolist(), strict=True))
    return [
        [response]
        for tier in ranking
        for response in sorted(tier, key=lambda r: (-strength[r], tally.shown.index(r)))
    ]


def flips(by_order: Sequence[OrderVerdict]) -> bool:
    """Whether two orders name winners that have nothing in common."""
    tops = [set(verdict.ranking[0]) for verdict in by_order if verdict.ranking]
    return len(tops) > 1 and tops[0].isdisjoint(tops[1])


def pull_to_first(responses: Sequence[int], tallies: Sequence[OrderTally]) -> float | None:
    """Mean over pairs and orders of the log-odds of the response shown before the other.

    Of a pair it is (logit p_AB + logit p_BA) / 2, p the probability of what is shown first.

    Returns:
        Logits, 0 without bias; None with one order only.
    """
    if len(tallies) < 2:
        return None
    pulls = []
    for tally in tallies:
        place = np.array([tally.shown.index(response) for response in responses])
        is_before = place[:, None] < place[None, :]
        pulls.append(float(tally.odds[is_before].mean()))
    return round(fsum(pulls) / len(pulls), DECIMALS)


def combined_ratings(ratings: Iterable[Mapping[int, float]]) -> dict[int, int]:
    """Average each response's ratings over answers, to whole numbers, halves up."""
    given: dict[int, list[float]] = {}
    for rated in ratings:
        for response, number in rated.items():
            given.setdefault(response, []).append(number)
    return {response: int(fsum(of) / len(of) + 0.5) for response, of in sorted(given.items())}
