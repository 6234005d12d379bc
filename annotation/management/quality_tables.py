"""A project's report as tables for a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table

MOST_ROWS = 30
AGREEMENT = {
    "n_items": "comparisons with two votes of people or more",
    "pairwise": "two people say the same",
    "pairwise_no_ties": "the same, ties left out",
    "alpha_nominal": "Krippendorff's alpha",
    "alpha_ordinal": "the same, a tie between the two",
    "ac1": "Gwet's AC1",
    "tie_rate": "ties",
}
VOTER = {
    "annotator": "name",
    "n": "judgments",
    "tie_rate": "ties",
    "agreement_with_majority": "= majority",
    "kappa": "kappa",
    "first_shown_rate": "first shown",
    "order_flip_rate": "flips",
    "longer_win_rate": "longer",
    "accuracy_vs_gold": "= gold",
}
MODEL = {
    "rank": "rank",
    "rank_low": "from",
    "rank_high": "to",
    "model": "model",
    "score": "score",
    "low": "low",
    "high": "high",
    "n": "pairs",
    "win_rate": "wins",
    "tie_rate": "ties",
}


def tables_of(report: Mapping[str, Any]) -> Iterator[Table]:
    """The parts of a report that hold anything; long lists are cut and say so."""
    counts = {name: n for name, n in report["counts"].items() if not isinstance(n, dict)}
    yield _pairs("Counts", {name.replace("_", " "): n for name, n in counts.items()})
    agreement = report["agreement"]
    yield _pairs("Agreement of people", {AGREEMENT[key]: agreement[key] for key in AGREEMENT})
    yield _bias(report["bias"])
    yield from _listed("Judges", VOTER, report["judges"])
    yield from _listed("Annotators", VOTER, report["annotators"])
    yield from _listed("Models", MODEL, report["leaderboard"])
    if report["leaderboard"]:
        yield _pairs("Do verdicts add up to one order?", report["transitivity"])


def _bias(bias: Mapping[str, Any]) -> Table:
    table = Table("", "people", "judges", title="Bias", title_justify="left")
    names = {
        "first_shown": "first shown wins",
        "order_flips": "flips",
        "longer_wins": "longer wins",
    }
    for key, name in names.items():
        table.add_row(name, *(_with_interval(bias[kind][key]) for kind in ("human", "llm")))
    return table


def _pairs(title: str, values: Mapping[str, Any]) -> Table:
    table = Table(title=title, show_header=False, title_justify="left")
    for name, value in values.items():
        table.add_row(name, _text(value))
    return table


def _listed(
    title: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]
) -> Iterator[Table]:
    if not rows:
        return
    more = len(rows) - MOST_ROWS
    caption = f"and {more:,} more; --json has them all" if more > 0 else None
    table = Table(*columns.values(), title=title, caption=caption, title_justify="left")
    for row in rows[:MOST_ROWS]:
        table.add_row(*(_text(row[key]) for key in columns))
    yield table


def _with_interval(rate: Mapping[str, Any]) -> str:
    if rate["value"] is None:
        return "–"
    return f"{rate['value']:.3f} ({rate['low']:.3f} to {rate['high']:.3f}, n = {rate['n']:,})"


def _text(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
