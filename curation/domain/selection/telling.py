"""What there is to say about picks: where each stands and why it is there, group by group."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.domain.selection.floors import Floor
from curation.domain.selection.pool import Found, Pick, Pool
from curation.domain.selection.rankings import Standing, correlation
from curation.domain.selection.wish import LOWEST, Wish, signal_name

MOST_GROUPS = 100  # in what is told; floors hold for all


def sources_of(
    values: NDArray[np.float64], score: NDArray[np.float64], wish: Wish
) -> list[dict[str, Any]]:
    """Each signal of a wish: how many it speaks of, and its correlation with the score."""
    found = []
    for name, column in zip(wish.signals, values.T, strict=True):
        sign = -1.0 if name.startswith(LOWEST) else 1.0
        rho = correlation(sign * column, score)
        told = None if math.isnan(rho) else rho
        n = int((~np.isnan(column)).sum())
        found.append({"signal": name, "n": n, "correlation": told})
    return found


def told_groups(
    names: NDArray[np.object_],
    found: Found,
    floors: Sequence[Floor],
    standings: Sequence[Standing],
) -> list[dict[str, Any]]:
    """The largest groups: candidates, floor, picks, price of the floor, bias of the score."""
    picked = Counter(names[found.places].tolist())
    leasts = {floor.group: floor.least for floor in floors}
    rows: list[dict[str, Any]] = [
        {
            "group": one.group,
            "available": one.n,
            "floor": leasts.get(one.group, 0),
            "picked": picked[one.group],
            "price": found.prices.get(one.group),
            "standing": one.mean,
            "is_flagged": one.is_flagged,
        }
        for one in standings
    ]
    rows.sort(key=lambda row: (-row["available"], row["group"]))
    return rows[:MOST_GROUPS]


def told_picks(
    pool: Pool,
    score: NDArray[np.float64],
    chosen: NDArray[np.intp],
    found: Found,
    wish: Wish,
) -> list[Pick]:
    """The picks, each with its score and its reasons."""
    n_scored = int((~np.isnan(score)).sum())
    order = np.argsort(-np.where(np.isnan(score), -np.inf, score), kind="stable")
    standing = np.empty(len(score), dtype=np.intp)
    standing[order] = np.arange(1, len(score) + 1)
    picks = []
    for at, place in enumerate(chosen.tolist()):
        parts = []
        if wish.signals:
            told = _told_values(pool.values[place], wish)
            parts.append(f"{told}: place {standing[place]} of {n_scored}")
        if found.likeness is not None:
            parts.append(f"at most {found.likeness[at]:.2f} like an earlier pick")
        if found.forced_by[at]:
            parts.append(f"for the floor of '{found.forced_by[at][:80]}'")
        picks.append(Pick(int(pool.ids[place]), float(score[place]), "; ".join(parts)[:300]))
    return picks


def _told_values(values: NDArray[np.float64], wish: Wish) -> str:
    told = [
        f"{signal_name(name)} {value:.4g}"
        for name, value in zip(wish.signals, values, strict=True)
        if not math.isnan(value)
    ]
    return ", ".join(told)
