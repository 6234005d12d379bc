from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from annotation.selectors import access
from curation.domain.routing.evaluation import ROUTERS
from curation.forms.routing_evaluation import Budget, BudgetForm
from curation.selectors import routing_labels
from curation.views import routing_evaluation_plots as plots
from curation.views.frames import curation_page

PAGE = "routing_evaluation.html"
SHARES = ("10", "25", "50")
OF = 1000  # comparisons that a budget is told for
IN_WORDS = {
    "random": "At random",
    "confidence": "By the judges’ confidence",
    "learned": "Learned",
    "oracle": "Oracle",
}
SOURCES = {
    "raw": "Confidence as it came",
    "confidence": "Confidence, calibrated",
    "learned": "Learned",
}


@login_required
@require_GET
def routing_evaluation(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    fit = routing_labels.last_evaluated(seat.project)
    usual = Budget(**routing_labels.usual_costs(seat.project))
    budget = BudgetForm(request.GET).budget(usual)
    shown = evaluated(fit.evaluation, budget) if fit else lacking(seat.project)
    part = f"{PAGE}#budget" if request.htmx and fit else PAGE
    fits = routing_labels.fits_of(seat.project)
    return curation_page(request, part, seat, "routing", fit=fit, budget=budget, fits=fits, **shown)


def lacking(project: Any) -> dict[str, Any]:
    return {"lacks": routing_labels.lacking(project), "last": routing_labels.last_fit(project)}


def evaluated(told: dict[str, Any], budget: Budget) -> dict[str, Any]:
    """What the page shows of a fit."""
    return {
        "told": told,
        "n_told_of": OF,
        "n_people": round(OF * budget.percent / 100),
        "cost": budget.cost_of(OF),
        "at_budget": [at_budget(told, router, budget.percent) for router in ROUTERS],
        "rows": [row(told, router) for router in ROUTERS],
        "honesty": [honesty(told, source) for source in SOURCES],
        "curve_plot": plots.curves(told, IN_WORDS),
        "reliability_plot": plots.reliability(told["reliability"], SOURCES),
    }


def at_budget(told: dict[str, Any], router: str, percent: int) -> dict[str, Any]:
    low, high = told["intervals"]["curves"][router][percent]
    quality = told["curves"][router][percent][1]
    return {"name": IN_WORDS[router], "quality": quality, "low": low, "high": high}


def row(told: dict[str, Any], router: str) -> dict[str, Any]:
    low, high = told["intervals"]["area"][router]
    return {
        "name": IN_WORDS[router],
        "area": told["area"][router],
        "low": low,
        "high": high,
        "gain": told["normalised_gain"].get(router),
        "at": [told["quality_at"][router][share] for share in SHARES],
        "best": told["best_mix"][router],
    }


def honesty(told: dict[str, Any], source: str) -> dict[str, Any]:
    figures = {name: told[name][source] for name in ("ece", "brier", "auroc")}
    return {"name": SOURCES[source], "bins": told["reliability"][source]} | figures
