from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.domain.routing.conditions import AllOf, AnyOf, Not, Test, holds
from curation.domain.routing.deciding import DEFAULT, LEARNED, ROUTES, decide
from curation.domain.routing.draws import draws_of
from curation.domain.routing.facts import Facts
from curation.domain.routing.learned import LearnedChances
from curation.domain.routing.policy import Learned, Policy, RouteTo, Rule
from curation.domain.vocabulary import Route

TO_JUDGES = RouteTo(Route.JUDGE, 2, ("strict 1",))
HARD = Rule("hard", Test("difficulty", ">=", 0.6), RouteTo(Route.HUMAN, 3))
EXPERTS = Rule("law", Test("tags", "contains", "law"), RouteTo(Route.EXPERT, 2, (), "law"))
DROPPED = Rule("same", Test("is_duplicate", "is", True), RouteTo(Route.SKIP))
POLICY = Policy((HARD, EXPERTS, DROPPED), TO_JUDGES)
LEARNING = replace(POLICY, learned=Learned(0.25))


def objects(values):
    column = np.full(len(values), None, dtype=object)
    for place, value in enumerate(values):
        column[place] = value
    return column


def facts_about(n=4, **columns):
    told = {
        "difficulty": np.full(n, np.nan),
        "tags": objects([None] * n),
        "is_duplicate": np.zeros(n),
        "topic_label": objects(["cats"] * n),
    }
    return Facts(np.arange(1, n + 1), told | columns)


def routes_of(decisions):
    return [ROUTES[code].value for code in decisions.route]


class TestHolds:
    facts = facts_about(
        4,
        difficulty=np.array([0.2, 0.6, 0.9, np.nan]),
        **{
            "metadata.any": objects([3, "three", ("three", "four"), None]),
            "prompt_language": objects(["de", "en", None, "fr"]),
            "tags": objects([("a", "b"), (), None, ("b",)]),
            "judge_flipped": np.array([0, 1, np.nan, 0]),
        },
    )

    @pytest.mark.parametrize(
        ("fact", "asks", "value", "expected"),
        [
            ("difficulty", "=", 0.6, [0, 1, 0, 0]),
            ("difficulty", "!=", 0.6, [1, 0, 1, 0]),
            ("difficulty", "<", 0.6, [1, 0, 0, 0]),
            ("difficulty", "<=", 0.6, [1, 1, 0, 0]),
            ("difficulty", ">", 0.6, [0, 0, 1, 0]),
            ("difficulty", ">=", 0.6, [0, 1, 1, 0]),
            ("difficulty", "between", (0.2, 0.6), [1, 1, 0, 0]),
            ("difficulty", "known", None, [1, 1, 1, 0]),
            ("difficulty", "unknown", None, [0, 0, 0, 1]),
            ("prompt_language", "is", "de", [1, 0, 0, 0]),
            ("prompt_language", "is not", "de", [0, 1, 0, 1]),
            ("prompt_language", "one of", ("de", "fr"), [1, 0, 0, 1]),
            ("prompt_language", "unknown", None, [0, 0, 1, 0]),
            ("tags", "contains", "b", [1, 0, 0, 1]),
            ("judge_flipped", "is", False, [1, 0, 0, 1]),
            ("metadata.any", "=", 3, [1, 0, 0, 0]),
            ("metadata.any", "is", "three", [0, 1, 0, 0]),
            ("metadata.any", "contains", "three", [0, 0, 1, 0]),
            ("metadata.any", "is", True, [0, 0, 0, 0]),
        ],
    )
    def test_asks_what_the_word_says_and_nothing_of_the_unknown(self, fact, asks, value, expected):
        assert holds(Test(fact, asks, value), self.facts).tolist() == list(map(bool, expected))

    def test_joins_by_all_any_and_not(self):
        high, german = Test("difficulty", ">=", 0.6), Test("prompt_language", "is", "de")

        assert holds(AllOf((high, Not(german))), self.facts).tolist() == [False, True, True, False]
        assert holds(AnyOf((high, german)), self.facts).tolist() == [True, True, True, False]

    @given(st.lists(st.floats(0, 1) | st.none(), min_size=1, max_size=30), st.floats(0, 1))
    def test_tells_every_known_number_either_below_or_not(self, values, limit):
        column = np.array([np.nan if value is None else value for value in values])
        facts = facts_about(len(values), difficulty=column)

        below = holds(Test("difficulty", "<", limit), facts)
        not_below = holds(Test("difficulty", ">=", limit), facts)

        assert ((below ^ not_below) == ~np.isnan(column)).all()


class TestDraws:
    def test_are_uniform_and_differ_by_seed_and_purpose(self):
        ids = np.arange(1, 100_001)

        draws = draws_of(ids, 1, "audit")

        counts, _ = np.histogram(draws, 20, (0, 1))
        assert ((counts - 5_000) ** 2 / 5_000).sum() < 43.8  # chi-squared, 19 degrees, p = .001
        for others in (draws_of(ids, 2, "audit"), draws_of(ids, 1, "explore")):
            assert abs(np.corrcoef(draws, others)[0, 1]) < 0.015

    def test_do_not_depend_on_the_other_ids(self):
        ids = np.arange(1, 1_001)

        assert (draws_of(ids, 7, "audit")[::-1] == draws_of(ids[::-1], 7, "audit")).all()


