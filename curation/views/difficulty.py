from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from annotation.selectors import access
from curation.domain.difficulty.features import MEANINGS
from curation.domain.difficulty.heuristic import IN_WORDS
from curation.models import DifficultyFit
from curation.selectors import difficulty as selector
from curation.views import difficulty_plots as plots
from curation.views.frames import curation_page


@login_required
@require_GET
def difficulty(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    fit = selector.fit_in_force(seat.project)
    steps = selector.spread(seat.project)
    return curation_page(
        request,
        "difficulty.html",
        seat,
        "difficulty",
        fit=fit,
        lacks=[] if fit else selector.lacking(seat.project),
        heuristic=IN_WORDS,
        n_waiting=selector.requests_waiting(seat.project),
        steps=[one for one in steps if one["n"]],
        spread_plot=plots.spread(steps),
        extremes=[
            ("Hardest", selector.extremes(seat.project, hardest=True)),
            ("Easiest", selector.extremes(seat.project, hardest=False)),
        ],
        fits=selector.fits_of(seat.project),
        **(measured(fit) if fit else {}),
    )


def measured(fit: DifficultyFit) -> dict[str, Any]:
    """What the page shows of a fit."""
    told = fit.evaluation
    rows = [
        {
            "label": "all together",
            "kind": "foretold",
            "value": told["spearman"],
            "low": told["spearman_low"],
            "high": told["spearman_high"],
        }
    ] + [
        {
            "label": one["name"].replace("_", " "),
            "kind": "one signal alone",
            "value": one["spearman"],
            "low": one["spearman_low"],
            "high": one["spearman_high"],
        }
        for one in told["singles"]
    ]
    return {
        "told": told,
        "rows": rows,
        "weights": weights_of(fit),
        "reliability_plot": plots.reliability(told["reliability"]),
        "correlation_plot": plots.correlations(rows, told["ceiling"]),
    }


def weights_of(fit: DifficultyFit) -> list[dict[str, Any]]:
    """The features that vary, the heaviest first, in words."""
    used = {one["name"] for one in fit.evaluation["singles"]}
    found = [
        {
            "name": name.replace("_", " "),
            "meaning": MEANINGS.get(name, name),
            "weight": one["weight"],
            "is_harder": one["weight"] > 0,
        }
        for name, one in fit.weights["features"].items()
        if name in used
    ]
    return sorted(found, key=lambda one: -abs(one["weight"]))
