"""Vega-Lite specifications of the page about difficulty."""

import json
from collections.abc import Sequence
from typing import Any

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
ROW = 24  # pixels
AXES = 60
SHARE = {"domain": [0, 1]}


def reliability(bins: Sequence[dict[str, Any]]) -> str:
    """Observed against foretold disagreement by tenth, with the diagonal where both are equal."""
    values = [
        {"foretold": one["predicted"], "observed": one["observed"], "comparisons": one["n"]}
        for one in bins
    ]
    top = max([0.6, *(max(one["foretold"], one["observed"]) for one in values)])
    scale = {"domain": [0, min(round(top + 0.05, 2), 1)]}
    axis = {"format": ".0%", "tickCount": 5}

    def side(field: str, title: str) -> dict[str, Any]:
        return {
            "field": field,
            "type": "quantitative",
            "title": title,
            "scale": scale,
            "axis": axis,
        }

    end = scale["domain"][1]
    diagonal = {
        "data": {"values": [{"foretold": 0, "observed": 0}, {"foretold": end, "observed": end}]},
        "mark": {"type": "line", "strokeDash": [4, 4], "opacity": 0.6, "style": "usual"},
    }
    points = {
        "mark": {"type": "point", "filled": True, "opacity": 1, "tooltip": {"content": "data"}},
        "encoding": {
            "size": {
                "field": "comparisons",
                "type": "quantitative",
                "legend": None,
                "scale": {"zero": True, "range": [30, 140]},
            }
        },
    }
    encoding = {
        "x": side("foretold", "foretold to disagree"),
        "y": side("observed", "disagreed"),
    }
    return _spec(values, [diagonal, points], encoding, height=280)


def correlations(rows: Sequence[dict[str, Any]], ceiling: float | None) -> str:
    """Rank correlation of the model, and of each signal alone, with the ceiling as a line."""
    values = [
        {"what": one["label"], "correlation": abs(one["value"]), "kind": one["kind"]}
        for one in rows
        if one["value"] is not None
    ]
    y = {
        "field": "what",
        "type": "nominal",
        "title": None,
        "sort": None,
        "axis": {"labelLimit": 170},
    }
    x = {"type": "quantitative", "title": "rank correlation, without its sign"}
    colour = {
        "field": "kind",
        "type": "nominal",
        "title": None,
        "scale": {"domain": ["foretold", "one signal alone"]},
        "legend": {"orient": "top"},
    }
    bars = {
        "mark": {"type": "bar", "cornerRadiusEnd": 2, "tooltip": {"content": "data"}},
        "encoding": {"x": x | {"field": "correlation"}, "y": y, "color": colour},
    }
    layers: list[dict[str, Any]] = [bars]
    if ceiling is not None:
        layers.append(
            {
                "data": {"values": [{"ceiling": ceiling}]},
                "mark": {"type": "rule", "strokeDash": [4, 4], "strokeWidth": 2, "style": "usual"},
                "encoding": {"x": x | {"field": "ceiling"}},
            }
        )
    return _spec(values, layers, {}, height=ROW * len(values) + AXES)


def spread(steps: Sequence[dict[str, Any]]) -> str:
    """How many comparisons are how hard."""
    values = [{"from": one["from"], "to": one["to"], "comparisons": one["n"]} for one in steps]
    encoding = {
        "x": {
            "field": "from",
            "type": "quantitative",
            "title": "difficulty",
            "bin": {"binned": True, "step": 1 / len(values) if values else 1},
            "scale": SHARE,
        },
        "x2": {"field": "to"},
        "y": {"field": "comparisons", "type": "quantitative", "title": "comparisons"},
    }
    return _spec(values, [{"mark": {"type": "bar", "tooltip": {"content": "data"}}}], encoding)


def _spec(
    values: list[dict[str, Any]],
    layer: list[dict[str, Any]],
    encoding: dict[str, Any],
    height: int = 200,
) -> str:
    return json.dumps(
        {
            "$schema": SCHEMA,
            "width": "container",
            "height": height,
            "data": {"values": values},
            "encoding": encoding,
            "layer": layer,
        }
    )
