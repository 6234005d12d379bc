"""What a judge's answers in one display order say, as log-odds and shares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any, Protocol

import numpy as np
from scipy import special

from annotation.domain.consensus import BOTH_BAD, TIE
from annotation.domain.ranking import Ranking
from annotation.domain.verdicts import Floats
from annotation.domain.vocabulary import Outcome

CLIP = 1e-4  # the closest to 0 and 1 that a probability is taken at its word


class Answer(Protocol):
    """What is read of an answer; see `combining.Answered`."""

    @property
    def order(self) -> int: ...
    @property
    def shown(self) -> tuple[int, ...]: ...
    @property
    def outcome(self) -> str: ...
    @property
    def ranking(self) -> Ranking: ...
    @property
    def chances(self) -> Mapping[Any, float] | None: ...


@dataclass(frozen=True)
class OrderTally:
    """The answers in one display order.

    Attributes:
        n: how many there are.
        odds: (k, k) log-odds of each response before each other, in stored order; antisymmetric.
        beside: shares of "tie" and "both_bad", in [0, 1], 0 where nobody says so.
    """

    order: int
    shown: tuple[int, ...]
    n: int
    odds: Floats
    beside: dict[str, float]


def tally_of(responses: Sequence[int], answers: Sequence[Answer], n_kinds: int) -> OrderTally:
    """Add up the answers in one order.

    Args:
        responses: the k compared, in stored order.
        answers: at least one, all in the same order.
        n_kinds: how many verdicts are possible, for the prior of the shares.
    Returns:
        From probabilities where the responses are two and every answer has them, else from counts.
    """
    first = answers[0]
    told = [answer.chances for answer in answers if answer.chances is not None]
    if len(responses) == 2 and len(told) == len(answers):
        odds, beside = odds_of_chances(responses, told)
    else:
        odds, beside = odds_of_counts(responses, answers, n_kinds)
    return OrderTally(first.order, tuple(first.shown), len(answers), odds, beside)


def odds_of_chances(
    responses: Sequence[int], told: Sequence[Mapping[Any, float]]
) -> tuple[Floats, dict[str, float]]:
    """From probabilities of the verdicts on a pair, one mapping for each sample.

    What is given to the two responses is renormalised and clipped to [1e-4, 1 - 1e-4]; 0 where
    neither has any.
    """
    first, second = responses
    logits, ties, bads = [], [], []
    for chances in told:
        a, b = chances.get(first, 0.0), chances.get(second, 0.0)
        tie, bad = chances.get(TIE, 0.0), chances.get(BOTH_BAD, 0.0)
        total = a + b + tie + bad
        logits.append(clipped_logit(a / (a + b)) if a + b > 0 else 0.0)
        ties.append(tie / total if total > 0 else 0.0)
        bads.append(bad / total if total > 0 else 0.0)
    d = fsum(logits) / len(logits)
    beside = {TIE: fsum(ties) / len(ties), BOTH_BAD: fsum(bads) / len(bads)}
    return np.array([[0.0, d], [-d, 0.0]]), beside


def clipped_logit(p: float) -> float:
    return float(special.logit(min(max(p, CLIP), 1 - CLIP)))


def odds_of_counts(
    responses: Sequence[int], answers: Sequence[Answer], n_kinds: int
) -> tuple[Floats, dict[str, float]]:
    """From how often each response is put before each other; ties within a ranking count half.

    With a of n answers that place them, the log-odds are those of (a + 1/2) / (n + 1). Answers that
    tie all responses, or call all bad, place none; their share is (a + 1/2) / (n + K/2), with K the
    kinds of verdicts, and 0 where there are none.

    Source: Jeffreys' prior for a proportion and for shares (Beta(1/2, 1/2) and its like).
    """
    place = {response: index for index, response in enumerate(responses)}
    k = len(responses)
    wins, n_placing = np.zeros((k, k)), 0
    n_beside = {TIE: 0, BOTH_BAD: 0}
    for answer in answers:
        if answer.outcome == Outcome.BOTH_BAD:
            n_beside[BOTH_BAD] += 1
        elif len(answer.ranking) == 1:
            n_beside[TIE] += 1
        else:
            wins += wins_of(answer.ranking, place, k)
            n_placing += 1
    odds = special.logit((wins + 0.5) / (n_placing + 1))
    np.fill_diagonal(odds, 0.0)
    total = len(answers) + n_kinds / 2
    return odds, {kind: (n + 0.5) / total if n else 0.0 for kind, n in n_beside.items()}


def wins_of(ranking: Ranking, place: Mapping[int, int], k: int) -> Floats:
    """(k, k): 1 where the row's response is put before the column's, 1/2 where they are tied."""
    tiers = np.zeros(k)
    for number, tier in enumerate(ranking):
        for response in tier:
            tiers[place[response]] = number
    before = tiers[:, None] < tiers[None, :]
    return before + 0.5 * (tiers[:, None] == tiers[None, :])
