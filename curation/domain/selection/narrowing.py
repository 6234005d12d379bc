"""A large pick under a budget made small: most candidates are in or out whatever else is picked.

The budget is given a price (Lagrange). What is then left to pick is exact by a greedy rule, so the
price that spends the budget is found by bisection and its value bounds every pick. Only candidates
whose worth at that price lies near the border are left to the integer programme.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.domain.selection import programme
from curation.domain.selection.programme import Limits, Places, Scores, Solution

CORE = 1_000  # candidates left to the programme
STEPS = 60  # of the bisection; halves the uncertainty of the price each time
DOUBLINGS = 100  # of the price, until the budget holds

Groups = Sequence[tuple[Places, int]]  # that share nobody


@dataclass(frozen=True)
class _Priced:
    """The best pick at a price: who is in, how far each is from changing sides, the bound."""

    is_in: NDArray[np.bool_]
    margin: Scores
    is_capped: bool
    cost: float
    bound: float


def solve(score: Scores, groups: Groups, limits: Limits, seconds: float) -> Solution:
    """Solve as `programme.solve` does, for separate groups that a number and a budget can hold.

    Up to CORE candidates it is the programme itself. Beyond, the picks are proved best where nobody
    outside the core could change sides within the gap that is left; else the bound says how much
    better a pick could be.
    """
    cost = limits.cost
    if cost is None or len(score) <= CORE:
        return programme.solve(score, groups, limits, seconds)
    free = _at_price(0.0, score, groups, limits, cost)
    if free.cost <= limits.budget:
        return Solution(np.flatnonzero(free.is_in), free.bound, True, False)
    priced = _within_budget(score, groups, limits, cost)
    if priced is None:
        return programme.solve(score, groups, limits, seconds)
    return _finish(priced, score, groups, limits, cost, seconds)


def _within_budget(score: Scores, groups: Groups, limits: Limits, cost: Scores) -> _Priced | None:
    low, high = 0.0, float(np.abs(score).max() / cost.min()) or 1.0
    for _ in range(DOUBLINGS):
        best = _at_price(high, score, groups, limits, cost)
        if best.cost <= limits.budget:
            break
        low, high = high, 2 * high
    else:
        return None
    for _ in range(STEPS):
        middle = (low + high) / 2
        found = _at_price(middle, score, groups, limits, cost)
        if found.cost <= limits.budget:
            high, best = middle, found
        else:
            low = middle
    return best


def _at_price(price: float, score: Scores, groups: Groups, limits: Limits, cost: Scores) -> _Priced:
    """The best of each group up to its floor, then whatever is worth its price, up to n."""
    worth = score - price * cost
    is_in = np.zeros(len(score), dtype=bool)
    border = np.zeros(len(score))
    for members, least in groups:
        if not least:
            continue
        best = members[np.argpartition(-worth[members], least - 1)[:least]]
        is_in[best] = True
        border[members] = min(0.0, float(worth[best].min()))
    spare = limits.n - int(is_in.sum())
    others = np.flatnonzero(~is_in & (worth > 0))
    is_capped = len(others) > spare
    if is_capped:
        others = others[np.argsort(-worth[others], kind="stable")]
        border[border == 0] = worth[others[max(spare - 1, 0)]]
        others = others[:spare]
    is_in[others] = True
    bound = price * limits.budget + float(worth[is_in].sum())
    return _Priced(is_in, np.abs(worth - border), is_capped, float(cost[is_in].sum()), bound)


def _finish(
    priced: _Priced,
    score: Scores,
    groups: Groups,
    limits: Limits,
    cost: Scores,
    seconds: float,
) -> Solution:
    is_core = np.zeros(len(score), dtype=bool)
    is_core[np.argpartition(priced.margin, CORE - 1)[:CORE]] = True
    core, kept = np.flatnonzero(is_core), priced.is_in & ~is_core
    place_of = np.cumsum(is_core) - 1
    inner = [
        (place_of[members[is_core[members]]], max(0, least - int(kept[members].sum())))
        for members, least in groups
    ]
    left = Limits(
        limits.n - int(kept.sum()), cost[core], limits.budget - float(cost[kept].sum()), False
    )
    solved = programme.solve(score[core], inner, left, seconds)
    chosen = core[priced.is_in[core]] if solved.picks is None else core[solved.picks]
    picks = np.sort(np.concatenate([np.flatnonzero(kept), chosen]))
    gap = priced.bound - float(score[picks].sum())
    is_closed = gap <= programme.GAP * abs(priced.bound)
    # Where the number binds too, a floor's pick may be closer to changing sides than its margin.
    is_far = not priced.is_capped and float(priced.margin[~is_core].min()) >= gap
    return Solution(picks, priced.bound, is_closed or (solved.is_optimal and is_far), False)
