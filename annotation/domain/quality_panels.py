"""What pages show beside the figures: agreement over time, confusions, and votes behind a rate."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from annotation.domain.quality import Votes, votes_of_others
from annotation.domain.rates import Rate, rate
from annotation.domain.resampling import pairs_within
from annotation.domain.verdicts import (
    N_VERDICTS,
    NO_VERDICT,
    Bools,
    Floats,
    Ints,
    is_decisive,
    plurality,
    side_chosen,
)

SECONDS_A_DAY = 86_400
FEWEST_ITEMS = 50  # with two votes, below which agreement is not shown


@dataclass(frozen=True)
class Period:
    """How people agreed from one day to another (UTC), both included.

    A pair of votes belongs to the day of its later vote. `pairwise` is clustered by item where
    there are enough of them; its n counts pairs. n_items: items with such pairs.
    """

    first_day: date
    last_day: date
    n_votes: int
    n_items: int
    pairwise: Rate

    def as_json(self) -> dict[str, Any]:
        return {
            "first_day": self.first_day.isoformat(),
            "last_day": self.last_day.isoformat(),
            "n_votes": self.n_votes,
            "n_items": self.n_items,
            "n_pairs": self.pairwise.n,
            "pairwise": self.pairwise.value,
            "low": self.pairwise.low,
            "high": self.pairwise.high,
        }


def agreement_over_time(
    votes: Votes, judged_at: Floats, *, fewest_items: int = FEWEST_ITEMS
) -> list[Period]:
    """Follow people's agreement, days put together until a period can be judged.

    Args:
        votes: all votes, oldest first. judged_at: (n,) seconds since 1970.
        fewest_items: items with pairs that a period has at least, unless all days together have
            fewer; an item counts once for each day.
    Returns:
        Periods in order; empty without votes of people.
    """
    kept = ~votes.is_judge[votes.annotator] & (votes.choice != NO_VERDICT)
    votes, day = votes.where(kept), (judged_at[kept] // SECONDS_A_DAY).astype(np.int64)
    left, right = pairs_within(votes.item)
    alike, item = votes.choice[left] == votes.choice[right], votes.item[right]
    days, n_votes = np.unique(day, return_counts=True)
    seen = np.unique(np.stack([np.searchsorted(days, day[right]), item]), axis=1)[0]
    period = periods_of(np.bincount(seen, minlength=len(days)), fewest_items)
    by_pair = period[np.searchsorted(days, day[right])] if len(days) else seen
    return [
        Period(
            day_of(int(days[period == number].min())),
            day_of(int(days[period == number].max())),
            int(n_votes[period == number].sum()),
            len(np.unique(item[by_pair == number])),
            rate(alike[by_pair == number], item[by_pair == number]),
        )
        for number in range(int(period.max(initial=-1)) + 1)
    ]


def periods_of(n_items: Ints, fewest: int) -> Ints:
    """Number the period of each day: days are put together until they hold `fewest` items.

    Args:
        n_items: (D,) items of each day. What is left over at the end joins the period before.
    Returns:
        (D,) numbers from 0, never falling.
    """
    period, open_items = np.zeros(len(n_items), np.int64), 0
    for place in range(1, len(n_items)):
        open_items += int(n_items[place - 1])
        is_full = open_items >= fewest
        period[place] = period[place - 1] + is_full
        open_items = 0 if is_full else open_items
    last = period == period.max(initial=0)
    if n_items[last].sum() < fewest:
        period[last] = max(int(period.max(initial=0)) - 1, 0)
    return period


def day_of(number: int) -> date:
    return datetime.fromtimestamp(number * SECONDS_A_DAY, UTC).date()


def confusions(votes: Votes) -> Ints:
    """Count each annotator's verdicts by what the majority of the other people said.

    Returns:
        (A, V, V) counts [annotator, majority, own]. `FIRST` and `SECOND` are the sides as this
        annotator saw them (the stored order where that is unknown), so a habit of choosing a side
        shows. Votes without a majority to compare with are left out.
    """
    majority = plurality(votes_of_others(votes))
    kept = (votes.choice != NO_VERDICT) & (majority != NO_VERDICT)
    truth = as_shown(majority, votes.swapped)[kept]
    said = as_shown(votes.choice, votes.swapped)[kept]
    cells = (votes.annotator[kept].astype(np.int64) * N_VERDICTS + truth) * N_VERDICTS + said
    size = votes.n_annotators * N_VERDICTS**2
    return np.bincount(cells, minlength=size).reshape(-1, N_VERDICTS, N_VERDICTS)


def as_shown(choice: Ints, swapped: Ints) -> Ints:
    """Turn verdicts about responses into verdicts about sides, unknown order taken as stored."""
    return np.where(is_decisive(choice) & (swapped == 1), 1 - choice, choice)


def votes_behind(votes: Votes) -> dict[str, Ints]:
    """Count the votes behind each rate of `annotator_figures`.

    Returns:
        (A,) counts by the name of the figure: what its interval is to be computed from.
    """
    said, decisive = votes.choice != NO_VERDICT, is_decisive(votes.choice)
    majority = plurality(votes_of_others(votes))
    lengths = votes.lengths[votes.item]
    with_gold = votes.gold[votes.item] != NO_VERDICT
    masks: dict[str, Bools] = {
        "tie_rate": said,
        "agreement_with_majority": said & (majority != NO_VERDICT),
        "agreement_with_majority_no_ties": decisive & is_decisive(majority),
        "longer_win_rate": decisive & (lengths[:, 0] != lengths[:, 1]),
        "accuracy_vs_gold": said & with_gold,
    }
    behind: dict[str, Ints] = {
        name: np.bincount(votes.annotator[mask], minlength=votes.n_annotators)
        for name, mask in masks.items()
    }
    shown = votes.shown
    on_side = shown.annotator[side_chosen(shown.choice, shown.swapped) != NO_VERDICT]
    return behind | {"first_shown_rate": np.bincount(on_side, minlength=votes.n_annotators)}
