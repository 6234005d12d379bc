"""Vega-Lite specifications of the page of feedback."""

import json
from collections.abc import Sequence
from datetime import date

from annotation.domain.figures import Figure
from annotation.selectors.feedback import TrustRow
from annotation.views.plots import SCHEMA, day_axis
from annotation.views.quality_plots import intervals


def trust(rows: Sequence[TrustRow]) -> str:
    """How often feedback of each kind is right, with its interval; "" where nothing is known."""
    figures = [
        Figure(row.kind, row.weight, row.low, row.high, row.n_anchors, 1, "anchors")
        for row in rows
        if row.n_anchors
    ]
    return intervals(figures, "right where people judged too", usual=0.5)


def events_per_day(days: Sequence[tuple[date, str, int]]) -> str:
    values = [{"day": day.isoformat(), "kind": kind, "events": n} for day, kind, n in days]
    return json.dumps(
        {
            "$schema": SCHEMA,
            "width": "container",
            "height": 200,
            "data": {"values": values},
            "mark": {"type": "bar", "tooltip": True},
            "encoding": {
                "x": day_axis(len({day for day, _, _ in days})),
                "y": {
                    "field": "events",
                    "type": "quantitative",
                    "title": "events",
                    "axis": {"tickMinStep": 1},
                },
                "color": {
                    "field": "kind",
                    "type": "nominal",
                    "title": None,
                    "legend": {"orient": "top", "columns": 3},
                },
            },
        }
    )
