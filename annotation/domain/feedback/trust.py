"""How far to trust feedback of a kind: how often it says what people said who were asked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import fsum, log

import numpy as np
from scipy.stats import beta

from annotation.domain.verdicts import Bools, Ints
from annotation.domain.vocabulary import FeedbackKind

JEFFREYS = 0.5
CONFIDENCE = 0.95
FEWEST_OF_ONE = 5.0  # anchors of one user that always count in full
MOST_OF_ONE = 0.1  # of all anchors: what one user may count beyond that
DECIMALS = 6
CERTAIN = 0.99  # however many users say the same, it stays feedback


@dataclass(frozen=True, slots=True)
class Trust:
    """How likely an implied preference is right: posterior mean in (0, 1) and its 95 % interval.

    `n_anchors` are the implied preferences on comparisons that people judged too; `n_right` is the
    weight of those that people confirm, `effective_n` the weight of all.
    """

    n_anchors: int
    n_users: int
    effective_n: float
    n_right: float
    weight: float
    low: float
    high: float


def trust_of(users: Ints, right: Bools) -> Trust:
    """Estimate P(right) from n anchors, whoever gave most of them.

    Each user speaks with their own rate, and counts as at most max(5, n / 10) anchors; with r the
    weight of the right ones among w, the posterior is Beta(r + 1/2, w - r + 1/2).

    Args:
        users: (n,) who gave each implied preference.
        right: (n,) whether people prefer the same.

    Returns:
        Without anchors the prior: weight 0.5, from 0 to 1 nearly.

    Source: Jeffreys' prior for a proportion; Brown, Cai & DasGupta (2001), Interval estimation for
    a binomial proportion, section 4.1.2.
    """
    n = len(users)
    _, place, counts = np.unique(users, return_inverse=True, return_counts=True)
    most = max(FEWEST_OF_ONE, MOST_OF_ONE * n)
    worth = (np.minimum(counts, most) / counts)[place] if n else np.empty(0)
    total, good = fsum(worth), fsum(worth[right])
    posterior = beta(good + JEFFREYS, max(total - good, 0.0) + JEFFREYS)
    low, high = posterior.interval(CONFIDENCE)
    return Trust(
        n_anchors=n,
        n_users=len(counts),
        effective_n=round(total, DECIMALS),
        n_right=round(good, DECIMALS),
        weight=round(float(posterior.mean()), DECIMALS),
        low=round(float(low), DECIMALS),
        high=round(float(high), DECIMALS),
    )


@dataclass(frozen=True, slots=True)
class Hint:
    """A weak judgment on a pair: by whom, of which kind, and whether it is for the first."""

    user: int
    kind: FeedbackKind
    is_first: bool


def probability_of_first(
    hints: Iterable[Hint], weights: Mapping[FeedbackKind, float]
) -> float | None:
    """Add up weak judgments on a pair: how likely the first response is better, by them alone.

    Each user counts once, with the kind of feedback of theirs that is trusted most; users are taken
    as independent, so their log-odds add up. A kind without a weight says nothing.

    Args:
        weights: P(right) of each kind, in (0, 1).

    Returns:
        From 0.01 to 0.99, rounded; None without weak judgments.
    """
    by_user: dict[int, float] = {}
    seen = False
    for hint in hints:
        seen = True
        weight = min(max(weights.get(hint.kind, 0.5), 1 - CERTAIN), CERTAIN)
        odds = log(weight / (1 - weight)) * (1 if hint.is_first else -1)
        before = by_user.get(hint.user, 0.0)
        by_user[hint.user] = max(before, odds, key=lambda one: (abs(one), one))
    if not seen:
        return None
    p = 1 / (1 + np.exp(-fsum(by_user.values())))
    return round(float(np.clip(p, 1 - CERTAIN, CERTAIN)), DECIMALS)
