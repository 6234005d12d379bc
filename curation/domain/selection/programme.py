"""Picking as a mixed-integer programme: maximise scores under floors, a number, and a budget."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, milp
from scipy.sparse import csr_array, hstack, identity, vstack

Scores = NDArray[np.float64]
Places = NDArray[np.intp]
Groups = Sequence[tuple[Places, int]]  # members, and at least how many of them

OPTIMAL, INFEASIBLE = 0, 2  # of scipy.optimize.milp
GAP = 1e-6  # relative, at which the search for something better stops


@dataclass(frozen=True)
class Limits:
    """At most `n` picks, exactly as many where `is_exactly_n`, that cost no more than `budget`."""

    n: int
    cost: Scores | None
    budget: float
    is_exactly_n: bool


@dataclass(frozen=True)
class Solution:
    """`picks` ascend, None where none was found in time; no pick totals more than `bound`."""

    picks: Places | None
    bound: float
    is_optimal: bool
    is_infeasible: bool


def solve(score: Scores, groups: Groups, limits: Limits, seconds: float) -> Solution:
    """Find the picks with the highest sum of scores, as far as `seconds` reach.

    Args:
        score: shape (c,), finite.
        groups: may overlap.
    """
    if not len(score):
        lacks = any(least for _, least in groups)
        return Solution(np.empty(0, dtype=np.intp), 0.0, not lacks, lacks)
    result = milp(
        -score,
        integrality=np.ones(len(score)),
        bounds=Bounds(0, 1),
        constraints=_constraints(len(score), groups, limits),
        options={"time_limit": seconds, "mip_rel_gap": GAP},
    )
    dual = getattr(result, "mip_dual_bound", None)
    bound = -dual if dual is not None and math.isfinite(dual) else float(score.clip(0).sum())
    return Solution(
        picks=None if result.x is None else np.flatnonzero(result.x > 0.5),
        bound=bound,
        is_optimal=result.status == OPTIMAL,
        is_infeasible=result.status == INFEASIBLE,
    )


def missing(n_candidates: int, groups: Groups, limits: Limits, seconds: float) -> list[int]:
    """How many picks each group lacks at best, where the floors cannot all hold.

    The least sum over all groups is what is looked for; if time runs out, all of each floor lacks.
    """
    result = _elastic(n_candidates, groups, limits, seconds)
    if result.x is None:
        return [least for _, least in groups]
    return [round(value) for value in result.x[n_candidates:]]


def _elastic(n_candidates: int, groups: Groups, limits: Limits, seconds: float) -> OptimizeResult:
    firm = _constraints(n_candidates, [], limits)
    slack = csr_array((firm.A.shape[0], len(groups)))
    floors = hstack([_memberships(n_candidates, groups), identity(len(groups))])
    return milp(
        np.concatenate([np.zeros(n_candidates), np.ones(len(groups))]),
        integrality=np.ones(n_candidates + len(groups)),
        bounds=Bounds(0, np.concatenate([np.ones(n_candidates), [least for _, least in groups]])),
        constraints=LinearConstraint(
            vstack([hstack([firm.A, slack]), floors]),
            np.concatenate([firm.lb, [least for _, least in groups]]),
            np.concatenate([firm.ub, np.full(len(groups), np.inf)]),
        ),
        options={"time_limit": seconds},
    )


def _constraints(n_candidates: int, groups: Groups, limits: Limits) -> LinearConstraint:
    cost = np.zeros(n_candidates) if limits.cost is None else limits.cost
    rows = vstack(
        [
            csr_array(np.ones((1, n_candidates))),
            csr_array(cost.reshape(1, -1)),
            _memberships(n_candidates, groups),
        ]
    )
    fewest = limits.n if limits.is_exactly_n else 0
    floors = [least for _, least in groups]
    most = [limits.n, limits.budget, *[np.inf] * len(floors)]
    return LinearConstraint(rows, [fewest, -np.inf, *floors], most)


def _memberships(n_candidates: int, groups: Groups) -> csr_array:
    columns = [members for members, _ in groups]
    ends = np.cumsum([0, *map(len, columns)])
    flat = np.concatenate([*columns, np.empty(0, dtype=np.intp)])
    return csr_array((np.ones(len(flat)), flat, ends), shape=(len(groups), n_candidates))