class TestDecide:
    def test_lets_the_first_rule_that_holds_decide(self):
        facts = facts_about(
            4,
            difficulty=np.array([0.7, 0.1, 0.1, 0.9]),
            tags=objects([("law",), ("law",), None, None]),
            is_duplicate=np.array([1, 1, 1, 0]),
        )

        decisions = decide(POLICY, facts, seed=1)

        assert decisions.rule.tolist() == [1, 2, 3, 1]
        assert routes_of(decisions) == ["human", "expert", "skip", "human"]
        assert decisions.propensity.tolist() == [1, 1, 0, 1]
        assert decisions.people().tolist() == [3, 2, 0, 3]
        assert decisions.route_to(1) == RouteTo(Route.EXPERT, 2, (), "law")

    def test_audits_a_share_of_what_judges_label_alone(self):
        n = 20_000

        decisions = decide(POLICY, facts_about(n), seed=3)

        assert decisions.audited.mean() == pytest.approx(0.05, abs=0.006)
        assert set(decisions.rule.tolist()) == {DEFAULT}
        assert np.allclose(decisions.propensity, 0.05)
        audited = int(np.flatnonzero(decisions.audited)[0])
        assert decisions.route_to(audited) == replace(TO_JUDGES, route=Route.BOTH)
        assert decisions.people()[audited] == 2

    def test_gives_the_slices_that_the_guard_turned_to_people(self):
        facts = facts_about(4, topic_label=objects(["cats", "dogs", None, "cats"]))
        policy = replace(POLICY, slice_by="topic_label", audit_share=0.0)

        decisions = decide(policy, facts, seed=1, turned_slices={"default: cats"})

        assert routes_of(decisions) == ["human", "judge", "judge", "human"]
        assert decisions.slice.tolist() == [
            "default: cats",
            "default: dogs",
            "default: unknown",
            "default: cats",
        ]
        assert decisions.turned.tolist() == [True, False, False, True]
        assert decisions.propensity.tolist() == [1, 0, 0, 1]

    def test_explores_with_its_whole_share_until_something_is_learned(self):
        n = 20_000

        decisions = decide(LEARNING, facts_about(n), seed=5)

        assert decisions.explored.mean() == pytest.approx(0.25, abs=0.012)
        assert np.allclose(decisions.propensity, 1 - 0.75 * 0.95)
        assert set(decisions.slice.tolist()) == {"learned"}
        asked = decisions.people() > 0
        assert asked.mean() == pytest.approx(1 - 0.75 * 0.95, abs=0.012)
        assert set(np.array(routes_of(decisions))[asked]) == {"both"}

    def test_is_sure_of_people_in_a_turned_slice_explored_or_not(self):
        decisions = decide(LEARNING, facts_about(1_000), seed=5, turned_slices={"learned"})

        assert set(routes_of(decisions)) == {"human", "both"}
        assert decisions.explored.any()
        assert decisions.propensity.tolist() == [1.0] * 1_000

    def test_gives_people_what_they_gain_most_on_within_their_share(self):
        n = 1_000
        p = np.linspace(0.5, 0.95, n)
        chances = LearnedChances(p, np.full(n, 0.8), 0.8 - p)
        policy = replace(LEARNING, audit_share=0.0, learned=Learned(0.25, explore=0.1))

        decisions = decide(policy, facts_about(n), seed=5, learned=chances)

        to_people = np.array(routes_of(decisions)) == "human"
        assert to_people.tolist() == [place < 250 for place in range(n)]
        assert np.allclose(decisions.propensity, np.where(to_people, 1.0, 0.1))
        assert decisions.explored[250:].mean() == pytest.approx(0.1, abs=0.035)
        assert decisions.rule.tolist() == [LEARNED] * n

    def test_asks_judges_first_where_nothing_can_be_told_yet(self):
        nothing = np.full(4, np.nan)
        policy = replace(LEARNING, audit_share=0.0, learned=Learned(1.0, explore=0.0))

        decisions = decide(
            policy, facts_about(4), seed=5, learned=LearnedChances(nothing, nothing, nothing)
        )

        assert routes_of(decisions) == ["judge"] * 4

    @given(
        st.lists(
            st.tuples(
                st.floats(0, 1) | st.none(),
                st.sampled_from([None, (), ("law",)]),
                st.sampled_from([0.0, 1.0, np.nan]),
                st.floats(-1, 1) | st.none(),
            ),
            max_size=40,
        ),
        st.integers(0, 2**40),
        st.sampled_from([None, Learned(0.3), Learned(0.0, explore=0.0), Learned(1.0)]),
        st.booleans(),
        st.floats(0, 1),
    )
    def test_gives_each_comparison_one_route_a_propensity_and_always_the_same(
        self, rows, seed, learned, is_fitted, audit_share
    ):
        n = len(rows)
        facts = facts_about(
            n,
            difficulty=np.array([np.nan if row[0] is None else row[0] for row in rows]),
            tags=objects([row[1] for row in rows]),
            is_duplicate=np.array([row[2] for row in rows]),
        )
        utility = np.array([np.nan if row[3] is None else row[3] for row in rows])
        chances = LearnedChances(utility, utility, utility) if is_fitted else None
        policy = replace(POLICY, learned=learned, audit_share=audit_share)

        decisions = decide(policy, facts, seed=seed, learned=chances, threshold=0.1)

        assert len(decisions) == len(decisions.route) == n
        assert ((decisions.propensity >= 0) & (decisions.propensity <= 1)).all()
        asks_people = decisions.people() > 0
        assert (decisions.propensity[asks_people] > 0).all()
        assert asks_people[decisions.propensity == 1].all()
        halves = [facts.at(np.arange(n) % 2 == half) for half in (0, 1)]
        for half, some in enumerate(halves):
            taken = np.arange(n) % 2 == half
            part = chances and LearnedChances(*(column[taken] for column in (utility,) * 3))
            again = decide(policy, some, seed=seed, learned=part, threshold=0.1)
            assert again.route.tolist() == decisions.route[taken].tolist()
            assert again.propensity.tolist() == decisions.propensity[taken].tolist()
