"""Conditions from JSON and back."""

from typing import Any

from curation.domain.routing import spots
from curation.domain.routing.conditions import (
    ALWAYS,
    BETWEEN,
    CONTAINS,
    IS,
    OF_NUMBERS,
    ONE_OF,
    TESTS,
    AllOf,
    AnyOf,
    Condition,
    Not,
    Test,
)
from curation.domain.routing.facts import FactKind, fact_named, known_names
from curation.domain.routing.spots import Spot

MOST_DEPTH, MOST_PARTS, MOST_TESTS, MOST_WORDS = 6, 20, 50, 100
LONGEST_WORD, GREATEST = 200, 1e15
JOINS = ("all", "any", "not")
SPELLED = {"==": "=", "≠": "!=", "≤": "<=", "≥": ">=", "is known": "known", "is unknown": "unknown"}


def condition_from_json(value: Any, spot: Spot, depth: int = 1) -> Condition:
    """Check a condition: `{"all": […]}`, `{"any": […]}`, `{"not": …}` or
    `{"fact", "is", "value"}`.

    Raises:
        InvalidField: what breaks a rule, where it stands, and what to do.
    """
    if depth > MOST_DEPTH:
        raise spot.refused(f"conditions go at most {MOST_DEPTH} deep; split the rule in two.")
    if not isinstance(value, dict):
        raise spot.refused("give a condition: an object with all, any, not, or a fact.")
    joins = [name for name in JOINS if name in value]
    if not joins:
        return _test(value, spot)
    join = joins[0]
    if len(value) > 1:
        raise spot.refused(f"“{join}” stands alone; put the rest into its own condition.")
    inner = spot.at(join)
    if join == "not":
        return Not(condition_from_json(value["not"], inner, depth + 1))
    listed = spots.list_at(inner, value[join], 1, MOST_PARTS)
    parts = tuple(
        condition_from_json(part, inner.at(place, f"condition {place}"), depth + 1)
        for place, part in enumerate(listed, 1)
    )
    return AllOf(parts) if join == "all" else AnyOf(parts)


def condition_json(condition: Condition) -> dict[str, Any]:
    """Write a condition as `condition_from_json` reads it."""
    match condition:
        case AllOf(parts):
            return {"all": [condition_json(part) for part in parts]}
        case AnyOf(parts):
            return {"any": [condition_json(part) for part in parts]}
        case Not(part):
            return {"not": condition_json(part)}
        case Test(fact, asks, value):
            told: dict[str, Any] = {"fact": fact, "is": asks}
            if asks in ALWAYS:
                return told
            return told | {"value": list(value) if isinstance(value, tuple) else value}


def _test(value: Any, spot: Spot) -> Test:
    told = spots.object_at(spot, value, ("fact", "is", "value"))
    name = told.get("fact")
    fact = fact_named(name) if isinstance(name, str) else None
    if fact is None:
        near = spots.perhaps(name, known_names())
        shown = f"there is no fact “{name[:80]}”" if isinstance(name, str) else "name a fact"
        raise spot.at("fact").refused(f"{shown}{near}")
    asks = told.get("is")
    asks = SPELLED.get(asks, asks) if isinstance(asks, str) else asks
    asks = spots.word_at(spot.at("is", f"what is asked of {fact.name}"), asks, TESTS[fact.kind])
    within = spot.at("value", f"the value for {fact.name}")
    return Test(fact.name, asks, _value(asks, fact.kind, told.get("value"), within))


def _value(asks: str, kind: FactKind, value: Any, spot: Spot) -> Any:
    if asks in ALWAYS:
        if value is not None:
            raise spot.refused(f"“{asks}” takes no value; leave it out.")
        return None
    if asks == BETWEEN:
        return _range(value, spot)
    if asks in OF_NUMBERS:
        return spots.number_at(spot, value, -GREATEST, GREATEST)
    if asks == ONE_OF:
        listed = spots.list_at(spot, value, 1, MOST_WORDS)
        return tuple(spots.text_at(spot, one, LONGEST_WORD) for one in listed)
    if asks == IS and kind in (FactKind.FLAG, FactKind.METADATA) and isinstance(value, bool):
        return value
    if kind == FactKind.FLAG:
        raise spot.refused("give true or false.")
    if asks == CONTAINS or isinstance(value, str):
        return spots.text_at(spot, value, LONGEST_WORD)
    raise spot.refused("give a text; for numbers ask =, < or the like.")


def _range(value: Any, spot: Spot) -> tuple[float, float]:
    listed = spots.list_at(spot, value, 2, 2)
    low, high = (spots.number_at(spot, one, -GREATEST, GREATEST) for one in listed)
    if low > high:
        raise spot.refused("give the lower number first.")
    return low, high
