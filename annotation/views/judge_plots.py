"""Vega-Lite specifications of judges' pages: how honest probabilities are, two judges beside."""

import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from annotation.domain.figures import Figure
from annotation.domain.rates import wilson
from annotation.models import Calibration
from annotation.views.plots import SCHEMA
from annotation.views.quality_plots import AXES, ROW, SHORTENED, TICKS

SERIES = {"before": "as told", "after": "calibrated, on labels held out"}
HEIGHT = 300  # pixels
LINE = 18  # characters of a name before it goes on below


@dataclass(frozen=True)
class Bin:
    """Verdicts of about one probability: how often they were right, with its interval."""

    series: str
    low: float
    high: float
    confidence: float
    right: float
    right_low: float
    right_high: float
    n: int


def bins_of(calibration: Calibration | None) -> list[Bin]:
    """The bins of a calibration that hold labels, as told and calibrated."""
    if calibration is None:
        return []
    return [one for key, name in SERIES.items() for one in _bins(calibration, key, name)]


def reliability(calibration: Calibration | None) -> str:
    """How often verdicts are right by how sure the judge is; on the diagonal it is honest."""
    return _reliability(bins_of(calibration), list(SERIES.values()))


def reliabilities(sides: Sequence[tuple[str, Calibration | None]]) -> str:
    """The same of several judges, as they tell it."""
    return _reliability(told_bins(sides), [name for name, one in sides if one is not None])


def told_bins(sides: Sequence[tuple[str, Calibration | None]]) -> list[Bin]:
    """The bins of several judges that hold labels, as they tell it."""
    found = [(name, one) for name, one in sides if one is not None]
    return [each for name, one in found for each in _bins(one, "before", name)]


def side_by_side(rows: Sequence[tuple[str, Figure, Figure]], names: Sequence[str]) -> str:
    """Shares of two judges on one axis, for each figure that both have enough data for."""
    values = [
        {
            "what": textwrap.fill(name, LINE),
            "judge": judge,
            "value": one.value,
            "low": one.low,
            "high": one.high,
            "n": one.n,
        }
        for name, *pair in rows
        for judge, one in zip(names, pair, strict=True)
        if one.is_enough and one.is_share
    ]
    if not values:
        return ""
    x = {"type": "quantitative", "axis": {"tickCount": TICKS, "format": ".0%"}}
    shared = {
        "y": {
            "field": "what",
            "type": "nominal",
            "title": None,
            "sort": None,
            "axis": {
                "labelLimit": SHORTENED,
                "labelExpr": "split(datum.label, '\\n')",
                "grid": True,
            },
        },
        "yOffset": {"field": "judge", "sort": list(names)},
        "color": _colour("judge", names),
    }
    layers = [
        {
            "mark": {"type": "rule", "strokeWidth": 2},
            "encoding": shared
            | {"x": x | {"field": "low", "title": "share"}, "x2": {"field": "high"}},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1, "tooltip": True},
            "encoding": shared | {"x": x | {"field": "value", "title": "share"}},
        },
    ]
    n_rows = len({row["what"] for row in values})
    return _spec(values, layers, height=2 * ROW * n_rows + AXES)


def _bins(calibration: Calibration, key: str, name: str) -> list[Bin]:
    measured = calibration.evaluation.get(key) or {}
    return [
        Bin(
            name,
            one["low"],
            one["high"],
            one["confidence"],
            one["share_right"],
            *wilson(one["share_right"] * one["n"], one["n"]),
            one["n"],
        )
        for one in measured.get("bins", ())
        if one["n"]
    ]


def _reliability(bins: Sequence[Bin], names: Sequence[str]) -> str:
    if not bins:
        return ""
    share = {"type": "quantitative", "scale": {"domain": [0, 1]}}
    axis = {"axis": {"format": ".0%", "tickCount": TICKS}}
    x = share | axis | {"field": "confidence", "title": "probability that the judge gives"}
    y = share | axis | {"title": "share that is right"}
    colour = {"color": _colour("series", names)}
    layers: list[dict[str, Any]] = [
        {
            "data": {"values": [{"honest": 0}, {"honest": 1}]},
            "mark": {"type": "line", "strokeDash": [4, 4], "opacity": 0.6, "style": "usual"},
            "encoding": {
                "x": share | {"field": "honest"},
                "y": share | {"field": "honest"},
            },
        },
        {
            "mark": {"type": "rule", "strokeWidth": 2, "opacity": 0.5},
            "encoding": {
                "x": x,
                "y": y | {"field": "right_low"},
                "y2": {"field": "right_high"},
                **colour,
            },
        },
        {
            "mark": {"type": "line", "point": {"filled": True, "size": 60}, "tooltip": True},
            "encoding": {"x": x, "y": y | {"field": "right"}, **colour},
        },
    ]
    return _spec([vars(one) for one in bins], layers, height=HEIGHT)


def _colour(field: str, names: Sequence[str]) -> dict[str, Any]:
    return {
        "field": field,
        "type": "nominal",
        "title": None,
        "scale": {"domain": list(names)},
        "legend": {"orient": "top", "labelLimit": 2 * SHORTENED, "columns": 1},
    }


def _spec(values: list[dict[str, Any]], layer: list[dict[str, Any]], *, height: int) -> str:
    return json.dumps(
        {
            "$schema": SCHEMA,
            "width": "container",
            "height": height,
            "data": {"values": values},
            "layer": layer,
        }
    )
