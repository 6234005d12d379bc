"""The Vega specification of the map: zoom by wheel, a lasso by dragging, a click to open."""

import json
from typing import Any

from curation.selectors.map_points import Colour, TopicRow

SCHEMA = "https://vega.github.io/schema/vega/v6.json"
HEIGHT = 480
MARGIN = 1.08  # the map reaches from -1 to 1
STEP = 1.0015  # zoom of one pixel of the wheel
SIZES = [25, 400]  # square pixels of a point of one item, and of the one with the most


def spec(rows: list[dict[str, Any]], colour: Colour, topics: list[TopicRow]) -> str:
    """Write the map of some points. The page's script listens to `lasso` and to clicks."""
    labels = {topic.number: topic.label for topic in topics}
    values = [row | {"topic": labels.get(row["topic"], "")} for row in rows]
    if colour.name == "topic":
        values = [row | {"value": row["topic"]} for row in values]
    is_known = any(row["value"] is not None for row in values)
    return json.dumps(
        {
            "$schema": SCHEMA,
            "height": HEIGHT,
            "padding": 5,
            "autosize": {"type": "fit-x", "contains": "padding"},
            "signals": _signals(),
            "data": [
                {"name": "points", "values": values},
                {"name": "known", "source": "points", "transform": [_only("isValid(datum.value)")]},
                {
                    "name": "unknown",
                    "source": "points",
                    "transform": [_only("!isValid(datum.value)")],
                },
            ],
            "scales": [
                _place("x", [0, {"signal": "width"}]),
                _place("y", [{"signal": "height"}, 0]),
                {
                    "name": "size",
                    "type": "sqrt",
                    "domain": {"data": "points", "field": "items"},
                    "zero": True,
                    "range": SIZES,
                },
                _colours(colour, is_known),
            ],
            "legends": [_legend(colour)] if is_known else [],
            "marks": [
                _dots("unknown", {"value": "#8a8f9c"}),
                _dots("known", {"scale": "colour", "field": "value"}),
                LASSO,
            ],
        }
    )


LASSO = {
    "type": "path",
    "interactive": False,
    "encode": {
        "update": {
            "path": {"signal": "lassoPath(lasso)"},
            "fill": {"value": "#7a7f8c"},
            "fillOpacity": {"value": 0.15},
            "stroke": {"value": "#7a7f8c"},
            "strokeDash": {"value": [6, 4]},
            "strokeWidth": {"value": 1.5},
        }
    },
}


def _signals() -> list[dict[str, Any]]:
    zoomed = (
        "[anchor[{axis}] + (domain_{name}[0] - anchor[{axis}]) * zoom,"
        " anchor[{axis}] + (domain_{name}[1] - anchor[{axis}]) * zoom]"
    )
    whole = [-MARGIN, MARGIN]
    axes = [
        {
            "name": f"domain_{name}",
            "value": whole,
            "on": [
                {"events": {"signal": "zoom"}, "update": zoomed.format(axis=axis, name=name)},
                {"events": {"signal": "reset"}, "update": json.dumps(whole)},
            ],
        }
        for axis, name in enumerate("xy")
    ]
    return [
        {
            "name": "width",
            "init": "containerSize()[0]",
            "on": [{"events": {"source": "window", "type": "resize"},
                    "update": "containerSize()[0]"}],
        },
        {
            "name": "anchor",
            "value": [0, 0],
            "on": [{"events": "wheel!", "update": "[invert('x', x()), invert('y', y())]"}],
        },
        {
            "name": "zoom",
            "value": 1,
            "on": [{"events": "wheel!", "force": True,
                    "update": f"pow({STEP}, event.deltaY * pow(16, event.deltaMode))"}],
        },
        {"name": "reset", "value": 0, "on": [{"events": "dblclick", "update": "reset + 1"}]},
        *axes,
        {
            "name": "lasso",
            "value": [],
            "on": [
                {"events": "pointerdown", "update": "[[x(), y()]]"},
                {
                    "events": "[pointerdown, window:pointerup] > window:pointermove",
                    "update": "lassoAppend(lasso, clamp(x(), 0, width), clamp(y(), 0, height))",
                },
            ],
        },
    ]  # fmt: skip


def _only(test: str) -> dict[str, Any]:
    return {"type": "filter", "expr": test}


def _place(axis: str, reach: list[Any]) -> dict[str, Any]:
    domain = {"signal": f"domain_{axis}"}
    return {"name": axis, "type": "linear", "domain": domain, "zero": False, "range": reach}


def _colours(colour: Colour, is_known: bool) -> dict[str, Any]:
    domain: Any = {"data": "known", "field": "value"} if is_known else [0, 1]
    if colour.is_number:
        return {"name": "colour", "type": "linear", "domain": domain,
                "range": {"scheme": "plasma", "extent": [0.15, 0.85]}}  # fmt: skip
    if is_known:
        domain["sort"] = True
    return {"name": "colour", "type": "ordinal", "domain": domain, "range": {"scheme": "tableau20"}}


def _legend(colour: Colour) -> dict[str, Any]:
    shape = {"direction": "horizontal", "gradientLength": 200} if colour.is_number else {
        "columns": {"signal": "width > 700 ? 4 : 1"}, "symbolType": "circle"
    }  # fmt: skip
    return {"fill": "colour", "orient": "bottom", "labelLimit": 200, **shape}


def _dots(source: str, fill: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "symbol",
        "from": {"data": source},
        "clip": True,
        "encode": {
            "update": {
                "x": {"scale": "x", "field": "x"},
                "y": {"scale": "y", "field": "y"},
                "size": {"scale": "size", "field": "items"},
                "fill": fill,
                "fillOpacity": {"value": 0.8},
                "stroke": {"value": "#8a8f9c"},
                "strokeWidth": {"value": 0.5},
                "cursor": {"value": "pointer"},
                "tooltip": {
                    "signal": "{prompt: datum.excerpt, topic: datum.topic, items: datum.items,"
                    " value: isNumber(datum.value) ? format(datum.value, '.3~g') : datum.value}"
                },
            }
        },
    }
