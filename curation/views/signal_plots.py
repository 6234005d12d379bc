"""Vega-Lite specifications of the pages about signals."""

import json
from collections.abc import Sequence
from typing import Any

from curation.domain.signals.summary import Bin, Correlation

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
HEIGHT = 220
ROW, AXES = 22, 55  # pixels
SHORTENED = 170
MOST_ROWS = 30


def distribution(bins: Sequence[Bin], title: str) -> str:
    """Comparisons by value, as bars from edge to edge; "" without values."""
    values = [{"from": one.low, "to": one.high, "comparisons": one.n} for one in bins]
    x = {"type": "quantitative", "title": title, "scale": {"zero": False}}
    encoding = {
        "x": x | {"field": "from", "bin": {"binned": True}, "axis": {"tickCount": 6}},
        "x2": {"field": "to"},
        "y": {"field": "comparisons", "type": "quantitative", "axis": {"tickCount": 5}},
    }
    return spec(values, encoding, HEIGHT)


def frequencies(words: Sequence[tuple[str, int]]) -> str:
    """Comparisons by word, the most frequent first; "" without words."""
    values = [{"word": word, "comparisons": n} for word, n in words]
    encoding = {
        "y": names("word"),
        "x": {"field": "comparisons", "type": "quantitative", "axis": {"tickCount": 5}},
    }
    return spec(values, encoding, ROW * len(values) + AXES)


def along_with_disagreement(found: Sequence[Correlation]) -> str:
    """Signals by how strongly they go along with people's disagreement; "" without any."""
    values = [
        {"signal": one.name.replace("_", " "), "correlation": one.rho, "comparisons": one.n}
        for one in found[:MOST_ROWS]
    ]
    encoding = {
        "y": names("signal"),
        "x": {
            "field": "correlation",
            "type": "quantitative",
            "title": "rank correlation with disagreement",
            "scale": {"domain": [-1, 1]},
            "axis": {"tickCount": 5},
        },
    }
    return spec(values, encoding, ROW * len(values) + AXES)


def names(field: str) -> dict[str, Any]:
    axis = {"labelLimit": SHORTENED}
    return {"field": field, "type": "nominal", "title": None, "sort": None, "axis": axis}


def spec(values: list[dict[str, Any]], encoding: dict[str, Any], height: int) -> str:
    if not values:
        return ""
    return json.dumps(
        {
            "$schema": SCHEMA,
            "width": "container",
            "height": height,
            "data": {"values": values},
            "mark": {"type": "bar", "tooltip": True},
            "encoding": encoding,
        }
    )
