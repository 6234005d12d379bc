import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.domain.routing.expected import Trust
from curation.domain.routing.simulation import ROUTES, Plan, Work, changes_of, simulate, spread
from curation.domain.vocabulary import Route

PLACE = {route: place for place, route in enumerate(ROUTES)}


def plan_of(routes, rule=None, overlap=None, explored=(), audited=()):
    """A plan with one LLM judge; people judge once, twice where they are experts."""
    n = len(routes)
    people = {Route.HUMAN: 1, Route.EXPERT: 2, Route.BOTH: 1}
    asks = [[route in (Route.JUDGE, Route.BOTH)] for route in routes]
    return Plan(
        route=np.array([PLACE[route] for route in routes], dtype=np.int64),
        rule=np.zeros(n, dtype=np.int64) if rule is None else np.array(rule),
        overlap=np.array(overlap or [people.get(route, 0) for route in routes], dtype=np.int64),
        judges=np.array(asks, dtype=bool).reshape(n, 1),
        is_explored=np.isin(np.arange(n), explored),
        is_audited=np.isin(np.arange(n), audited),
    )


def work_of(n, taken=0, free=0, asked=()):
    return Work(
        minutes=np.full(n, 2.0),
        n_taken=np.full(n, taken),
        n_free=np.full(n, free),
        is_asked=np.isin(np.arange(n), asked).reshape(n, 1),
        cost=np.full((n, 1), 150.0),
        n_requests=np.array([2]),
    )


def trust_of(n, judges=0.9):
    return Trust(0.8, 0, np.full(n, judges), 0)


MIXED = [Route.HUMAN, Route.JUDGE, Route.JUDGE, Route.EXPERT, Route.SKIP]


class TestSimulate:
    def test_counts_who_gets_how_much(self):
        plan = plan_of(MIXED, explored=[0])

        told = simulate(plan, plan, work_of(5), trust_of(5))

        assert {row["route"]: (row["n"], row["share"]) for row in told["routes"]} == {
            "human": (1, 0.2), "expert": (1, 0.2), "judge": (2, 0.4), "both": (0, 0.0),
            "skip": (1, 0.2),
        }  # fmt: skip
        assert told["people"] == {
            "judgments": 3, "still_wanted": 3, "minutes": 6.0, "explored": 1, "audited": 0,
        }  # fmt: skip
        assert told["judges"] == [
            {"comparisons": 2, "still_wanted": 2, "requests": 4, "money": 300}
        ]

    def test_costs_nothing_for_what_was_asked_or_judged_already(self):
        plan = plan_of(MIXED)

        told = simulate(plan, plan, work_of(5, taken=1, asked=[1]), trust_of(5))

        assert (told["people"]["judgments"], told["people"]["still_wanted"]) == (3, 1)
        assert (told["judges"][0]["requests"], told["judges"][0]["money"]) == (2, 150)

    def test_expects_the_quality_of_what_is_judged(self):
        plan = plan_of(MIXED)

        told = simulate(plan, plan, work_of(5), trust_of(5))

        assert told["quality"]["mean"] == pytest.approx((0.8 + 0.9 + 0.9 + 0.8) / 4)
        assert (told["quality"]["n"], told["quality"]["n_unknown"]) == (4, 0)

    def test_says_how_many_labels_nobody_can_foretell(self):
        plan = plan_of(MIXED)

        told = simulate(plan, plan, work_of(5), trust_of(5, judges=np.nan))

        assert (told["quality"]["n"], told["quality"]["n_unknown"]) == (2, 2)

    def test_lists_rules_in_their_order_and_the_default_last(self):
        plan = plan_of(MIXED, rule=[0, 2, 0, 1, 1])

        rows = simulate(plan, plan, work_of(5), trust_of(5))["rules"]

        assert [(row["rule"], row["route"], row["places"]) for row in rows] == [
            (1, "expert", [3]), (1, "skip", [4]), (2, "judge", [1]),
            (None, "human", [0]), (None, "judge", [2]),
        ]  # fmt: skip

    def test_tells_the_plan_before_beside_it(self):
        before = plan_of([Route.HUMAN] * 5)

        told = simulate(plan_of(MIXED), before, work_of(5), trust_of(5))

        assert told["before"]["people"]["judgments"] == 5
        assert told["before"]["quality"]["mean"] == pytest.approx(0.8)

    def test_makes_sense_of_no_comparisons_at_all(self):
        plan = plan_of([])

        told = simulate(plan, plan, work_of(0), trust_of(0))

        assert (told["n"], told["rules"], told["quality"]["mean"]) == (0, [], None)

    def test_is_json(self):
        plan = plan_of(MIXED)

        told = simulate(plan, plan, work_of(5), trust_of(5))

        assert json.loads(json.dumps(told, allow_nan=False)) == told


class TestChanges:
    def test_tell_from_which_route_to_which(self):
        found = changes_of(plan_of(MIXED), plan_of([Route.HUMAN] * 5), work_of(5))

        assert found["moves"] == [
            {"from": "human", "to": "human", "n": 1},
            {"from": "human", "to": "expert", "n": 1},
            {"from": "human", "to": "judge", "n": 2},
            {"from": "human", "to": "skip", "n": 1},
        ]
        assert found["moved"] == 4

    def test_open_what_is_missing_and_close_what_nobody_has_taken(self):
        plan = plan_of([Route.EXPERT, Route.JUDGE, Route.SKIP])

        found = changes_of(plan, plan, work_of(3, taken=1, free=0))

        assert (found["opened"], found["closed"]) == (1, 0)

        found = changes_of(plan, plan, work_of(3, taken=0, free=3))

        assert (found["opened"], found["closed"]) == (0, 7)

    @given(st.lists(st.tuples(*[st.integers(0, 6)] * 3), min_size=1, max_size=20))
    def test_leave_the_wanted_number_of_slots_unless_more_are_taken(self, rows):
        overlap, taken, free = (list(one) for one in zip(*rows, strict=True))
        plan = plan_of([Route.HUMAN] * len(rows), overlap=overlap)
        n_slots = work_of(len(rows))
        work = Work(n_slots.minutes, np.array(taken), np.array(free), n_slots.is_asked,
                    n_slots.cost, n_slots.n_requests)  # fmt: skip

        found = changes_of(plan, plan, work)

        wanted = sum(max(w, t) for w, t, _ in rows)
        assert sum(taken) + sum(free) + found["opened"] - found["closed"] == wanted


class TestSpread:
    def test_takes_a_few_places_far_apart(self):
        assert spread(np.arange(100)) == [0, 25, 50, 74, 99]
        assert spread(np.array([7, 9])) == [7, 9]
        assert spread(np.array([], dtype=int)) == []
