"""A figure as it may be shown: with its interval, or, below a minimum of data, not at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from annotation.domain.bias import FEWEST_OWN
from annotation.domain.live_agreement import LiveAgreement, beyond_chance
from annotation.domain.quality_panels import FEWEST_ITEMS
from annotation.domain.rates import Rate, wilson

FEWEST_BY_ANNOTATOR = 10  # votes of one annotator, as for Dawid-Skene
FEWEST_FLIPS = 10  # comparisons that somebody judged in both orders


@dataclass(frozen=True)
class Figure:
    """A number of `n` things with its interval, shown only where n reaches `need`.

    value, low, high: None where undefined. of: what n counts, in the plural. is_share: in [0, 1]
    and spoken of in percent; else a plain number. usual: what the value would be without any
    effect, None where no value is special.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    need: int
    of: str
    is_share: bool = True
    usual: float | None = None

    @property
    def is_enough(self) -> bool:
        return self.n >= self.need and self.value is not None

    @property
    def is_off(self) -> bool:
        """Whether the interval leaves out the usual value."""
        if self.usual is None or not self.is_enough or self.low is None or self.high is None:
            return False
        return not self.low <= self.usual <= self.high


def figure_of(name: str, stored: Mapping[str, Any], need: int, of: str, **fields: Any) -> Figure:
    """Read a rate, an interval or an odds ratio out of a report."""
    n = fields.pop("n", stored.get("n", 0))
    ends = stored.get("value"), stored.get("low"), stored.get("high")
    return Figure(name, *ends, n or 0, need, of, **fields)


def live_figures(live: LiveAgreement) -> list[Figure]:
    """The agreement of people now; every one needs `FEWEST_ITEMS` comparisons with two votes."""

    def figure(name: str, rate: Rate, *, is_share: bool = True) -> Figure:
        ends = rate.value, rate.low, rate.high
        return Figure(
            name, *ends, live.n_units, FEWEST_ITEMS, "comparisons with two votes", is_share
        )

    return [
        figure("Pairs of votes that agree", live.pairwise),
        figure("Without ties", live.pairwise_no_ties),
        figure("Unanimous comparisons", live.unanimous),
        figure("Krippendorff’s alpha", live.alpha, is_share=False),
        figure("Gwet’s AC1", live.ac1, is_share=False),
    ]


def group_figures(stored: Mapping[str, Any]) -> list[Figure]:
    """Agreement of people, judges, and each with themselves."""
    names = {
        "human_human": "People, each other",
        "human_judge": "People and judges",
        "judge_judge": "Judges, each other",
        "self_consistency": "Everyone, themselves",
    }
    return [
        figure_of(name, stored.get(key, {}), FEWEST_ITEMS, "pairs of votes")
        for key, name in names.items()
    ]


def ranking_figures(stored: Mapping[str, Any]) -> list[Figure]:
    """Agreement of people's rankings of more than two responses; empty without any."""
    if not stored:
        return []
    n, of = stored["n_units"], "comparisons with two rankings"
    order, top, alpha = stored["order"]["value"], stored["same_top"]["value"], stored["alpha"]
    chance = beyond_chance(alpha["value"], alpha["observed"], alpha["expected"], n, n)
    return [
        _counted("Pairs of responses ordered alike", order, n, FEWEST_ITEMS, of),
        _counted("Same responses on top", top, n, FEWEST_ITEMS, of),
        Figure(
            "Alpha of rankings", chance.value, chance.low, chance.high, n, FEWEST_ITEMS, of, False
        ),
    ]


def _counted(name: str, value: float | None, n: int, need: int, of: str, **fields: Any) -> Figure:
    """A share of n independent trials, with Wilson's interval."""
    low, high = wilson(value * n, n) if value is not None and n else (None, None)
    return Figure(name, value, low, high, n, need, of, **fields)


def bias_figures(stored: Mapping[str, Any], who: str) -> list[Figure]:
    """What pulls the verdicts of one group. The odds ratio comes last; it is no share."""
    return [
        figure_of(
            f"First shown wins, {who}",
            stored.get("first_shown", {}),
            FEWEST_ITEMS,
            "decisive votes of known order",
            usual=0.5,
        ),
        figure_of(
            f"Longer wins, {who}",
            stored.get("longer_wins", {}),
            FEWEST_ITEMS,
            "decisive votes on unequal lengths",
            usual=0.5,
        ),
        figure_of(
            f"Flips with the order, {who}",
            stored.get("order_flips", {}),
            FEWEST_FLIPS,
            "comparisons judged in both orders",
        ),
        figure_of(
            f"Odds ratio of length, {who}",
            stored.get("length_odds_ratio", {}),
            FEWEST_ITEMS,
            "decisive votes",
            is_share=False,
            usual=1.0,
        ),
    ]


def self_preference_figures(stored: Mapping[str, Any]) -> list[Figure]:
    """By how much each judge's own family wins too often before it."""
    return [
        figure_of(
            judge,
            found["excess"],
            FEWEST_OWN,
            "comparisons of its own family with another",
            n=found["n"],
            usual=0.0,
        )
        for judge, found in stored.items()
    ]


def annotator_figure(entry: Mapping[str, Any], key: str, of: str, **fields: Any) -> Figure:
    """A rate of one annotator out of a report, with Wilson's interval."""
    value, n = entry.get(key), (entry.get("n_of") or {}).get(key, 0)
    return _counted(key, value, n, FEWEST_BY_ANNOTATOR, of, **fields)
