"""Vega-Lite specifications of the page on what routing gains."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
EVERY = 2  # percent of the share between two points
RANDOM, BANDED = "random", ("confidence", "learned")


def curves(told: dict[str, Any], names: Mapping[str, str]) -> str:
    """Quality against the share that people judge, with bands of 95 %; random is dashed."""
    values = [
        {
            "share": share,
            "quality": quality,
            "low": low,
            "high": high,
            "router": names[router],
        }
        for router in names
        for (share, quality), (low, high) in list(
            zip(told["curves"][router], told["intervals"]["curves"][router], strict=True)
        )[::EVERY]
    ]
    colour = {
        "field": "router",
        "type": "nominal",
        "title": None,
        "scale": {"domain": [name for router, name in names.items() if router != RANDOM]},
        "legend": {"orient": "top", "columns": 2, "symbolType": "stroke", "symbolOpacity": 1},
    }
    x = {
        "field": "share",
        "type": "quantitative",
        "title": "share that people judge",
        "axis": {"format": ".0%", "tickCount": 5},
    }
    y = {
        "field": "quality",
        "type": "quantitative",
        "title": "right labels",
        "scale": {"zero": False},
        "axis": {"format": ".0%", "tickCount": 6},
    }
    banded = {"field": "router", "oneOf": [names[router] for router in BANDED]}
    layers = [
        {
            "transform": [{"filter": banded}],
            "mark": {"type": "area", "opacity": 0.15},
            "encoding": {"y": y | {"field": "low"}, "y2": {"field": "high"}, "color": colour},
        },
        {
            "transform": [{"filter": {"field": "router", "equal": names[RANDOM]}}],
            "mark": {"type": "line", "strokeDash": [4, 4], "style": "usual"},
            "encoding": {"y": y},
        },
        {
            "transform": [{"filter": {"not": {"field": "router", "equal": names[RANDOM]}}}],
            "mark": {"type": "line", "tooltip": {"content": "data"}},
            "encoding": {"y": y, "color": colour},
        },
    ]
    return _spec(values, layers, {"x": x}, height=300)


def reliability(bins: Mapping[str, Sequence[dict[str, Any]]], names: Mapping[str, str]) -> str:
    """Share right against the probability told, larger for more comparisons, with the diagonal."""
    values = [
        {
            "told": one["confidence"],
            "right": one["share_right"],
            "comparisons": one["n"],
            "source": name,
        }
        for source, name in names.items()
        for one in bins[source]
    ]
    axis = {"format": ".0%", "tickCount": 5}

    def side(field: str, title: str) -> dict[str, Any]:
        scale = {"domain": [0, 1]}
        kind = "quantitative"
        return {"field": field, "type": kind, "title": title, "scale": scale, "axis": axis}

    ends = [{"told": 0, "right": 0}, {"told": 1, "right": 1}]
    diagonal = {
        "data": {"values": ends},
        "mark": {"type": "line", "strokeDash": [4, 4], "opacity": 0.6, "style": "usual"},
    }
    colour = {
        "field": "source",
        "type": "nominal",
        "title": None,
        "scale": {"domain": list(names.values())},
        "legend": {"orient": "top", "columns": 1},
    }
    size = {
        "field": "comparisons",
        "type": "quantitative",
        "legend": None,
        "scale": {"zero": True, "range": [12, 240]},
    }
    points = {
        "mark": {"type": "point", "filled": True, "opacity": 0.9, "tooltip": {"content": "data"}},
        "encoding": {"color": colour, "size": size},
    }
    encoding = {
        "x": side("told", "probability that judges are right"),
        "y": side("right", "were right"),
    }
    return _spec(values, [diagonal, points], encoding, height=280)


def _spec(
    values: list[dict[str, Any]],
    layer: list[dict[str, Any]],
    encoding: dict[str, Any],
    height: int,
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
