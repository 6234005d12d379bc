import json

import pytest
from django.http import QueryDict

from annotation.domain.errors import InvalidField
from curation.domain.routing.policy import policy_from_json, policy_json
from curation.forms.routing import changed, content_of
from curation.forms.routing_rows import edited

FLAT = {
    "rules": [
        {
            "name": "hard",
            "when": {
                "all": [
                    {"fact": "difficulty", "is": ">=", "value": 0.7},
                    {"fact": "n_people", "is": "between", "value": [0, 2]},
                    {"fact": "has_judge_verdict", "is": "is", "value": True},
                    {"fact": "judge_flipped", "is": "unknown"},
                ]
            },
            "route": {"route": "expert", "overlap": 2, "expertise": "maths", "rank": -5},
        },
        {
            "name": "known topics",
            "when": {
                "any": [
                    {"fact": "metadata.topic", "is": "one of", "value": ["verse", "prose"]},
                    {"fact": "tags", "is": "contains", "value": "safety"},
                ]
            },
            "route": {"route": "both", "judges": ["strict 1"]},
        },
    ],
    "default": {"route": "judge", "judges": ["strict 1", "mild 2"]},
    "learned": {"human_share": 0.2, "explore": 0.1},
    "audit_share": 0.08,
    "error_limit": 0.3,
    "slice_by": "metadata.topic",
}


def typed(content, refusal=None):
    """What the editor's form would send for a policy that it shows."""
    shown = edited(content, refusal)
    data = QueryDict(mutable=True)

    def put(cell):
        values = cell.value if isinstance(cell.value, list) else [str(cell.value)]
        data.setlist(cell.name, values)

    def put_route(row):
        for cell in (row.route, row.overlap, row.judges, row.expertise, row.rank):
            put(cell)

    for rule in shown.rules:
        put(rule.name)
        put_route(rule.route)
        if not rule.tests:
            put(rule.when)
            continue
        put(rule.join)
        for test in rule.tests:
            for cell in (test.fact, test.asks, test.value):
                put(cell)
    put_route(shown.default)
    for cell in [*shown.settings.values(), *(shown.learned or {}).values()]:
        put(cell)
    return data


def spelled(content):
    return policy_json(policy_from_json(content))


class TestContentOf:
    def test_spells_the_policy_that_the_form_shows(self):
        assert spelled(content_of(typed(FLAT))) == spelled(FLAT)

    def test_keeps_a_condition_that_nests(self):
        nested = {"not": {"any": [{"fact": "n_people", "is": ">", "value": 1}]}}
        content = FLAT | {"rules": [{"name": "few", "when": nested, "route": "human"}]}

        assert spelled(content_of(typed(content))) == spelled(content)

    def test_leaves_what_is_no_number_to_the_policy_to_refuse(self):
        data = typed(FLAT)
        data["rules.1.when.all.1.value"] = "very"

        with pytest.raises(InvalidField) as refused:
            policy_from_json(content_of(data))

        assert refused.value.field == "rules.1.when.all.1.value"

    def test_reads_a_form_with_nothing_in_it_as_no_rules(self):
        assert content_of(QueryDict())["rules"] == []


class TestEdited:
    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("rules.1.name", ""),
            ("rules.1.when.all.2.fact", "dificulty"),
            ("rules.2.route.overlap", "many"),
            ("default.judges", None),
            ("learned.explore", "3"),
            ("error_limit", "2"),
            ("slice_by", "nothing"),
        ],
    )
    def test_tells_what_is_wrong_beside_its_field(self, path, value):
        data = typed(FLAT)
        if value is None:
            del data[path]
        else:
            data[path] = value
        content = content_of(data)
        with pytest.raises(InvalidField) as refused:
            policy_from_json(content)

        shown = edited(content, refused.value)

        assert [cell.name for cell in cells(shown) if cell.error] == [path]
        assert shown.error == ""

    def test_shows_beside_the_rule_what_is_wrong_inside_a_nested_condition(self):
        nested = {"not": {"fact": "n_people", "is": ">", "value": "few"}}
        content = {"rules": [{"name": "few", "when": nested, "route": "human"}]}
        with pytest.raises(InvalidField) as refused:
            policy_from_json(content)

        shown = edited(content, refused.value)

        assert [cell.name for cell in cells(shown) if cell.error] == ["rules.1.when"]

    def test_tells_at_the_top_what_no_field_shows(self):
        assert edited({}, InvalidField("No.", field="elsewhere")).error == "No."


class TestChanged:
    def test_moves_adds_and_takes_rules(self):
        names = [
            [rule["name"] for rule in changed(FLAT, action)["rules"]]
            for action in ("up 2", "down 1", "rule", "take 1", "up 1", "take 9", "take 0")
        ]

        hard, topics = "hard", "known topics"
        both = [hard, topics]
        assert names == [[topics, hard], [topics, hard], [*both, ""], [topics], both, both, both]

    def test_adds_and_drops_conditions_but_never_the_last(self):
        once = changed(FLAT, "test 2")
        twice = changed(changed(changed(once, "drop 2 1"), "drop 2 1"), "drop 2 1")

        assert len(once["rules"][1]["when"]["any"]) == 3
        assert [test["fact"] for test in twice["rules"][1]["when"]["any"]] == [""]

    def test_leaves_the_policy_that_it_was_given_as_it_was(self):
        before = json.dumps(FLAT)

        changed(FLAT, "drop 1 1")

        assert json.dumps(FLAT) == before

    def test_adds_and_takes_the_learned_router(self):
        assert changed(FLAT, "unlearn")["learned"] is None
        assert changed({}, "learn")["learned"] == {"human_share": 0.3}


def cells(shown):
    for rule in shown.rules:
        yield from (rule.name, rule.when)
        for test in rule.tests:
            yield from (test.fact, test.asks, test.value)
        yield from vars_of(rule.route)
    yield from vars_of(shown.default)
    yield from shown.settings.values()
    yield from (shown.learned or {}).values()


def vars_of(row):
    return (row.route, row.overlap, row.judges, row.expertise, row.rank)
