import pytest

from annotation.domain.errors import InvalidField
from curation.domain.routing.conditions import AllOf, AnyOf, Not, Test
from curation.domain.routing.policy import (
    POLICY_SCHEMA,
    Learned,
    Policy,
    RouteTo,
    facts_in,
    judges_in,
    policy_from_json,
    policy_json,
)
from curation.domain.vocabulary import Route

HARD = {"fact": "difficulty", "is": ">=", "value": 0.6}
WRITTEN = {
    "rules": [
        {
            "name": "hard ones",
            "when": {
                "all": [
                    HARD,
                    {
                        "any": [
                            {"fact": "prompt_language", "is": "one of", "value": ["de", "en"]},
                            {"fact": "metadata.tier", "is": "is", "value": "gold"},
                        ]
                    },
                    {"not": {"fact": "is_duplicate", "is": "is", "value": True}},
                ]
            },
            "route": {"route": "human", "overlap": 3, "rank": -10},
        },
        {
            "name": "law",
            "when": {"fact": "tags", "is": "contains", "value": "law"},
            "route": {"route": "expert", "expertise": "law"},
        },
    ],
    "default": {"route": "judge", "judges": ["strict 1"]},
    "learned": {"human_share": 0.25},
    "slice_by": "topic_label",
}


def changed(**fields):
    return WRITTEN | fields


def with_condition(condition):
    return {"rules": [{"name": "one", "when": condition, "route": {"route": "human"}}]}


class TestPolicyFromJson:
    def test_reads_rules_routes_and_defaults(self):
        policy = policy_from_json(WRITTEN)

        first, second = policy.rules
        assert first.condition == AllOf(
            (
                Test("difficulty", ">=", 0.6),
                AnyOf(
                    (
                        Test("prompt_language", "one of", ("de", "en")),
                        Test("metadata.tier", "is", "gold"),
                    )
                ),
                Not(Test("is_duplicate", "is", True)),
            )
        )
        assert first.route == RouteTo(Route.HUMAN, 3, (), "", -10)
        assert second.route == RouteTo(Route.EXPERT, 1, (), "law")
        assert policy.default == RouteTo(Route.JUDGE, 1, ("strict 1",))
        assert policy.learned == Learned(0.25, 0.0, 0.0, 1.0, 0.05)
        assert (policy.audit_share, policy.error_limit) == (0.05, 0.25)

    def test_reads_what_it_writes(self):
        policy = policy_from_json(WRITTEN)

        assert policy_from_json(policy_json(policy)) == policy

    def test_sends_all_to_one_person_where_nothing_is_said(self):
        assert policy_from_json({}) == Policy()
        assert Policy().default == RouteTo(Route.HUMAN, 1)

    def test_reads_signs_as_people_write_them(self):
        policy = policy_from_json(with_condition({"fact": "difficulty", "is": "≥", "value": 1}))

        assert policy.rules[0].condition == Test("difficulty", ">=", 1.0)

    def test_lists_the_facts_and_judges_that_it_needs(self):
        policy = policy_from_json(WRITTEN)

        assert facts_in(policy) == {
            "difficulty",
            "prompt_language",
            "metadata.tier",
            "is_duplicate",
            "tags",
            "topic_label",
        }
        assert judges_in(policy) == ("strict 1",)

    @pytest.mark.parametrize(
        ("content", "field", "said"),
        [
            ([], "", "The policy: give an object"),
            ({"rule": []}, "rule", "there is no such field"),
            ({"rules": {}}, "rules", "list of 0 to 50"),
            ({"rules": [{"name": " "}]}, "rules.1.name", "1 to 60 characters"),
            (
                {"rules": [{"name": "learned", "when": HARD, "route": "human"}]},
                "rules.1.name",
                "choose another",
            ),
            (with_condition({}), "rules.1.when.fact", "name a fact"),
            (
                with_condition({"fact": "difficlty", "is": "<", "value": 1}),
                "rules.1.when.fact",
                "Rule 1 “one”, “when”, “fact”: there is no fact “difficlty”; did you mean "
                "“difficulty”?",
            ),
            (
                with_condition({"fact": "difficulty", "is": "contains", "value": "x"}),
                "rules.1.when.is",
                "choose one of =, !=",
            ),
            (
                with_condition({"fact": "difficulty", "is": "<", "value": "high"}),
                "rules.1.when.value",
                "give a number",
            ),
            (
                with_condition({"fact": "difficulty", "is": "<", "value": float("nan")}),
                "rules.1.when.value",
                "give a number",
            ),
            (
                with_condition({"fact": "difficulty", "is": "between", "value": [2, 1]}),
                "rules.1.when.value",
                "the lower number first",
            ),
            (
                with_condition({"fact": "is_duplicate", "is": "is", "value": "yes"}),
                "rules.1.when.value",
                "true or false",
            ),
            (
                with_condition({"fact": "difficulty", "is": "known", "value": 1}),
                "rules.1.when.value",
                "leave it out",
            ),
            (with_condition({"all": []}), "rules.1.when.all", "1 to 20 entries"),
            (with_condition({"all": [HARD], "any": [HARD]}), "rules.1.when", "stands alone"),
            (
                with_condition({"all": [HARD, {"fact": "tags", "is": "<", "value": 1}]}),
                "rules.1.when.all.2.is",
                "Rule 1 “one”, “when”, “all”, condition 2",
            ),
            ({"default": {"route": "judge"}}, "default.judges", "name a judge"),
            ({"default": {"route": "human", "judges": ["a 1"]}}, "default.judges", "leave them"),
            ({"default": {"route": "robot"}}, "default.route", "choose one of human"),
            ({"default": {"route": "human", "overlap": 0}}, "default.overlap", "from 1 to 100"),
            (
                {"default": {"route": "human", "expertise": "law"}},
                "default.expertise",
                "only the route “expert”",
            ),
            ({"learned": {"human_share": 0.5}}, "default.route", "make the default's route"),
            (changed(learned={}), "learned.human_share", "which share"),
            (changed(learned={"human_share": 1.5}), "learned.human_share", "from 0 to 1"),
            ({"audit_share": True}, "audit_share", "from 0 to 1"),
            ({"error_confidence": 1}, "error_confidence", "0.5 to 0.999"),
            ({"slice_by": "difficulty"}, "slice_by", "one word"),
        ],
    )
    def test_says_what_is_wrong_and_where(self, content, field, said):
        with pytest.raises(InvalidField) as refused:
            policy_from_json(content)

        assert refused.value.field == field
        assert said in refused.value.detail

    def test_refuses_two_rules_of_one_name(self):
        rule = {"name": "same", "when": HARD, "route": "human"}

        with pytest.raises(InvalidField, match="another rule has this name"):
            policy_from_json({"rules": [rule, rule]})

    def test_refuses_conditions_that_go_too_deep(self):
        condition = HARD
        for _ in range(6):
            condition = {"not": condition}

        with pytest.raises(InvalidField, match="at most 6 deep"):
            policy_from_json(with_condition(condition))

    def test_refuses_rules_with_too_many_tests(self):
        many = {"any": [{"any": [HARD] * 20}] * 3}

        with pytest.raises(InvalidField, match="at most 50 facts"):
            policy_from_json(with_condition(many))


class TestPolicySchema:
    def test_knows_the_fields_that_are_read(self):
        assert set(POLICY_SCHEMA["properties"]) == set(Policy.__dataclass_fields__)
        assert set(POLICY_SCHEMA["$defs"]["route"]["properties"]) == set(
            RouteTo.__dataclass_fields__
        )
