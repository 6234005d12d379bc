"""Vega-Lite specifications of the quality pages: intervals, heat maps, agreement over time."""

import json
from collections.abc import Sequence
from typing import Any

from annotation.domain.figures import Figure
from annotation.selectors.quality_pages import SHOWN_VERDICTS, Person, Table
from annotation.selectors.work_days import WorkDay
from annotation.views.plots import MOST_BANDS, SCHEMA

ROW = 26  # pixels
AXES = 55  # pixels of labels above or below; a fixed height, as Vega-Lite warns about steps
TICKS = 5
MOST_ROWS = 40  # people or models in one plot; the table has all
SHORTENED = 170  # pixels of a name before it is cut
WORDS = {True: "people", False: "judges"}

Values = list[dict[str, Any]]


def intervals(figures: Sequence[Figure], title: str, *, usual: float | None = None) -> str:
    """Shares of several things, each with its interval, on one axis from 0 to 1."""
    values = [
        {"what": one.name, "value": one.value, "low": one.low, "high": one.high, "n": one.n}
        for one in figures
        if one.is_enough
    ]
    return _dots(values, title, usual=usual, domain=(0, 1)) if values else ""


def people_and_judges(
    rows: Sequence[Person], key: str, title: str, *, usual: float | None = None
) -> str:
    """One figure of people and judges on the same axis, the highest first."""
    found = [(one, getattr(one, key)) for one in rows]
    shown = [(one, figure) for one, figure in found if figure.is_enough]
    shown.sort(key=lambda pair: -pair[0].n)
    values = [
        {
            "what": one.name,
            "kind": WORDS[not one.is_judge],
            "value": figure.value,
            "low": figure.low,
            "high": figure.high,
            "n": figure.n,
        }
        for one, figure in shown[:MOST_ROWS]
    ]
    values.sort(key=lambda row: -row["value"])
    return _dots(values, title, usual=usual, domain=(0, 1)) if values else ""


def scores(places: Sequence[dict[str, Any]]) -> str:
    """Models by score with intervals, best first; 0 is the average model."""
    values = [
        {
            "what": one["model"],
            "value": one["score"],
            "low": one["low"],
            "high": one["high"],
            "n": one["n"],
        }
        for one in places[:MOST_ROWS]
    ]
    return _dots(values, "score (logits)", usual=0.0, percent=False)


def over_time(periods: Sequence[dict[str, Any]]) -> str:
    """Share of pairs of votes that agree, with its interval, at the end of each period."""
    values = [row for row in periods if row["pairwise"] is not None]
    y = {
        "type": "quantitative",
        "title": "votes that agree",
        "scale": {"domain": [0, 1]},
        "axis": {"format": ".0%", "tickCount": TICKS},
    }
    reach = {"mark": {"type": "rule", "strokeWidth": 2, "opacity": 0.6}}
    line = {"mark": {"type": "line", "point": True, "tooltip": True}}
    layers = [
        reach | {"encoding": {"y": y | {"field": "low"}, "y2": {"field": "high"}}},
        line | {"encoding": {"y": y | {"field": "pairwise"}}},
    ]
    return _spec(values, layers, encoding={"x": _days("last_day", len(values))}) if values else ""


def _days(field: str, n: int) -> dict[str, Any]:
    if n > MOST_BANDS:
        return {
            "field": field,
            "type": "temporal",
            "timeUnit": "utcyearmonthdate",
            "title": None,
            "axis": {"tickCount": TICKS, "format": "%d %b"},
        }
    axis = {"labelAngle": 0, "labelOverlap": True}
    return {"field": field, "type": "ordinal", "title": None, "axis": axis}


def confusion(table: Table) -> str:
    """What one said (across) where the others' majority said (down), as shares of each row."""
    used = [place for place, row in enumerate(table) if any(row) or any(r[place] for r in table)]
    values = [
        {
            "majority": SHOWN_VERDICTS[truth],
            "said": SHOWN_VERDICTS[own],
            "share": table[truth][own] / sum(table[truth]),
            "votes": table[truth][own],
        }
        for truth in used
        for own in used
        if any(table[truth])
    ]
    names = [SHOWN_VERDICTS[place] for place in used]
    return _heat(values, "said", "majority", "share", names) if values else ""


