"""From candidates and a wish to picks with their reasons, and what there is to say about them."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.domain.selection.diversity import pick_spread
from curation.domain.selection.floors import Floor, pick_best, proportional_leasts
from curation.domain.selection.pool import Found, Plan, Pool, Vectors
from curation.domain.selection.rankings import aggregate, standings_of_groups
from curation.domain.selection.telling import sources_of, told_groups, told_picks
from curation.domain.selection.wish import LOWEST, Wish

MOST_SPREAD = 20_000  # candidates with the best scores, among which likeness is looked at
UNKNOWN = "(none)"


def scores_of(values: NDArray[np.float64], wish: Wish) -> NDArray[np.float64]:
    """One score in [0, 1] for each candidate, NaN where no signal tells anything.

    The value of a single signal is scaled between its least and its greatest; several are made
    into one ranking. Without signals everybody has 0.
    """
    if not wish.signals:
        return np.zeros(len(values))
    signed = values * [-1.0 if name.startswith(LOWEST) else 1.0 for name in wish.signals]
    if len(wish.signals) > 1:
        return aggregate(signed, wish.rule).score
    column = signed[:, 0]
    if np.isnan(column).all():
        return column
    low, high = np.nanmin(column), np.nanmax(column)
    return (column - low) / (high - low) if high > low else column * 0.0


def plan_of(pool: Pool, wish: Wish, vectors: Vectors) -> Plan:
    """Pick candidates as a wish says.

    Raises:
        FloorsTooHigh, NoPickFound: as `floors.pick_best` does.
    """
    score = scores_of(pool.values, wish)
    scored = np.flatnonzero(~np.isnan(score))
    names = np.array([group or UNKNOWN for group in pool.groups], dtype=object)[scored]
    floors = floors_of(names, wish)
    pick = _spread if wish.weight else _best
    found = pick(score[scored], floors, pool.minutes[scored], wish, vectors, pool.ids[scored])
    chosen = scored[found.places]
    standings = standings_of_groups(score[scored], list(names)) if wish.groups else []
    outcome = found.outcome | {
        "candidates": len(pool.ids),
        "unscored": len(pool.ids) - len(scored),
        "minutes": float(pool.minutes[chosen].sum()),
        "sources": sources_of(pool.values, score, wish),
        "groups": told_groups(names, found, floors, standings) if wish.groups else [],
        "n_groups": len(standings),
    }
    return Plan(told_picks(pool, score, chosen, found, wish), outcome)


def floors_of(names: NDArray[np.object_], wish: Wish) -> list[Floor]:
    """The floors of a wish over candidates with these groups; one may be in nobody's."""
    sizes = Counter(names.tolist())
    if wish.floors == "none":
        return []
    leasts = wish.leasts
    if wish.floors == "proportional" and wish.n is not None:
        leasts = proportional_leasts(sizes, wish.n)
    order = np.argsort(names, kind="stable")
    ends = np.cumsum([sizes[name] for name in sorted(sizes)])
    members = dict(zip(sorted(sizes), np.split(order, ends[:-1]), strict=True)) if sizes else {}
    nobody = np.empty(0, dtype=np.intp)
    return [
        Floor(group, members.get(group, nobody), least) for group, least in leasts.items() if least
    ]


def _best(
    score: NDArray[np.float64],
    floors: Sequence[Floor],
    minutes: NDArray[np.float64],
    wish: Wish,
    vectors: Vectors,
    ids: NDArray[np.int64],
) -> Found:
    has_budget = wish.minutes is not None
    chosen = pick_best(
        score,
        floors,
        n=wish.n,
        cost=minutes if has_budget else None,
        budget=math.inf if wish.minutes is None else wish.minutes,
    )
    outcome = {
        "how": "programme" if has_budget else "exact",
        "total": chosen.total,
        "bound": chosen.bound,
        "is_exact": chosen.is_exact,
        "lost": chosen.lost,
    }
    return Found(chosen.picks, chosen.forced_by, None, outcome, dict(chosen.prices))


def _spread(
    score: NDArray[np.float64],
    floors: Sequence[Floor],
    minutes: NDArray[np.float64],
    wish: Wish,
    vectors: Vectors,
    ids: NDArray[np.int64],
) -> Found:
    likely = _likely(score, floors)
    place_of = np.full(len(score), -1)
    place_of[likely] = np.arange(len(likely))
    inner = []
    for floor in floors:
        places = place_of[floor.members]
        inner.append(Floor(floor.group, places[places >= 0], floor.least))
    options: dict[str, Any] = {"n": len(likely) if wish.n is None else wish.n}
    if wish.minutes is not None:
        options |= {"cost": minutes[likely], "budget": wish.minutes}
    likely_vectors = vectors.of(ids[likely])
    found = pick_spread(score[likely], likely_vectors, inner, weight=wish.weight, **options)
    free = pick_spread(score[likely], likely_vectors, weight=wish.weight, **options)
    outcome = {
        "how": "greedy",
        "total": found.total,
        "bound": max(found.bound, found.total),
        "is_exact": False,
        "lost": max(0.0, free.total - found.total) if floors else 0.0,
        "compared": len(likely),
    }
    return Found(likely[found.picks], found.forced_by, found.nearest, outcome, {})


def _likely(score: NDArray[np.float64], floors: Sequence[Floor]) -> NDArray[np.intp]:
    """Places of the best MOST_SPREAD, and of the best of each group up to ten times its floor."""
    order = np.argsort(-score, kind="stable")
    if len(order) <= MOST_SPREAD:
        return np.arange(len(order))
    wanted = [order[:MOST_SPREAD]]
    for floor in floors:
        best_first = floor.members[np.argsort(-score[floor.members], kind="stable")]
        wanted.append(best_first[: 10 * floor.least])
    return np.unique(np.concatenate(wanted))
