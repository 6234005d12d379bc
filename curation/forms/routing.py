"""The editor of routing policies: a form's fields spell the same JSON as a programmer would write.

What does not parse stays as it was typed, so that the policy itself refuses it at its place.
"""

import json
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from django.utils.datastructures import MultiValueDict

from annotation.domain.errors import InvalidField
from curation.domain.routing.conditions import ALWAYS, BETWEEN, IS, OF_NUMBERS, ONE_OF, TESTS
from curation.domain.routing.facts import FactKind, fact_named
from curation.domain.vocabulary import Route

Content = dict[str, Any]
Fields = MultiValueDict[str, str]

JOINS = [("all", "all of these hold"), ("any", "any of these holds")]
ASKS = list(dict.fromkeys(asks for kinds in TESTS.values() for asks in kinds))
ROUTES = [
    (Route.HUMAN.value, "people"),
    (Route.EXPERT.value, "experts among people"),
    (Route.JUDGE.value, "LLM judges"),
    (Route.BOTH.value, "people and LLM judges"),
    (Route.SKIP.value, "nobody"),
]
WHOLE, SHARES = ("overlap", "rank"), ("audit_share", "error_limit", "error_confidence")
OF_LEARNED = ("human_share", "explore", "value", "cost_human", "cost_judge")
BLANK_TEST: Content = {"fact": "", "is": ">=", "value": ""}
BLANK_RULE: Content = {"name": "", "when": {"all": [BLANK_TEST]}, "route": {"route": "human"}}
LEARNED: Content = {"human_share": 0.3}
MOST_FIELDS = 100  # rules, or conditions of one, that are read from a form
MOST_NESTED = 40  # far more than any policy nests
N_PLACES = {
    "rule": 0,
    "learn": 0,
    "unlearn": 0,
    "up": 1,
    "down": 1,
    "take": 1,
    "test": 1,
    "drop": 2,
}


def content_of(data: Fields) -> Content:
    """The policy that a form's fields spell, unchecked."""
    rules = []
    for number in range(1, MOST_FIELDS + 1):
        spot = f"rules.{number}"
        if f"{spot}.name" not in data:
            break
        rules.append(
            {
                "name": data.get(f"{spot}.name", ""),
                "when": _condition(data, f"{spot}.when"),
                "route": _route(data, f"{spot}.route"),
            }
        )
    content: Content = {"rules": rules, "default": _route(data, "default")}
    if "learned.human_share" in data:
        content["learned"] = {
            name: number_in(told)
            for name in OF_LEARNED
            if (told := data.get(f"learned.{name}", "")).strip()
        }
    for name in SHARES:
        if told := data.get(name, "").strip():
            content[name] = number_in(told)
    return content | {"slice_by": data.get("slice_by", "").strip()}


def action_in(typed: str) -> tuple[str, list[int]]:
    """Read what a button of the editor asks for: a verb and the places that it acts on.

    Raises:
        InvalidField: the editor has no such button.
    """
    verb, *places = typed.split() or [""]
    numbers = [int(place) for place in places if place.isdecimal() and len(place) < 5]
    if len(numbers) != len(places) or N_PLACES.get(verb) != len(numbers):
        raise InvalidField("The editor has no such button; use those that it shows.", field="do")
    return verb, numbers


def changed(content: Content, action: str) -> Content:
    """The policy after a button of the editor: `up 2` moves rule 2, `drop 2 1` takes a condition.

    Where there is no rule to act on, nothing changes.

    Raises:
        InvalidField: the editor has no such button.
    """
    content = deepcopy(content)
    rules: list[Content] = content.setdefault("rules", [])
    verb, places = action_in(action)
    match verb, places:
        case "rule", []:
            rules.append(deepcopy(BLANK_RULE))
        case "learn", []:
            content["learned"] = dict(LEARNED)
        case "unlearn", []:
            content["learned"] = None
        case "up" | "down", [number]:
            other = number - 1 if verb == "up" else number + 1
            if min(number, other) >= 1 and max(number, other) <= len(rules):
                rules[number - 1], rules[other - 1] = rules[other - 1], rules[number - 1]
        case "take", [number] if 1 <= number <= len(rules):
            del rules[number - 1]
        case "test", [number] if 1 <= number <= len(rules):
            _, tests = joined(rules[number - 1].get("when"))
            tests.append(dict(BLANK_TEST))
        case "drop", [number, place] if 1 <= number <= len(rules):
            _, tests = joined(rules[number - 1].get("when"))
            if 1 <= place <= len(tests) and len(tests) > 1:
                del tests[place - 1]
    return content


