"""Vega-Lite specification of what a selection picks of each group."""

import json
from collections.abc import Sequence
from typing import Any

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
MOST_ROWS = 20  # groups in the plot; the table has more
ROW, AXES = 40, 60  # pixels
SHORTENED = 150  # pixels of a name before it is cut


def shares(groups: Sequence[dict[str, Any]], n_candidates: int) -> str:
    """Each group's share of the candidates beside its share of the picks; "" without groups."""
    n_picked = sum(row["picked"] for row in groups) or 1
    values = [
        {"group": row["group"], "of": of, "share": share, "comparisons": n}
        for row in groups[:MOST_ROWS]
        for of, share, n in (
            ("candidates", row["available"] / (n_candidates or 1), row["available"]),
            ("picks", row["picked"] / n_picked, row["picked"]),
        )
    ]
    if not values:
        return ""
    return json.dumps(
        {
            "$schema": SCHEMA,
            "width": "container",
            "height": ROW * len(values) // 2 + AXES,
            "data": {"values": values},
            "mark": {"type": "bar", "cornerRadiusEnd": 2, "tooltip": True},
            "encoding": {
                "y": {
                    "field": "group",
                    "type": "nominal",
                    "title": None,
                    "sort": None,
                    "axis": {"labelLimit": SHORTENED},
                },
                "yOffset": {"field": "of", "sort": ["candidates", "picks"]},
                "x": {
                    "field": "share",
                    "type": "quantitative",
                    "title": "share",
                    "axis": {"format": ".0%", "tickCount": 5},
                },
                "color": {
                    "field": "of",
                    "type": "nominal",
                    "title": None,
                    "scale": {"domain": ["candidates", "picks"]},
                    "legend": {"orient": "top"},
                },
            },
        }
    )
