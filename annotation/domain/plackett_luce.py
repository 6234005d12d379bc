"""Plackett-Luce with ties: scores from rankings of two or more items, whole or partial.

A ranking is read from the top: of the items still there, a set S is chosen with probability
proportional to delta_|S| times the geometric mean of its items' worths exp(t). Sets of up to
`max_tie` items can be chosen; delta_1 = 1. Two items give Davidson's model with delta = delta_2.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from math import comb, exp

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from annotation.domain.bradley_terry import PRIOR_SD
from annotation.domain.comparisons import Floats, Ints
from annotation.domain.davidson import TIE_PRIOR_SD
from annotation.domain.errors import DomainError
from annotation.domain.newton import find_mode

MAX_TIE = 4
MAX_SETS = 5_000  # sets that one choice may be made from; 31 items with ties of up to 3

Tiers = Sequence[Sequence[int]]


class BadRankings(DomainError):
    """A ranking names an item twice, an unknown one, or ties too many."""

    code = "bad_rankings"


@dataclass(frozen=True, slots=True, eq=False)
class Worths:
    """Scores of n items from rankings, and how they were obtained.

    Attributes:
        scores: (n,) in logits, sum 0.
        covariance: (n, n) on the sum-zero subspace.
        deltas: (max_tie - 1,) propensities to tie 2, 3, … items, > 0; empty where nothing ties.
        log_delta_se: (max_tie - 1,) standard errors of their logarithms.
        log_likelihood: of the rankings, prior left out; <= 0.
        component: (n,) number of the group of items linked by rankings. n_components: how many.
        is_separable: without a prior some score would be infinite.
        n_iterations, has_converged: how Newton's method went.
    """

    scores: Floats
    covariance: Floats
    deltas: Floats
    log_delta_se: Floats
    log_likelihood: float
    component: Ints
    n_components: int
    is_separable: bool
    n_iterations: int
    has_converged: bool


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """All choices made from m items: those items, (C, m), and which set was taken, (C,)."""

    items: Ints
    taken: Ints


def fit(
    rankings: Sequence[Tiers],
    n_items: int,
    *,
    rest: Sequence[Sequence[int]] | None = None,
    max_tie: int | None = None,
    prior_sd: float = PRIOR_SD,
    tie_prior_sd: float = TIE_PRIOR_SD,
) -> Worths:
    """Estimate worths from rankings.

    Args:
        rankings: tiers of item numbers in [0, n_items), best first; a ranking need not name all
            items, and those it leaves out say nothing.
        n_items: number of items.
        rest: for each ranking, items known to be below its tiers in unknown order, as in "the
            best three of nine"; None where there are none.
        max_tie: largest set that may be chosen together, 1 to `MAX_TIE`; None takes the largest
            tier that occurs. The cost of a choice among m items is the sum of C(m, d) over d.
        prior_sd, tie_prior_sd: of the normal priors on scores and on log(delta), logits.
    Returns:
        The posterior mode. Without rankings all scores are 0.
    Raises:
        BadRankings: see the class, or a choice is from more than `MAX_SETS` sets.

    Source: Turner, van Etten, Firth and Kosmidis (2020), Modelling rankings in R: the
    PlackettLuce package; Newton's method on the log posterior, which is concave.
    """
    below: Sequence[Sequence[int]] = rest if rest is not None else [()] * len(rankings)
    largest = check_rankings(rankings, below, n_items, max_tie)
    choices = choices_of(rankings, below)
    precision = np.full(n_items + largest - 1, prior_sd**-2)
    precision[n_items:] = tie_prior_sd**-2
    mode = find_mode(lambda theta: slopes(choices, theta, n_items)[:2], precision, n_items)
    component, n_components, is_separable = linked(rankings, below, n_items)
    return Worths(
        scores=mode.theta[:n_items],
        covariance=mode.covariance[:n_items, :n_items],
        deltas=np.exp(mode.theta[n_items:]),
        log_delta_se=np.sqrt(np.diag(mode.covariance)[n_items:]),
        log_likelihood=slopes(choices, mode.theta, n_items)[2],
        component=component,
        n_components=n_components,
        is_separable=is_separable,
        n_iterations=mode.n_iterations,
        has_converged=mode.has_converged,
    )


def probability(tiers: Tiers, scores: Floats, deltas: Floats) -> float:
    """Probability of one ranking of exactly the items it names.

    Args:
        tiers: item numbers, best tier first. scores: (n,) logits. deltas: (max_tie - 1,), for
            ties of 2, 3, … items.
    Returns:
        In (0, 1]. Over all rankings of the same items with ties of up to max_tie it adds up to
        one. Of no items: 1.
    Raises:
        BadRankings: see the class.
    """
    max_tie = len(deltas) + 1
    check_rankings([tiers], [()], len(scores), max_tie)
    theta = np.concatenate([scores, np.log(deltas)])
    return exp(slopes(choices_of([tiers], [()]), theta, len(scores))[2])


def check_rankings(
    rankings: Sequence[Tiers],
    rest: Sequence[Sequence[int]],
    n_items: int,
    max_tie: int | None,
) -> int:
    """Find the largest tie to allow for, and refuse rankings that make no sense.

    Raises:
        BadRankings: see the class; or `rest` does not match `rankings`.
    """
    if len(rest) != len(rankings):
        raise BadRankings("There are not as many rests as rankings.", field="rest")
    largest = max((len(tier) for tiers in rankings for tier in tiers), default=1)
    allowed = min(max_tie or MAX_TIE, MAX_TIE)
    if largest > allowed:
        raise BadRankings(f"A tier ties {largest} items; at most {allowed} can be tied.")
    for tiers, below in zip(rankings, rest, strict=True):
        named = [*(item for tier in tiers for item in tier), *below]
        if len(set(named)) != len(named) or not all(tiers):
            raise BadRankings("A ranking names an item twice, or has an empty tier.")
        if named and not 0 <= min(named) <= max(named) < n_items:
            raise BadRankings(f"A ranking names an item outside 0 to {n_items - 1}.")
    return max_tie or largest


def choices_of(rankings: Sequence[Tiers], rest: Sequence[Sequence[int]]) -> dict[int, Choices]:
    """Break rankings into choices, grouped by how many items could be chosen.

    Inside a choice, the items taken are put first, so that it is told by their number alone.
    """
    items: dict[int, list[list[int]]] = defaultdict(list)
    taken: dict[int, list[int]] = defaultdict(list)
    for tiers, below in zip(rankings, rest, strict=True):
        left = [*(item for tier in tiers for item in tier), *below]
        for tier in tiers:
            if len(left) > 1:  # the last one left is no choice
                items[len(left)].append(left)
                taken[len(left)].append(first_set(len(left), len(tier)))
            left = left[len(tier) :]
    return {m: Choices(np.array(items[m]), np.array(taken[m])) for m in items}


def first_set(m: int, size: int) -> int:
    """Index, in the order of `sets_of`, of the set of the first `size` of m items."""
    return sum(comb(m, d) for d in range(1, size))


@cache
def sets_of(m: int, max_tie: int) -> Floats:
    """Describe every set that can be chosen from m items, by size, then in order.

    Returns:
        (sets, m + max_tie - 1): a set's row has 1/|S| at its members and then a one at m + |S| - 2
        where |S| > 1, so that its log odds are the row times (t of the items, log deltas).
    Raises:
        BadRankings: there are more than `MAX_SETS`.
    """
    if sum(comb(m, d) for d in range(1, min(max_tie, m) + 1)) > MAX_SETS:
        raise BadRankings(f"Ties of up to {max_tie} among {m} items are too many to weigh.")
    rows = []
    for size in range(1, min(max_tie, m) + 1):
        for members in combinations(range(m), size):
            row = np.zeros(m + max_tie - 1)
            row[list(members)] = 1 / size
            if size > 1:
                row[m + size - 2] = 1
            rows.append(row)
    return np.array(rows)


def slopes(
    choices: dict[int, Choices], theta: Floats, n_items: int
) -> tuple[Floats, Floats, float]:
    """Gradient of the log likelihood, minus its Hessian, and its value.

    Each choice is a softmax over sets: the gradient is the row of the set taken minus the mean
    row, the Hessian minus the covariance of the rows.

    Args:
        theta: (n_items + max_tie - 1,): scores, then log deltas.
    Returns:
        (p,), (p, p) positive semi-definite, and a number <= 0.
    """
    p, n_ties = len(theta), len(theta) - n_items
    gradient, curvature, log_likelihood = np.zeros(p), np.zeros((p, p)), 0.0
    for m, group in choices.items():
        sets = sets_of(m, n_ties + 1)
        ties = np.broadcast_to(np.arange(n_items, p), (len(group.items), n_ties))
        where = np.concatenate([group.items, ties], axis=1)
        log_p = theta[where] @ sets.T
        log_p -= log_p.max(1, keepdims=True)
        log_p -= np.log(np.exp(log_p).sum(1, keepdims=True))
        log_likelihood += log_p[np.arange(len(log_p)), group.taken].sum()
        shares = np.exp(log_p)
        mean = shares @ sets
        gradient += np.bincount(where.ravel(), (sets[group.taken] - mean).ravel(), p)
        products = (sets[:, :, None] * sets[:, None, :]).reshape(len(sets), -1)
        spread = shares @ products - (mean[:, :, None] * mean[:, None, :]).reshape(len(mean), -1)
        cells = where[:, :, None] * p + where[:, None, :]
        curvature += np.bincount(cells.ravel(), spread.ravel(), p * p).reshape(p, p)
    return gradient, curvature, float(log_likelihood)


def linked(
    rankings: Sequence[Tiers], rest: Sequence[Sequence[int]], n_items: int
) -> tuple[Ints, int, bool]:
    """Find the groups of items that rankings link, as `bradley_terry.components` does."""
    edges = []
    for tiers, below in zip(rankings, rest, strict=True):
        ladder = [*tiers, below] if below else list(tiers)
        for tier, next_tier in zip(ladder, ladder[1:], strict=False):
            edges += [(better, worse) for better in tier for worse in next_tier]
        for tier in tiers:
            edges += [(i, j) for i in tier for j in tier if i != j]
    rows, columns = np.array(edges or np.empty((0, 2)), dtype=np.int64).T
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(n_items, n_items)).tocsr()
    n_linked, component = connected_components(graph, directed=False)
    n_strong, _ = connected_components(graph, directed=True, connection="strong")
    return component.astype(np.int64), int(n_linked), bool(n_strong > n_linked)
