"""Vega-Lite specifications of the pages on routing."""

import json
from collections.abc import Sequence
from typing import Any

from curation.selectors.routing_figures import ROUTE_WORDS, RouteRow
from curation.selectors.routing_pages import GuardRow

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
ROW, AXES = 30, 60  # pixels
SHORTENED = 150  # pixels of a name before it is cut
MOST_SLICES = 30  # in the plot; the table has all
BEFORE, NOW = "before", "with it"
COMPARISONS = {"type": "quantitative", "title": "comparisons", "axis": {"tickCount": 5}}

Values = list[dict[str, Any]]


def standing(rows: Sequence[RouteRow]) -> str:
    """Comparisons by route, those that somebody of it has judged apart."""
    values = [
        {"route": row.words, "judged": judged, "comparisons": n}
        for row in rows
        for done in [_done(row)]
        for judged, n in (("judged", done), ("waiting", row.n - done))
    ]
    colour = _colour("judged", ["judged", "waiting"])
    return _bars(values, "route", {"x": COMPARISONS | {"field": "comparisons"}} | colour)


def routes(now: Values, before: Values) -> str:
    """Comparisons by route, before a policy and with it."""
    values = [
        {"route": ROUTE_WORDS[row["route"]], "when": when, "comparisons": row["n"]}
        for when, rows in ((BEFORE, before), (NOW, now))
        for row in rows
    ]
    x = {"x": COMPARISONS | {"field": "comparisons"}}
    offset = {"yOffset": {"field": "when", "sort": [BEFORE, NOW]}}
    return _bars(values, "route", x | offset | _colour("when", [BEFORE, NOW]), thick=2)


def quality(now: dict[str, Any], before: dict[str, Any]) -> str:
    """The expected share of right labels against people's hours; "" where neither is known."""
    values = [
        {
            "when": when,
            "hours": told["people"]["minutes"] / 60,
            "quality": told["quality"]["mean"],
            "low": told["quality"]["low"],
            "high": told["quality"]["high"],
        }
        for when, told in ((BEFORE, before), (NOW, now))
        if told["quality"]["mean"] is not None
    ]
    if not values:
        return ""
    y = {
        "type": "quantitative",
        "title": "right labels",
        "scale": {"zero": False},
        "axis": {"format": ".0%", "tickCount": 5},
    }
    x = {
        "field": "hours",
        "type": "quantitative",
        "title": "people’s hours",
        "axis": {"tickCount": 5},
    }
    shared = {"x": x | {"scale": {"zero": True}}} | _colour("when", [BEFORE, NOW])
    point = {"type": "point", "filled": True, "size": 110, "opacity": 1, "tooltip": True}
    layers = [
        {
            "mark": {"type": "rule", "strokeWidth": 2},
            "encoding": shared | {"y": y | {"field": "low"}, "y2": {"field": "high"}},
        },
        {"mark": point, "encoding": shared | {"y": y | {"field": "quality"}}},
    ]
    return _spec(values, {"height": 200, "layer": layers})


def guards(rows: Sequence[GuardRow]) -> str:
    """Each slice's error between what it exceeds and does not exceed, and its limit; "" of none."""
    values: Values = [
        {
            "slice": row.slice,
            "error": row.rate,
            "above": row.least,
            "at most": row.bound,
            "limit": row.limit,
            "audited": row.n_audited,
        }
        for row in rows[:MOST_SLICES]
        if row.rate is not None
    ]
    if not values:
        return ""
    axis = {"format": ".0%", "tickCount": 5}
    x = {"type": "quantitative", "title": "error", "scale": {"domain": [0, 1]}, "axis": axis}
    shared = {"y": _names("slice")}
    tick = {"type": "tick", "thickness": 3, "style": "usual"}
    point = {"type": "point", "filled": True, "size": 70, "opacity": 1, "tooltip": True}
    layers = [
        {
            "mark": {"type": "rule", "strokeWidth": 2},
            "encoding": shared | {"x": x | {"field": "above"}, "x2": {"field": "at most"}},
        },
        {"mark": tick, "encoding": shared | {"x": x | {"field": "limit"}}},
        {"mark": point, "encoding": shared | {"x": x | {"field": "error"}}},
    ]
    return _spec(values, {"height": ROW * len(values) + AXES, "layer": layers})


def _done(row: RouteRow) -> int:
    return row.by_judges if row.route == "judge" else row.by_people


def _bars(values: Values, by: str, encoding: dict[str, Any], thick: int = 1) -> str:
    n_rows = len({row[by] for row in values})
    mark = {"type": "bar", "cornerRadiusEnd": 2, "tooltip": True}
    return _spec(
        values,
        {
            "height": ROW * thick * n_rows * 2 // 3 + AXES,
            "mark": mark,
            "encoding": {"y": _names(by)} | encoding,
        },
    )


def _names(field: str) -> dict[str, Any]:
    return {
        "field": field,
        "type": "nominal",
        "title": None,
        "sort": None,
        "axis": {"labelLimit": SHORTENED},
    }


def _colour(field: str, domain: list[str]) -> dict[str, Any]:
    colour = {
        "field": field,
        "type": "nominal",
        "title": None,
        "scale": {"domain": domain},
        "legend": {"orient": "top"},
    }
    return {"color": colour}


def _spec(values: Values, shape: dict[str, Any]) -> str:
    return json.dumps(
        {"$schema": SCHEMA, "width": "container", "data": {"values": values}, **shape}
    )