def joined(condition: Any) -> tuple[str, list[Content]]:
    """A condition as all or any of plain tests; no tests where it nests, or is none."""
    if isinstance(condition, dict):
        if "fact" in condition:
            return "all", [condition]
        for join, _ in JOINS:
            parts = condition.get(join)
            if isinstance(parts, list) and all(isinstance(p, dict) and "fact" in p for p in parts):
                return join, parts
    return "all", []


def nests_too_deep(value: Any) -> bool:
    """Whether JSON nests deeper than can be shown."""
    layer = [value]
    for _ in range(MOST_NESTED):
        branches = [one for one in layer if isinstance(one, dict | list)]
        layer = [
            part for one in branches for part in (one.values() if isinstance(one, dict) else one)
        ]
    return bool(layer)


def _condition(data: Fields, spot: str) -> Any:
    if spot in data:
        try:
            told = json.loads(str(data[spot]))
        except (ValueError, RecursionError):
            return str(data[spot])
        return str(data[spot]) if nests_too_deep(told) else told
    join = "any" if data.get(f"{spot}.join") == "any" else "all"
    tests = []
    for place in range(1, MOST_FIELDS + 1):
        # Fields are named by their place under whichever join the form was shown with.
        base = next((b for b in _bases(spot, place) if f"{b}.fact" in data), None)
        if base is None:
            break
        tests.append(_test(data, base))
    return {join: tests}


def _bases(spot: str, place: int) -> Sequence[str]:
    named = [f"{spot}.{join}.{place}" for join, _ in JOINS]
    return [*named, spot] if place == 1 else named


def _test(data: Fields, base: str) -> Content:
    fact, asks = data.get(f"{base}.fact", "").strip(), data.get(f"{base}.is", "")
    told: Content = {"fact": fact, "is": asks}
    typed = data.get(f"{base}.value", "").strip()
    return told if asks in ALWAYS and not typed else told | {"value": value_in(fact, asks, typed)}


def value_in(fact: str, asks: str, typed: str) -> Any:
    """What was typed for a test, as the JSON that it asks for where it can be read so."""
    known = fact_named(fact)
    if asks == BETWEEN:
        return [number_in(part) for part in typed.replace(";", ",").split(",")]
    if asks in OF_NUMBERS:
        return number_in(typed)
    if asks == ONE_OF:
        return [part.strip() for part in typed.split(",") if part.strip()]
    kinds = (FactKind.FLAG, FactKind.METADATA)
    if asks == IS and known and known.kind in kinds:
        return {"true": True, "yes": True, "false": False, "no": False}.get(typed.lower(), typed)
    return typed


def _route(data: Fields, spot: str) -> Content:
    route: Content = {"route": data.get(f"{spot}.route", "")}
    for name in WHOLE:
        if told := data.get(f"{spot}.{name}", "").strip():
            route[name] = whole_in(told)
    if judges := data.getlist(f"{spot}.judges"):
        route["judges"] = judges
    if expertise := data.get(f"{spot}.expertise", "").strip():
        route["expertise"] = expertise
    return route


def number_in(typed: str) -> Any:
    """A number, or the text as it is, for the policy to refuse."""
    try:
        found = float(typed)
    except ValueError:
        return typed.strip()
    return found if abs(found) < float("inf") else typed.strip()


def whole_in(typed: str) -> Any:
    bare = typed.removeprefix("-")
    return int(typed) if bare.isdecimal() and len(bare) < 10 else typed
