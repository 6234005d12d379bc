"""Vega-Lite specifications of the plots on pages; colours come from the page's own theme."""

import json
from typing import Any

from annotation.selectors.activity import Day

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
MOST_BANDS = 31  # more days than this need an axis that spaces them by time


def judgments_per_day(days: list[Day]) -> str:
    values = [
        {"day": day.day.isoformat(), "kind": kind, "judgments": n}
        for day in days
        for kind, n in (("people", day.human), ("judges", day.llm))
        if n
    ]
    return _spec(
        values,
        mark={"type": "bar", "cornerRadiusEnd": 2, "tooltip": True},
        encoding={
            "x": day_axis(len(days)),
            "y": {"field": "judgments", "type": "quantitative", "title": "judgments"},
            "color": {
                "field": "kind",
                "type": "nominal",
                "title": None,
                "scale": {"domain": ["people", "judges"]},
                "legend": {"orient": "top"},
            },
        },
    )


def settled_by_day(days: list[Day]) -> str:
    values = [
        {"day": day.day.isoformat(), "settled": day.share_settled, "comparisons": day.settled}
        for day in days
    ]
    return _spec(
        values,
        mark={"type": "area", "line": True, "point": True, "opacity": 0.35, "tooltip": True},
        encoding={
            "x": day_axis(len(days)),
            "y": {
                "field": "settled",
                "type": "quantitative",
                "title": "share settled",
                "axis": {"format": ".0%"},
                "scale": {"domain": [0, 1]},
            },
        },
    )


def day_axis(n_days: int) -> dict[str, Any]:
    axis = {"field": "day", "title": None}
    if n_days > MOST_BANDS:
        return axis | {"type": "temporal", "timeUnit": "utcyearmonthdate"}
    return axis | {"type": "ordinal", "axis": {"labelAngle": 0, "labelOverlap": True}}


def _spec(values: list[dict[str, Any]], mark: dict[str, Any], encoding: dict[str, Any]) -> str:
    return json.dumps(
        {
            "$schema": SCHEMA,
            "width": "container",
            "height": 200,
            "data": {"values": values},
            "mark": mark,
            "encoding": encoding,
        }
    )
