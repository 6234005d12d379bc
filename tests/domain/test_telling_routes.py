from dataclasses import replace

import numpy as np
import pytest

from curation.domain.routing.conditions import AllOf, AnyOf, Not, Test
from curation.domain.routing.deciding import decide
from curation.domain.routing.facts import Facts
from curation.domain.routing.learned import LearnedChances
from curation.domain.routing.policy import Learned, Policy, RouteTo, Rule
from curation.domain.routing.telling import LONGEST, because, outcome, tell
from curation.domain.vocabulary import Route

ALONE = RouteTo(Route.JUDGE, 1, ("strict 1",))
LONG = tuple(f"{'j' * 100} {n}" for n in range(3))
HARD = Test("difficulty", ">=", 0.6)


def facts(**columns):
    told = {"difficulty": 0.712345, "is_duplicate": 0.0, "judge_entropy": np.nan}
    objects = {"prompt_language": "de", "tags": ("law", "tax")}
    for name, value in (told | columns).items():
        told[name] = np.array([value])
    for name, value in objects.items():
        objects[name] = np.full(1, None, dtype=object)
        objects[name][0] = value
    return Facts(np.array([7]), told | objects)


def told(policy, learned=None, **columns):
    known = facts(**columns)
    return tell(decide(policy, known, seed=1, learned=learned), known, 0, learned)


def ruled(condition, route=None):
    return Policy((Rule("hard ones", condition, route or RouteTo(Route.HUMAN, 3)),))


class TestTell:
    def test_names_the_rule_its_reason_and_who_judges(self):
        assert told(ruled(HARD)) == (
            "Rule 1 “hard ones”: difficulty 0.7123 is at least 0.6, so three people judge it."
        )

    def test_says_that_no_rule_applies(self):
        policy = replace(ruled(HARD), default=ALONE, audit_share=0.0)

        assert told(policy, difficulty=0.1) == ("No rule applies, so the judge strict 1 judges it.")

    def test_says_when_chance_audits(self):
        assert told(Policy(default=ALONE, audit_share=1.0)) == (
            "No rule applies; chance picked it to audit the judges, "
            "so one person and the judge strict 1 judge it."
        )

    def test_says_which_judge_is_not_asked(self):
        known = facts()
        decisions = decide(Policy(default=ALONE, audit_share=0.0), known, seed=1)

        assert tell(decisions, known, 0, idle={"strict 1": "suspended", "mild 1": "retired"}) == (
            "No rule applies, so the judge strict 1 judges it. "
            "But strict 1 was suspended when this was decided, and not asked."
        )

    def test_says_which_judge_is_not_asked_however_long_the_rest_is(self):
        known = facts()
        decisions = decide(ruled(AllOf((HARD,) * 20), replace(ALONE, judges=LONG)), known, seed=1)

        said = tell(decisions, known, 0, idle={LONG[0]: "retired"})

        assert len(said) == LONGEST
        assert said.endswith(" was retired when this was decided, and not asked.")

    def test_says_that_nobody_more_is_asked_of_what_people_have_judged(self):
        known = facts()
        decisions = decide(ruled(HARD), known, seed=1)

        assert tell(decisions, known, 0, is_over=True) == (
            "Rule 1 “hard ones”: difficulty 0.7123 is at least 0.6, so three people judge it; "
            "people have judged it already, so nobody more is asked."
        )

    def test_says_when_the_guard_turned_the_slice(self):
        known = facts()
        decisions = decide(Policy(default=ALONE), known, seed=1, turned_slices={"default"})

        assert tell(decisions, known, 0) == (
            "No rule applies; the guard gives this slice to people, as judges err too often in "
            "it, so one person judges it."
        )

    def test_gives_the_learned_router_s_chances(self):
        policy = Policy(default=ALONE, learned=Learned(1.0))
        learned = LearnedChances(*(np.array([value]) for value in (0.5, 0.8, 0.3)))

        assert told(policy, learned) == (
            "No rule applies; the learned router expects the judges to be right with probability "
            "0.50 and a person with 0.80, so one person judges it."
        )

    def test_says_that_nothing_is_learned_yet(self):
        assert told(Policy(default=ALONE, learned=Learned(1.0))) == (
            "No rule applies and the learned router has too few labels yet; chance picked it to "
            "learn where judges are right, so one person and the judge strict 1 judge it."
        )

    def test_keeps_within_the_room_that_there_is(self):
        many = AllOf((HARD,) * 20)
        to = RouteTo(Route.BOTH, 3, tuple(f"{'j' * 100} {n}" for n in range(20)))

        assert len(told(ruled(many, to))) == LONGEST


class TestBecause:
    @pytest.mark.parametrize(
        ("condition", "expected"),
        [
            (Test("difficulty", "between", (0.5, 1)), "difficulty 0.7123 is within 0.5, 1"),
            (Test("prompt_language", "is", "de"), "prompt language is “de”"),
            (
                Test("prompt_language", "one of", ("de", "fr")),
                "prompt language “de” is one of “de”, “fr”",
            ),
            (Test("tags", "contains", "law"), "tags contains “law”"),
            (Test("is_duplicate", "is", False), "is duplicate: no"),
            (Test("judge_entropy", "unknown"), "judge entropy is not known"),
            (Test("difficulty", "known"), "difficulty is known"),
            (Not(Test("difficulty", "<", 0.5)), "difficulty 0.7123 is not below 0.5"),
            (Not(Test("judge_entropy", "<", 0.5)), "judge entropy is not known"),
            (AnyOf((Test("difficulty", "<", 0.5), HARD)), "difficulty 0.7123 is at least 0.6"),
            (
                AllOf((HARD, Not(Test("tags", "contains", "art")))),
                "difficulty 0.7123 is at least 0.6 and tags does not contain “art”",
            ),
            (
                Not(AnyOf((Test("difficulty", ">", 0.9), Test("prompt_language", "is", "fr")))),
                "difficulty 0.7123 is at most 0.9 and prompt language is “de”",
            ),
        ],
    )
    def test_tells_what_makes_a_condition_true(self, condition, expected):
        assert because(condition, facts()) == expected


class TestOutcome:
    @pytest.mark.parametrize(
        ("to", "expected"),
        [
            (RouteTo(Route.HUMAN, 12), "12 people judge it"),
            (RouteTo(Route.EXPERT, 1, (), "law"), "one expert in law judges it"),
            (RouteTo(Route.EXPERT, 2), "two experts judge it"),
            (RouteTo(Route.JUDGE, 1, ("a 1", "b 2")), "the judges a 1 and b 2 judge it"),
            (RouteTo(Route.SKIP), "nobody judges it"),
        ],
    )
    def test_says_who_judges(self, to, expected):
        assert outcome(to) == expected
