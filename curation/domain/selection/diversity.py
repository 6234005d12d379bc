"""Picks that score well and resemble each other little: maximal marginal relevance, greedily.

Source: Carbonell and Goldstein 1998, with floors per group first. The rule is greedy, not exact;
the bound says how far it can be from the best.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.domain.selection.floors import (
    Floor,
    Scores,
    are_separate,
    pick_best,
    refuse_small_groups,
    refuse_too_dear,
    refuse_too_many,
)

BLOCK = 256  # candidates compared with the picks at first; doubles while that does not decide
MOST_AT_ONCE = 8192  # rows in one product, so at most 8192 x 384 floats beside the vectors


@dataclass(frozen=True)
class Spread:
    """What was picked, in the order of picking.

    Attributes:
        picks: places of the candidates.
        nearest: of each pick the cosine with the most similar earlier one, at least 0.
        forced_by: the group whose floor it was picked for, "" once all floors held.
        total: sum of scores less the penalties.
        bound: no picks that keep number and floors can total more.
    """

    picks: NDArray[np.intp]
    nearest: NDArray[np.float64]
    forced_by: tuple[str, ...]
    total: float
    bound: float


def pick_spread(
    score: Scores,
    vectors: NDArray[np.floating],
    floors: Sequence[Floor] = (),
    *,
    n: int,
    weight: float,
    cost: Scores | None = None,
    budget: float = math.inf,
) -> Spread:
    """Pick again and again whoever has the highest score - weight * cosine with the nearest pick.

    Under a budget it is the highest gain for its cost. Candidates of groups whose floors do not
    hold yet come first. A cosine under 0 counts as 0. Penalties only grow, so a candidate is
    compared with the picks only once it could come next: the picks are those of comparing all.

    Args:
        score: shape (c,), finite; of the order of 1 for weights of that order.
        vectors: shape (c, d), any float type, of length 1, or 0 for who resembles nobody.
        floors: groups that share nobody.
        n: how many to pick at most.
        weight: 0 or more; 0 is the best by score.
        cost, budget: as `pick_best` takes them.
    Raises:
        FloorsTooHigh: a group has too few candidates, or number or budget do not reach.
        ValueError: a candidate is in two groups.
    """
    n = min(n, len(score))
    refuse_small_groups(floors)
    if not are_separate(floors, len(score)):
        raise ValueError("floors of a diverse pick need groups that share nobody")
    refuse_too_many(floors, n)
    prices = np.ones(len(score)) if cost is None else cost
    search = _Search(score, vectors, weight, prices, n)
    purse = _Purse(floors, prices, budget)
    forced_by: list[str] = []
    while len(search.picks) < n:
        place = search.next_of(purse.affordable(search.is_picked))
        if place is None:
            break
        forced_by.append(purse.pay(place))
        search.take(place)
    picks = np.array(search.picks, dtype=np.intp)
    nearest = search.nearest[picks].astype(np.float64)
    return Spread(
        picks=picks,
        nearest=nearest,
        forced_by=tuple(forced_by),
        total=float(score[picks].sum() - weight * nearest.sum()),
        bound=_bound(score, floors, n, cost, budget),
    )


class _Search:
    """Candidates with an upper bound of what each would add, made exact only when it matters."""

    def __init__(
        self,
        score: Scores,
        vectors: NDArray[np.floating],
        weight: float,
        prices: Scores,
        n: int,
    ) -> None:
        self.score, self.vectors, self.weight, self.prices = score, vectors, weight, prices
        self.nearest = np.zeros(len(score), dtype=np.float32)
        self.seen = np.zeros(len(score), dtype=np.intp)  # how many picks `nearest` accounts for
        self.value = self._values(np.arange(len(score)))
        self.is_picked = np.zeros(len(score), dtype=bool)
        self.picks: list[int] = []
        self.chosen = np.empty((n, vectors.shape[1]), dtype=np.float32)

    def next_of(self, is_allowed: NDArray[np.bool_]) -> int | None:
        """The allowed candidate with the highest value, the first of equals; None without any."""
        value = np.where(is_allowed, self.value, -np.inf)
        size = BLOCK
        while True:
            top = int(value.argmax())
            if value[top] == -np.inf:
                return None
            if self.seen[top] == len(self.picks) or not self.weight:
                return top
            stale = self._promising(value, size)
            self._refresh(stale)
            value[stale] = self.value[stale]
            size = min(2 * size, len(value))

    def take(self, place: int) -> None:
        self.chosen[len(self.picks)] = self.vectors[place]
        self.picks.append(place)
        self.is_picked[place] = True

    def _promising(self, value: Scores, size: int) -> NDArray[np.intp]:
        best = (
            np.argpartition(-value, size - 1)[:size] if size < len(value) else np.arange(len(value))
        )
        return best[(self.seen[best] < len(self.picks)) & (value[best] > -np.inf)]

    def _refresh(self, places: NDArray[np.intp]) -> None:
        places = places[np.argsort(self.seen[places], kind="stable")]
        for start in range(0, len(places), MOST_AT_ONCE):
            rows = places[start : start + MOST_AT_ONCE]
            unseen = self.chosen[self.seen[rows[0]] : len(self.picks)]
            cosines = self.vectors[rows].astype(np.float32) @ unseen.T
            self.nearest[rows] = np.maximum(self.nearest[rows], cosines.max(axis=1))
            self.seen[rows] = len(self.picks)
            self.value[rows] = self._values(rows)

    def _values(self, places: NDArray[np.intp]) -> Scores:
        gain = self.score[places] - self.weight * self.nearest[places].astype(np.float64)
        price = self.prices[places]
        return np.where(gain > 0, gain / price, gain * price)


class _Purse:
    """What may be taken next so that the floors and the budget still hold afterwards."""

    def __init__(self, floors: Sequence[Floor], prices: Scores, budget: float) -> None:
        self.floors, self.prices, self.left = floors, prices, budget
        self.group_of = np.full(len(prices), -1)
        for place, floor in enumerate(floors):
            self.group_of[floor.members] = place
        self.needs = np.array([floor.least for floor in floors], dtype=np.intp)
        self.cheapest = [np.sort(prices[floor.members])[: floor.least] for floor in floors]
        refuse_too_dear(floors, prices, budget)

    def reserve(self) -> float:
        """The least that the floors still cost."""
        return float(sum(costs.sum() for costs in self.cheapest))

    def affordable(self, is_picked: NDArray[np.bool_]) -> NDArray[np.bool_]:
        if not self.needs.any():
            return ~is_picked & (self.prices <= self.left)
        unmet = [place for place, need in enumerate(self.needs) if need]
        open_in = {place: self._open_in(place, is_picked) for place in unmet}
        for place, members in open_in.items():
            self.cheapest[place] = np.sort(self.prices[members])[: self.needs[place]]
        spare = self.left - self.reserve()
        is_allowed = np.zeros(len(is_picked), dtype=bool)
        for place, members in open_in.items():
            most = spare + self.cheapest[place][-1]  # in the place of the dearest of the cheapest
            is_allowed[members[self.prices[members] <= most]] = True
        return is_allowed

    def pay(self, place: int) -> str:
        """Take a candidate; returns the group whose floor wanted it, or ""."""
        self.left -= self.prices[place]
        group = self.group_of[place]
        if group < 0 or not self.needs[group]:
            return ""
        self.needs[group] -= 1
        self.cheapest[group] = self.cheapest[group][: self.needs[group]]
        return self.floors[group].group

    def _open_in(self, place: int, is_picked: NDArray[np.bool_]) -> NDArray[np.intp]:
        members = self.floors[place].members
        return members[~is_picked[members]]


def _bound(
    score: Scores, floors: Sequence[Floor], n: int, cost: Scores | None, budget: float
) -> float:
    if cost is None:
        return pick_best(score, floors, n=n).total
    gains = np.clip(score, 0, None)
    order = np.argsort(-gains / cost, kind="stable")
    before = np.cumsum(cost[order]) - cost[order]
    share = np.clip((budget - before) / cost[order], 0, 1)
    return float((gains[order] * share).sum())
