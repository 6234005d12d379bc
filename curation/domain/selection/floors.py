"""The best N candidates, or the best that a budget buys, with at least so many of each group.

Unit costs and groups that share nobody are picked exactly by a greedy rule; anything else is a
mixed-integer programme, given to HiGHS, whose bound comes with the answer.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotation.domain.errors import DomainError
from curation.domain.selection import narrowing, programme

Scores = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True)
class Floor:
    """At least `least` of the candidates at the places `members` (distinct) are to be picked."""

    group: str
    members: Places
    least: int


@dataclass(frozen=True)
class Shortfall:
    """A floor that cannot hold, and how many candidates it is short of."""

    group: str
    least: int
    missing: int


class FloorsTooHigh(DomainError):
    """The floors cannot all hold. `shortfalls` names each group at fault and what it lacks."""

    code, status = "floors_too_high", 422

    def __init__(self, detail: str, shortfalls: Sequence[Shortfall]) -> None:
        super().__init__(detail, field="floors")
        self.shortfalls = tuple(shortfalls)


class NoPickFound(DomainError):
    """The time ran out before any pick that keeps the floors was found."""

    code, status = "no_pick_found", 422


@dataclass(frozen=True)
class Chosen:
    """What was picked, and how good that is.

    Attributes:
        picks: places of the candidates, the highest score first.
        forced_by: for each pick the group whose floor put it there, "" where it would have been
            picked without floors too.
        total: sum of the picks' scores.
        free_total: the same without floors; `lost` is the difference, the price of all floors.
        bound: no pick that keeps floors and budget can have a higher total.
        is_exact: whether the total is the best there is, up to the programme's tolerance.
        prices: by group, what the total would gain if its floor were lower by one; unit costs and
            separate groups only, else empty.
    """

    picks: Places
    forced_by: tuple[str, ...]
    total: float
    free_total: float
    bound: float
    is_exact: bool
    prices: Mapping[str, float]

    @property
    def lost(self) -> float:
        return max(0.0, self.free_total - self.total)


def proportional_leasts(sizes: Mapping[str, int], n: int) -> dict[str, int]:
    """Floors in proportion to the groups' sizes, rounded down, so that they always hold.

    Args:
        sizes: candidates of each group.
        n: how many are picked; more than there are counts as all.
    """
    total = sum(sizes.values())
    return {group: min(n, total) * size // total for group, size in sizes.items() if size}


def pick_best(
    score: Scores,
    floors: Sequence[Floor] = (),
    *,
    n: int | None = None,
    cost: Scores | None = None,
    budget: float = math.inf,
    seconds: float = 10.0,
) -> Chosen:
    """Pick candidates with the highest sum of scores under floors, a number, and a budget.

    Args:
        score: shape (c,), finite.
        floors: groups may overlap.
        n: how many to pick, all where there are fewer; None leaves it to the budget. Under a
            budget it is the most.
        cost: shape (c,), above 0, in the unit of the budget; None asks no budget.
        seconds: how long each programme may take where one is needed.
    Returns:
        Fewer than n only where there are not as many or the budget does not buy them.
    Raises:
        FloorsTooHigh: a group has too few candidates, or number or budget do not reach.
        NoPickFound: time ran out.
    """
    n = len(score) if n is None else min(n, len(score))
    refuse_small_groups(floors)
    if cost is None and are_separate(floors, len(score)):
        refuse_too_many(floors, n)
        return _greedy(score, floors, n)
    return _programme(score, floors, n, cost, budget, seconds)


def are_separate(floors: Sequence[Floor], n_candidates: int) -> bool:
    """Whether no candidate is in two groups."""
    members = np.concatenate([floor.members for floor in floors] or [np.empty(0, dtype=np.intp)])
    return not len(members) or int(np.bincount(members, minlength=n_candidates).max()) <= 1


def refuse_small_groups(floors: Sequence[Floor]) -> None:
    """Raises FloorsTooHigh where a group has fewer candidates than its floor wants."""
    short = [
        Shortfall(floor.group, floor.least, floor.least - len(floor.members))
        for floor in floors
        if floor.least > len(floor.members)
    ]
    if short:
        told = "; ".join(
            f"'{one.group}' wants {one.least} and has {one.least - one.missing}" for one in short
        )
        raise FloorsTooHigh(f"A floor asks for more candidates than there are: {told}.", short)


def refuse_too_many(floors: Sequence[Floor], n: int) -> None:
    """Raises FloorsTooHigh where the floors of separate groups add up to more than n."""
    wanted = sum(floor.least for floor in floors)
    if wanted > n:
        highest = max(floors, key=lambda floor: floor.least)
        missing = wanted - n
        raise FloorsTooHigh(
            f"The floors add up to {wanted} and only {n} are picked: lower them by {missing}, "
            f"'{highest.group}' with {highest.least} first, or pick more.",
            [Shortfall(highest.group, highest.least, missing)],
        )


def refuse_too_dear(floors: Sequence[Floor], cost: Scores, budget: float) -> None:
    """Raises FloorsTooHigh where the budget does not buy the floors of separate groups.

    What lacks is what is left to buy after the cheapest were bought first.
    """
    cheapest = [np.sort(cost[floor.members])[: floor.least] for floor in floors]
    owner = np.repeat(np.arange(len(floors)), [len(costs) for costs in cheapest])
    costs = np.concatenate([*cheapest, np.empty(0)])
    order = np.argsort(costs, kind="stable")
    is_left = np.cumsum(costs[order]) > budget
    missing = np.bincount(owner[order][is_left], minlength=len(floors))
    if missing.any():
        raise _too_high(floors, missing.tolist())


def ordered(picks: Places, score: Scores) -> Places:
    """Picks with the highest score first, equal ones by place."""
    return picks[np.lexsort((picks, -score[picks]))]


def forced(picks: Places, free: Places, floors: Sequence[Floor]) -> tuple[str, ...]:
    """For each pick the first group whose floor put it there, "" if it is among the free ones."""
    group_of: dict[int, str] = {}
    for floor in floors:
        for place in np.intersect1d(floor.members, picks) if floor.least else ():
            group_of.setdefault(int(place), floor.group)
    unforced = set(free.tolist())
    return tuple("" if p in unforced else group_of.get(p, "") for p in picks.tolist())


def _greedy(score: Scores, floors: Sequence[Floor], n: int) -> Chosen:
    """The best of each group up to its floor, then the best of the rest.

    Exact by exchange: swapping a pick for another candidate never raises the sum.
    """
    order = np.argsort(-score, kind="stable")
    standing = np.empty(len(score), dtype=np.intp)
    standing[order] = np.arange(len(score))
    is_picked = np.zeros(len(score), dtype=bool)
    for floor in floors:
        best_first = floor.members[np.argsort(standing[floor.members])]
        is_picked[best_first[: floor.least]] = True
    rest = order[~is_picked[order]]
    is_picked[rest[: n - int(is_picked.sum())]] = True
    picks = order[is_picked[order]]
    free = order[:n]
    total = float(score[picks].sum())
    return Chosen(
        picks=picks,
        forced_by=forced(picks, free, floors),
        total=total,
        free_total=float(score[free].sum()),
        bound=total,
        is_exact=True,
        prices=_prices(score, floors, is_picked, order),
    )


def _prices(
    score: Scores, floors: Sequence[Floor], is_picked: NDArray[np.bool_], order: Places
) -> dict[str, float]:
    left_out = order[~is_picked[order]]
    prices = {}
    for floor in floors:
        theirs = floor.members[is_picked[floor.members]]
        is_binding = floor.least and len(theirs) == floor.least and len(left_out)
        gain = score[left_out[0]] - score[theirs].min() if is_binding else 0.0
        prices[floor.group] = max(0.0, float(gain))
    return prices


def _programme(
    score: Scores,
    floors: Sequence[Floor],
    n: int,
    cost: Scores | None,
    budget: float,
    seconds: float,
) -> Chosen:
    limits = programme.Limits(n=n, cost=cost, budget=budget, is_exactly_n=cost is None)
    groups = [(floor.members, floor.least) for floor in floors]
    solve = programme.solve
    if cost is not None and are_separate(floors, len(score)):
        refuse_too_many(floors, n)
        refuse_too_dear(floors, cost, budget)
        solve = narrowing.solve
    solved = solve(score, groups, limits, seconds)
    if solved.is_infeasible:
        raise _too_high(floors, programme.missing(len(score), groups, limits, seconds))
    if solved.picks is None:
        raise NoPickFound("No pick was found in time: lower the floors or raise the budget.")
    free = solve(score, [], limits, seconds) if floors else solved
    free_picks = free.picks if free.picks is not None else solved.picks
    picks = ordered(solved.picks, score)
    total = float(score[picks].sum())
    return Chosen(
        picks=picks,
        forced_by=forced(picks, free_picks, floors),
        total=total,
        free_total=max(total, float(score[free_picks].sum())),
        bound=max(total, solved.bound),
        is_exact=solved.is_optimal,
        prices={},
    )


def _too_high(floors: Sequence[Floor], missing: Sequence[int]) -> FloorsTooHigh:
    short = [
        Shortfall(floor.group, floor.least, lacking)
        for floor, lacking in zip(floors, missing, strict=True)
        if lacking
    ]
    told = "; ".join(f"'{one.group}' wants {one.least}, {one.missing} short" for one in short)
    return FloorsTooHigh(
        f"The floors do not hold together under this number or budget: {told}.", short
    )
