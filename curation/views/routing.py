from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from annotation.domain.vocabulary import WorkState
from annotation.selectors import access, judge_canaries
from annotation.selectors.access import Seat
from annotation.selectors.clock import database_now
from curation.domain.routing.policy import judges_in, policy_from_json
from curation.domain.vocabulary import PolicyState
from curation.selectors import guards, routing_figures, routing_pages, simulations
from curation.selectors import routing as routing_rows
from curation.services.routing import guarding, policies
from curation.services.routing import simulations as dry_runs
from curation.views import routing_plots
from curation.views.frames import curation_page
from curation.views.routing_figures import figures_of

SECTION = "routing"
UNFINISHED = (WorkState.QUEUED, WorkState.RUNNING)


@login_required
@require_GET
def routing(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    figures = routing_figures.figures_of(seat.project)
    if request.htmx and request.GET.get("part") == "age":
        return age(request, seat, figures)
    written = routing_pages.policies_of(seat.project)
    active = next((one for one in written if one.state == PolicyState.ACTIVE), None)
    watched = routing_pages.guards_of(seat.project)
    plots = {"routes": routing_plots.standing(figures.standing.routes)} if figures.as_of else {}
    return curation_page(
        request,
        "routing.html",
        seat,
        SECTION,
        policies=written,
        unchecked=judge_canaries.unchecked(judge_canaries.judges_at_work(seat.project)),
        active=active,
        unasked=active.unasked if active else {},
        figures=figures,
        interval=guards.interval_of(figures.accuracy),
        waiting=routing_figures.waiting_in(seat.project),
        judges=routing_pages.judges_of(seat.project, figures.verdicts),
        guards=watched,
        n_guards=routing_pages.n_guards(seat.project),
        turned=guards.turned_slices(seat.project),
        plots=plots | {"guards": routing_plots.guards(watched)} if plots or watched else {},
    )


def age(request: HttpRequest, seat: Seat, figures: routing_figures.Figures) -> HttpResponse:
    if figures.as_of or figures.error:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return curation_page(request, "routing.html#age", seat, SECTION, figures=figures)


@login_required
@require_GET
def notice(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    values = {
        "project": seat.project,
        "turned": guards.turned_slices(seat.project),
        "suspended": judge_canaries.suspended_judges(seat.project),
    }
    return render(request, "curation/_routing_notice.html", values)


@login_required
@require_GET
def policy(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    found = routing_rows.policy_of(seat.project, number)
    run = simulations.latest_simulation(found)
    context: dict[str, Any] = {
        "policy": routing_pages.view_of(found, routing_rows.out_of_use(seat.project)),
        "simulation": run,
        "is_unfinished": run is not None and run.state in UNFINISHED,
    }
    if request.htmx and request.GET.get("part") == "simulation":
        if not context["is_unfinished"]:
            return HttpResponse(headers={"HX-Refresh": "true"})
        return curation_page(request, "routing_policy.html#simulation", seat, SECTION, **context)
    active = routing_rows.active_policy(seat.project)
    context |= figures_of(simulations.latest_result(found), active.number if active else None)
    former = routing_pages.former_policy(seat.project)
    return curation_page(request, "routing_policy.html", seat, SECTION, former=former, **context)


@login_required
@require_POST
def simulate(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    found = routing_rows.policy_of(seat.project, number)
    dry_runs.ask_for_simulation(policy=found, user=request.user, now=database_now())
    return redirect("curation:policy", slug, number)


@login_required
@require_POST
def activate(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    active = policies.activate_policy(
        project=seat.project, user=request.user, number=number, now=database_now()
    )
    messages.success(request, f"Policy {number} is active: comparisons are being routed.")
    named = judges_in(policy_from_json(active.content))
    if paused := routing_rows.paused_among(seat.project, named):
        told = f"Paused, and asked only when let go on: {', '.join(paused)}."
        messages.warning(request, told)
    return redirect("curation:routing", slug)


@login_required
@require_POST
def retire(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    gone = policies.retire_policy(project=seat.project, user=request.user, now=database_now())
    messages.success(request, f"Policy {gone.number} is retired: the overlap decides again.")
    return redirect("curation:routing", slug)


@login_required
@require_POST
def clear_guard(request: HttpRequest, slug: str, guard_id: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    found = guards.guard_for(seat.project, guard_id)
    guarding.clear_guard(guard=found, user=request.user, now=database_now())
    messages.success(request, f"Judges label “{found.slice}” again; counting starts anew.")
    return redirect("curation:routing", slug)
