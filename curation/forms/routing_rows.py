"""A routing policy laid out for its editor, a refusal beside the field that it is about."""

import json
from dataclasses import dataclass, field
from typing import Any

from annotation.domain.errors import InvalidField
from curation.forms.routing import OF_LEARNED, SHARES, Content, joined


@dataclass(frozen=True)
class Cell:
    """One field of the editor: its name in the form, what it holds, and what is wrong with it."""

    name: str
    value: Any
    error: str = ""


@dataclass(frozen=True)
class TestRow:
    __test__ = False

    fact: Cell
    asks: Cell
    value: Cell


@dataclass(frozen=True)
class RouteRow:
    route: Cell
    overlap: Cell
    judges: Cell
    expertise: Cell
    rank: Cell


@dataclass(frozen=True)
class RuleRow:
    """A rule. `tests` are empty where its condition nests: then `when` holds it as JSON."""

    number: int
    name: Cell
    join: Cell
    when: Cell
    route: RouteRow
    tests: list[TestRow] = field(default_factory=list)


@dataclass(frozen=True)
class EditedPolicy:
    """A policy as the editor shows it, checked or not. `error` is what no field can show."""

    rules: list[RuleRow]
    default: RouteRow
    settings: dict[str, Cell]
    learned: dict[str, Cell] | None
    error: str = ""


def edited(content: Content, refusal: InvalidField | None = None) -> EditedPolicy:
    """Lay a policy out for the editor, a refusal beside the field that it names."""
    shown = _Shown(refusal)
    rules = [_rule_row(shown, rule, n) for n, rule in enumerate(content.get("rules") or [], 1)]
    learned = content.get("learned")
    row = EditedPolicy(
        rules=rules,
        default=_route_row(shown, content.get("default") or {"route": "human"}, "default"),
        settings={name: shown.cell(name, content.get(name, "")) for name in (*SHARES, "slice_by")},
        learned={name: shown.cell(f"learned.{name}", learned.get(name, "")) for name in OF_LEARNED}
        if isinstance(learned, dict)
        else None,
    )
    return row if shown.is_told or refusal is None else with_error(row, refusal)


def with_error(row: EditedPolicy, refusal: InvalidField) -> EditedPolicy:
    return EditedPolicy(row.rules, row.default, row.settings, row.learned, refusal.detail)


class _Shown:
    """Hands each field its value, and the refusal to the first field that it is about."""

    def __init__(self, refusal: InvalidField | None) -> None:
        self.refusal, self.is_told = refusal, False

    def cell(self, path: str, value: Any, *, takes_inner: bool = False) -> Cell:
        at = self.refusal.field if self.refusal else ""
        is_here = at == path or (takes_inner and at.startswith(f"{path}."))
        if not is_here or self.is_told or self.refusal is None:
            return Cell(path, value)
        self.is_told = True
        return Cell(path, value, self.refusal.detail)


def _rule_row(shown: _Shown, rule: Any, number: int) -> RuleRow:
    rule = rule if isinstance(rule, dict) else {}
    spot, condition = f"rules.{number}", rule.get("when")
    join, tests = joined(condition)
    name = shown.cell(f"{spot}.name", rule.get("name", ""))
    is_single = isinstance(condition, dict) and "fact" in condition
    rows = [
        TestRow(
            shown.cell(f"{base}.fact", test.get("fact", "")),
            shown.cell(f"{base}.is", test.get("is", "")),
            shown.cell(f"{base}.value", as_text(test.get("value"))),
        )
        for place, test in enumerate(tests, 1)
        for base in [f"{spot}.when" if is_single else f"{spot}.when.{join}.{place}"]
    ]
    route = _route_row(shown, rule.get("route"), f"{spot}.route")
    raw = "" if rows else json.dumps(condition, ensure_ascii=False, indent=2)
    when = shown.cell(f"{spot}.when", raw, takes_inner=True)
    return RuleRow(number, name, Cell(f"{spot}.when.join", join), when, route, rows)


def _route_row(shown: _Shown, route: Any, spot: str) -> RouteRow:
    route = {"route": route} if isinstance(route, str) else route
    route = route if isinstance(route, dict) else {}
    return RouteRow(
        shown.cell(f"{spot}.route", route.get("route", "")),
        shown.cell(f"{spot}.overlap", route.get("overlap", 1)),
        shown.cell(f"{spot}.judges", route.get("judges", [])),
        shown.cell(f"{spot}.expertise", route.get("expertise", "")),
        shown.cell(f"{spot}.rank", route.get("rank", 0)),
    )


def as_text(value: Any) -> str:
    """A test's value as it is typed."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(as_text(one) for one in value)
    if isinstance(value, float):
        return f"{value:g}" if abs(value) < 1e6 else repr(value)
    return "" if value is None else str(value)
