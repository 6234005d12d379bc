"""Decides who judges each comparison under a policy, with the propensity of every decision."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.domain.routing.conditions import holds
from curation.domain.routing.draws import draws_of
from curation.domain.routing.facts import Facts
from curation.domain.routing.learned import LearnedChances, route_by_utility, threshold_for
from curation.domain.routing.policy import (
    DEFAULT_NAME,
    LEARNED_NAME,
    Learned,
    Policy,
    RouteTo,
)
from curation.domain.vocabulary import Route

ROUTES = tuple(Route)  # a route's code is its place here
CODES = {route: np.int8(place) for place, route in enumerate(ROUTES)}
DEFAULT, LEARNED = 0, -1  # in the place of a rule's number
JUDGE, BOTH, HUMAN, SKIP = (CODES[r] for r in (Route.JUDGE, Route.BOTH, Route.HUMAN, Route.SKIP))
LONGEST_SLICE = 100
AUDIT, EXPLORE = "audit", "explore"


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """What a policy decides about n comparisons, in the order of the facts.

    Attributes:
        ids: (n,) of the comparisons.
        route: (n,) int8, places in `ROUTES`.
        rule: (n,) int16, the rule's place from 1, else `DEFAULT` or `LEARNED`.
        propensity: (n,) probability in [0, 1] with which a person was to judge it.
        explored: (n,) whether chance alone sent it to people, to learn from.
        audited: (n,) whether a person judges it too, so that the judges' errors are known.
        turned: (n,) whether people judge it because the guard turned its slice to them.
        slice: (n,) name of the slice as text: its rule, with the value that the policy slices by.
    """

    policy: Policy
    ids: NDArray[np.int64]
    route: NDArray[np.int8]
    rule: NDArray[np.int16]
    propensity: NDArray[np.float64]
    explored: NDArray[np.bool_]
    audited: NDArray[np.bool_]
    turned: NDArray[np.bool_]
    slice: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.ids)

    def route_to(self, place: int) -> RouteTo:
        """Where one comparison goes, with only what its route needs."""
        base = self.policy.routes[max(int(self.rule[place]), DEFAULT)]
        route = ROUTES[self.route[place]]
        return RouteTo(
            route,
            base.overlap,
            base.judges if route in (Route.JUDGE, Route.BOTH) else (),
            base.expertise if route == Route.EXPERT else "",
            base.rank,
        )

    def people(self) -> NDArray[np.int64]:
        """How many people are to judge each comparison, shape (n,); 0 where none is."""
        overlaps = np.array([route.overlap for route in self.policy.routes], dtype=np.int64)
        is_theirs = (self.route != JUDGE) & (self.route != SKIP)
        return np.where(is_theirs, overlaps[np.maximum(self.rule, DEFAULT)], 0)


def decide(
    policy: Policy,
    facts: Facts,
    *,
    seed: int,
    turned_slices: Collection[str] = (),
    learned: LearnedChances | None = None,
    threshold: float | None = None,
) -> Decisions:
    """Decide who judges each comparison.

    The first rule whose condition is true decides; else the learned router, if the policy has one;
    else the default. While the learned router has nothing to go by (`learned` is None), chance
    sends its share of the comparisons to people and judges both, so that it can learn where judges
    are right. Of what judges would label alone, chance sends a share to a person too (the audit);
    where the guard turned the slice, people judge instead. Draws are by seed and comparison, so
    that the same facts are always decided alike.

    Args:
        facts: with a column for each of `facts_in(policy)`.
        seed: of all draws; the id of the project.
        turned_slices: names of slices that the guard turned to people.
        learned: in the order of the facts.
        threshold: utility above which the learned router asks people; None finds that at which
            its share of these comparisons goes to people.
    """
    draft = _by_rules(policy, facts)
    if policy.learned:
        _let_learned_decide(draft, policy.learned, facts.ids, seed, learned, threshold)
    route, propensity = draft.route, draft.propensity
    slices = slices_of(policy, facts, draft.rule)
    is_peoples = np.isin(slices.astype(str), sorted(turned_slices))
    turned = (route == JUDGE) & is_peoples
    route[turned] = HUMAN
    propensity[turned | (draft.explored & is_peoples)] = 1.0
    by_chance = (route == JUDGE) | draft.explored
    propensity[by_chance] = 1 - (1 - propensity[by_chance]) * (1 - policy.audit_share)
    audited = (route == JUDGE) & (draws_of(facts.ids, seed, AUDIT) < policy.audit_share)
    route[audited] = BOTH
    return Decisions(
        policy, facts.ids, route, draft.rule, propensity, draft.explored, audited, turned, slices
    )


def rules_for(policy: Policy, facts: Facts) -> NDArray[np.int16]:
    """Which rule decides each comparison: its number from 1, else `LEARNED` or `DEFAULT`."""
    found = np.full(len(facts), LEARNED if policy.learned else DEFAULT, dtype=np.int16)
    is_open = np.ones(len(facts), dtype=np.bool_)
    for number, rule in enumerate(policy.rules, 1):
        is_taken = is_open & holds(rule.condition, facts)
        found[is_taken] = number
        is_open &= ~is_taken
    return found


def threshold_under(policy: Policy, facts: Facts, learned: LearnedChances) -> float:
    """The utility above which the learned router asks people, if these are all comparisons.

    Those whose utility is not known yet do not count. 0 without a learned router.
    """
    if policy.learned is None:
        return 0.0
    return _threshold(policy.learned, learned.utility[rules_for(policy, facts) == LEARNED])


def slices_of(policy: Policy, facts: Facts, rule: NDArray[np.int16]) -> NDArray[np.object_]:
    """The slice of each comparison: the name of what decides it, and the value sliced by."""
    named = [LEARNED_NAME, DEFAULT_NAME, *(one.name for one in policy.rules)]
    names = np.array(named, dtype=object)[rule + 1]
    if not policy.slice_by:
        return names
    values = facts.columns[policy.slice_by].tolist()
    both = [
        f"{name}: {value if isinstance(value, str) else 'unknown'}"[:LONGEST_SLICE].rstrip()
        for name, value in zip(names.tolist(), values, strict=True)
    ]
    return np.array(both, dtype=object)


@dataclass(slots=True, eq=False)
class _Draft:
    """Decisions before the guard and the audit; its arrays are written to."""

    rule: NDArray[np.int16]
    route: NDArray[np.int8]
    propensity: NDArray[np.float64]
    explored: NDArray[np.bool_]


def _by_rules(policy: Policy, facts: Facts) -> _Draft:
    rule = rules_for(policy, facts)
    codes = np.array([CODES[route.route] for route in policy.routes], dtype=np.int8)
    route = codes[np.maximum(rule, DEFAULT)]
    propensity = np.where((route == JUDGE) | (route == SKIP), 0.0, 1.0)
    return _Draft(rule, route, propensity, np.zeros(len(facts), dtype=np.bool_))


def _let_learned_decide(
    draft: _Draft,
    wish: Learned,
    ids: NDArray[np.int64],
    seed: int,
    learned: LearnedChances | None,
    threshold: float | None,
) -> None:
    """Fill in what no rule has decided."""
    places = np.flatnonzero(draft.rule == LEARNED)
    if learned is None:
        utility, explore = np.full(len(places), np.nan), max(wish.human_share, wish.explore)
    else:
        utility, explore = learned.utility[places], wish.explore
    if threshold is None:
        threshold = _threshold(wish, utility)
    draws = draws_of(ids[places], seed, EXPLORE)
    found = route_by_utility(utility, threshold=threshold, explore=explore, draws=draws)
    draft.route[places] = np.where(found.explored, BOTH, np.where(found.to_people, HUMAN, JUDGE))
    draft.propensity[places] = found.propensity
    draft.explored[places] = found.explored


def _threshold(wish: Learned, utility: NDArray[np.float64]) -> float:
    return threshold_for(utility[~np.isnan(utility)], wish.human_share)
