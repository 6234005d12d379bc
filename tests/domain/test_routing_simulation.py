import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.domain.routing.deciding import ROUTES, decide
from curation.domain.routing.expected import Trust
from curation.domain.routing.facts import Facts
from curation.domain.routing.plans import Plan, Price, Work, costs_of, plan_of, unrouted
from curation.domain.routing.policy import policy_from_json
from curation.domain.routing.simulation import changes_of, simulate, spread
from curation.domain.vocabulary import Route

PLACE = {route: place for place, route in enumerate(ROUTES)}


def made(routes, rule=None, overlap=None, explored=(), audited=()):
    """A plan with one LLM judge; people judge once, twice where they are experts."""
    n = len(routes)
    people = {Route.HUMAN: 1, Route.EXPERT: 2, Route.BOTH: 1}
    asks = [[route in (Route.JUDGE, Route.BOTH)] for route in routes]
    return Plan(
        names={-1: "learned", 0: "default", 1: "first", 2: "second"},
        route=np.array([PLACE[route] for route in routes], dtype=np.int64),
        rule=np.zeros(n, dtype=np.int64) if rule is None else np.array(rule),
        overlap=np.array(overlap or [people.get(route, 0) for route in routes], dtype=np.int64),
        judges=np.array(asks, dtype=bool).reshape(n, 1),
        is_explored=np.isin(np.arange(n), explored),
        is_audited=np.isin(np.arange(n), audited),
        is_turned=np.zeros(n, dtype=bool),
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
        plan = made(MIXED, explored=[0])

        told = simulate(plan, plan, work_of(5), trust_of(5))

        assert {row["route"]: (row["n"], row["share"]) for row in told["routes"]} == {
            "human": (1, 0.2), "expert": (1, 0.2), "judge": (2, 0.4), "both": (0, 0.0),
            "skip": (1, 0.2),
        }  # fmt: skip
        assert told["people"] == {
            "judgments": 3, "still_wanted": 3, "minutes": 6.0, "explored": 1, "audited": 0,
            "turned": 0,
        }  # fmt: skip
        assert told["judges"] == [
            {"comparisons": 2, "still_wanted": 2, "requests": 4, "money": 300}
        ]

    def test_costs_nothing_for_what_was_asked_or_judged_already(self):
        plan = made(MIXED)

        told = simulate(plan, plan, work_of(5, taken=1, asked=[1]), trust_of(5))

        assert (told["people"]["judgments"], told["people"]["still_wanted"]) == (3, 1)
        assert (told["judges"][0]["requests"], told["judges"][0]["money"]) == (2, 150)

    def test_expects_the_quality_of_what_is_judged(self):
        plan = made(MIXED)

        told = simulate(plan, plan, work_of(5), trust_of(5))

        assert told["quality"]["mean"] == pytest.approx((0.8 + 0.9 + 0.9 + 0.8) / 4)
        assert (told["quality"]["n"], told["quality"]["n_unknown"]) == (4, 0)

    def test_says_how_many_labels_nobody_can_foretell(self):
        plan = made(MIXED)

        told = simulate(plan, plan, work_of(5), trust_of(5, judges=np.nan))

        assert (told["quality"]["n"], told["quality"]["n_unknown"]) == (2, 2)

    def test_lists_rules_in_their_order_and_the_default_last(self):
        plan = made(MIXED, rule=[0, 2, -1, 1, 1])

        rows = simulate(plan, plan, work_of(5), trust_of(5))["rules"]

        told = [(row["rule"], row["name"], row["route"], row["places"]) for row in rows]
        assert told == [
            (1, "first", "expert", [3]), (1, "first", "skip", [4]), (2, "second", "judge", [1]),
            (None, "learned", "judge", [2]), (None, "default", "human", [0]),
        ]  # fmt: skip

    def test_tells_the_plan_before_beside_it(self):
        before = made([Route.HUMAN] * 5)

        told = simulate(made(MIXED), before, work_of(5), trust_of(5))

        assert told["before"]["people"]["judgments"] == 5
        assert told["before"]["quality"]["mean"] == pytest.approx(0.8)

    def test_makes_sense_of_no_comparisons_at_all(self):
        plan = made([])

        told = simulate(plan, plan, work_of(0), trust_of(0))

        assert (told["n"], told["rules"], told["quality"]["mean"]) == (0, [], None)

    def test_is_json(self):
        plan = made(MIXED)

        told = simulate(plan, plan, work_of(5), trust_of(5))

        assert json.loads(json.dumps(told, allow_nan=False)) == told


class TestChanges:
    def test_tell_from_which_route_to_which(self):
        found = changes_of(made(MIXED), made([Route.HUMAN] * 5), work_of(5))

        assert found["moves"] == [
            {"from": "human", "to": "human", "n": 1},
            {"from": "human", "to": "expert", "n": 1},
            {"from": "human", "to": "judge", "n": 2},
            {"from": "human", "to": "skip", "n": 1},
        ]
        assert found["moved"] == 4

    def test_open_what_is_missing_and_close_what_nobody_has_taken(self):
        plan = made([Route.EXPERT, Route.JUDGE, Route.SKIP])

        found = changes_of(plan, plan, work_of(3, taken=1, free=0))

        assert (found["opened"], found["closed"]) == (1, 0)

        found = changes_of(plan, plan, work_of(3, taken=0, free=3))

        assert (found["opened"], found["closed"]) == (0, 7)

    @given(st.lists(st.tuples(*[st.integers(0, 6)] * 3), min_size=1, max_size=20))
    def test_leave_the_wanted_number_of_slots_unless_more_are_taken(self, rows):
        overlap, taken, free = (list(one) for one in zip(*rows, strict=True))
        plan = made([Route.HUMAN] * len(rows), overlap=overlap)
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


class TestPlanOf:
    POLICY = policy_from_json(
        {
            "rules": [
                {
                    "name": "hard",
                    "when": {"fact": "difficulty", "is": ">", "value": 0.5},
                    "route": {"route": "expert", "overlap": 3},
                }
            ],
            "default": {"route": "judge", "judges": ["strict 1"], "overlap": 2},
            "audit_share": 0.5,
        }
    )

    def decided(self, difficulties):
        ids = np.arange(len(difficulties))
        return decide(self.POLICY, Facts(ids, {"difficulty": np.array(difficulties)}), seed=1)

    def test_asks_the_judges_of_the_route_and_the_people_of_the_audit(self):
        decided = self.decided([0.9, *[0.1] * 40])

        plan = plan_of(decided, ["mild 1", "strict 1"])

        assert plan.judges[0].tolist() == [False, False]
        assert plan.judges[1:].tolist() == [[False, True]] * 40
        assert plan.overlap[0] == 3
        assert plan.overlap[1:].tolist() == [2 if audited else 0 for audited in plan.is_audited[1:]]
        assert 0 < plan.is_audited.sum() < 40

    def test_lays_out_nothing_of_nothing(self):
        assert plan_of(self.decided([]), ["strict 1"]).judges.shape == (0, 1)
        assert plan_of(self.decided([0.1]), []).judges.shape == (1, 0)


class TestUnrouted:
    def test_has_people_judge_everything(self):
        plan = unrouted(3, 2, 1)

        told = simulate(plan, plan, work_of(3), trust_of(3))

        assert (told["people"]["judgments"], told["judges"][0]["requests"]) == (6, 0)


class TestCostsOf:
    def test_count_tokens_of_both_ways_for_each_request(self):
        price = Price(n_requests=2, price_in=3.0, price_out=10.0, tokens_beside=100, tokens_out=50)

        costs = costs_of([price], np.array([400.0, 800.0]))

        assert costs.tolist() == [[2 * (200 * 3 + 500)], [2 * (300 * 3 + 500)]]

    def test_take_the_usual_length_where_none_is_known(self):
        price = Price(1, 1.0, 0.0, 0, 0)

        assert costs_of([price], np.array([400.0, np.nan, 800.0])).ravel().tolist() == [
            100,
            150,
            200,
        ]
        assert costs_of([price], np.array([np.nan])).tolist() == [[0.0]]
        assert costs_of([], np.array([1.0])).shape == (1, 0)