def win_matrix(board: dict[str, Any]) -> str:
    """Share of judged pairs that the model in the row won against that in the column."""
    models = board["win_matrix"]["models"][:MOST_ROWS]
    values = [
        {"winner": winner, "against": loser, "share": share, "pairs": n}
        for winner, row in zip(models, win_shares(board), strict=False)
        for loser, (share, n) in zip(models, row, strict=False)
        if share is not None
    ]
    return _heat(values, "against", "winner", "share", models) if values else ""


def pace(days: Sequence[WorkDay]) -> str:
    """Judgments of one annotator by day."""
    values = [{"day": one.day.isoformat(), "judgments": one.n_judgments} for one in days]
    y = {"field": "judgments", "type": "quantitative", "title": "judgments"}
    bars = {"mark": {"type": "bar", "tooltip": True}, "encoding": {"y": y}}
    return _spec(values, [bars], encoding={"x": _days("day", len(values))})


def win_shares(board: dict[str, Any]) -> list[list[tuple[float | None, int]]]:
    """Share won with ties as halves, and pairs judged, of each model against each other one."""
    wins, ties = board["win_matrix"]["wins"], board["win_matrix"]["ties"]
    size = range(len(wins))
    n = [[wins[i][j] + wins[j][i] + ties[i][j] for j in size] for i in size]
    return [
        [
            (
                (wins[i][j] + ties[i][j] / 2) / n[i][j] if n[i][j] and i != j else None,
                round(n[i][j]),
            )
            for j in size
        ]
        for i in size
    ]


def _dots(
    values: Values,
    title: str,
    *,
    usual: float | None = None,
    domain: tuple[float, float] | None = None,
    percent: bool = True,
) -> str:
    axis: dict[str, Any] = {"tickCount": TICKS} | ({"format": ".0%"} if percent else {})
    scale: dict[str, Any] = {"domain": list(domain)} if domain else {"zero": False}
    x = {"type": "quantitative", "axis": axis, "scale": scale}
    y = {
        "field": "what",
        "type": "nominal",
        "title": None,
        "sort": None,
        "axis": {"labelLimit": SHORTENED, "grid": True},
    }
    shared: dict[str, Any] = {"y": y}
    if any("kind" in row for row in values):
        shared["color"] = {
            "field": "kind",
            "type": "nominal",
            "title": None,
            "scale": {"domain": ["people", "judges"]},
            "legend": {"orient": "top"},
        }
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "rule", "strokeWidth": 2},
            "encoding": shared
            | {"x": x | {"field": "low", "title": title}, "x2": {"field": "high"}},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1, "tooltip": True},
            "encoding": shared | {"x": x | {"field": "value", "title": title}},
        },
    ]
    if usual is not None:
        layers.insert(
            0,
            {
                "data": {"values": [{"usual": usual}]},
                "mark": {"type": "rule", "strokeDash": [4, 4], "opacity": 0.6, "style": "usual"},
                "encoding": {"x": x | {"field": "usual", "title": title}},
            },
        )
    return _spec(values, layers, height=ROW * len(values) + AXES)


def _heat(values: Values, across: str, down: str, value: str, order: list[str]) -> str:
    axis = {"type": "nominal", "sort": order, "scale": {"domain": order}}
    labels = {"labelLimit": SHORTENED}
    n_shown = len(order)
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "rect", "tooltip": {"content": "data"}},
            "encoding": {
                "color": {
                    "field": value,
                    "type": "quantitative",
                    "scale": {"domain": [0, 1]},
                    "legend": None,
                }
            },
        }
    ]
    if n_shown <= 12:
        layers.append(
            {
                "mark": {"type": "text"},
                "encoding": {"text": {"field": value, "type": "quantitative", "format": ".0%"}},
            }
        )
    return _spec(
        values,
        layers,
        height=ROW * n_shown + 2 * AXES,
        encoding={
            "x": axis
            | {
                "field": across,
                "title": None,
                "axis": labels | {"orient": "top", "labelAngle": -40},
            },
            "y": axis | {"field": down, "title": None, "axis": labels},
        },
    )


def _spec(
    values: Values,
    layer: list[dict[str, Any]],
    *,
    height: Any = 200,
    encoding: dict[str, Any] | None = None,
) -> str:
    return json.dumps(
        {
            "$schema": SCHEMA,
            "width": "container",
            "height": height,
            "data": {"values": values},
            "encoding": encoding or {},
            "layer": layer,
        }
    )
