"""A dry run: what a policy would do with all comparisons, what it would cost, and how good it is.

Figures are counted from plans, which say of each comparison who would judge it; a plan of another
policy beside it tells what would change.
"""

from dataclasses import asdict
from typing import Any

import numpy as np

from curation.domain.routing.deciding import BOTH, DEFAULT, JUDGE, ROUTES
from curation.domain.routing.expected import Ints, Trust, expected_quality
from curation.domain.routing.plans import Plan, Work

BY_JUDGES = np.isin(np.arange(len(ROUTES)), [JUDGE, BOTH])
MOST_EXAMPLES = 5
DECIMALS = 4

Told = dict[str, Any]


def simulate(plan: Plan, before: Plan, work: Work, trust: Trust) -> Told:
    """Tell what a plan does and costs, and what it changes against the one before.

    Returns:
        As JSON: `n`; what `figures_of` tells; the same of `before` under "before"; `rules`, each
        with `places` of examples among the n; and `changes`.
    """
    return {
        "n": len(plan.route),
        **figures_of(plan, work, trust),
        "rules": rules_of(plan, trust),
        "before": figures_of(before, work, trust),
        "changes": changes_of(plan, before, work),
    }


def figures_of(plan: Plan, work: Work, trust: Trust) -> Told:
    """Count a plan: routes, people's work, each judge's, and the quality that is expected."""
    n = len(plan.route)
    still = np.maximum(plan.overlap - work.n_taken, 0)
    asked = plan.judges & ~work.is_asked
    counts = np.bincount(plan.route, minlength=len(ROUTES))
    return {
        "routes": [
            {"route": route.value, "n": int(count), "share": share(int(count), n)}
            for route, count in zip(ROUTES, counts, strict=True)
        ],
        "people": {
            "judgments": int(plan.overlap.sum()),
            "still_wanted": int(still.sum()),
            "minutes": round(float(still @ work.minutes), 1),
            "explored": int(plan.is_explored.sum()),
            "audited": int(plan.is_audited.sum()),
            "turned": int(plan.is_turned.sum()),
        },
        "judges": [
            {
                "comparisons": int(plan.judges[:, place].sum()),
                "still_wanted": int(asked[:, place].sum()),
                "requests": int(asked[:, place].sum() * work.n_requests[place]),
                "money": int(np.ceil(work.cost[asked[:, place], place].sum())),
            }
            for place in range(plan.judges.shape[1])
        ],
        "quality": quality_of(plan, trust),
    }


def rules_of(plan: Plan, trust: Trust) -> list[Told]:
    """What becomes of the comparisons that each rule catches, in the order of the rules.

    A rule whose comparisons go different ways has a row for each. The last rows, of rule null, are
    those of the learned router and the default.
    """
    pairs = np.unique(np.column_stack([plan.rule, plan.route]), axis=0).tolist()
    rows = []
    for rule, route in sorted(pairs, key=lambda pair: (pair[0] <= DEFAULT, pair)):
        places = np.flatnonzero((plan.rule == rule) & (plan.route == route))
        rows.append(
            {
                "rule": rule if rule > DEFAULT else None,
                "name": plan.names[rule],
                "route": ROUTES[route].value,
                "n": len(places),
                "share": share(len(places), len(plan.route)),
                "people": int(plan.overlap[places].sum()),
                "quality": quality_of(plan, trust, places),
                "places": spread(places),
            }
        )
    return rows


def changes_of(plan: Plan, before: Plan, work: Work) -> Told:
    """How many comparisons go from each route to each other, and slots that open and close."""
    moves = np.zeros((len(ROUTES), len(ROUTES)), dtype=np.int64)
    np.add.at(moves, (before.route, plan.route), 1)
    there = work.n_taken + work.n_free
    return {
        "moves": [
            {"from": ROUTES[a].value, "to": ROUTES[b].value, "n": int(moves[a, b])}
            for a, b in np.argwhere(moves).tolist()
        ],
        "moved": int(moves.sum() - np.trace(moves)),
        "opened": int(np.maximum(plan.overlap - there, 0).sum()),
        "closed": int(np.minimum(np.maximum(there - plan.overlap, 0), work.n_free).sum()),
    }


def quality_of(plan: Plan, trust: Trust, places: Ints | None = None) -> Told:
    """The expected share of right labels of all comparisons, or of those at some places."""
    chosen = slice(None) if places is None else places
    told = asdict(
        expected_quality(
            plan.overlap[chosen],
            BY_JUDGES[plan.route[chosen]],
            Trust(trust.people, trust.n_people, trust.judges[chosen], trust.n_judges),
        )
    )
    return {k: round(v, DECIMALS) if isinstance(v, float) else v for k, v in told.items()}


def spread(places: Ints) -> list[int]:
    """A few of the places, as far apart as they can be."""
    picked = np.linspace(0, len(places) - 1, min(len(places), MOST_EXAMPLES)).round().astype(int)
    return [int(place) for place in places[picked]]


def share(part: int, n: int) -> float:
    return round(part / n, DECIMALS) if n else 0.0
