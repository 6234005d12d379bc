from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from annotation.domain.errors import DomainError, InvalidField
from annotation.domain.vocabulary import ProjectState
from annotation.forms.projects import CriteriaFormSet, SettingsForm
from annotation.selectors import access, overview
from annotation.selectors.access import Seat
from annotation.selectors.clock import database_now
from annotation.services import projects
from annotation.views.frames import project_page, put_refusal
from annotation.views.plots import judgments_per_day, settled_by_day


@login_required
def project(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.JUDGES)
    shown = overview.overview_of(
        seat, request.user, database_now(), with_activity="activity" in request.GET
    )
    page = "project.html#activity" if request.htmx else "project.html"
    days = shown.activity.days if shown.activity else []
    plots = {"per_day": judgments_per_day(days), "settled": settled_by_day(days)} if days else None
    return project_page(request, page, seat, "overview", overview=shown, plots=plots)


@login_required
def settings(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    form = SettingsForm(request.POST or None, instance=seat.project)
    if request.method == "POST" and form.is_valid():
        try:
            projects.change_settings(
                actor=request.user,
                project_id=seat.project.id,
                changes=form.changes(),
                now=database_now(),
            )
            messages.success(request, "The settings are saved.")
            return redirect("annotation:settings", slug)
        except DomainError as error:
            put_refusal(form, error)
    return _settings(request, seat, form=form)


@login_required
@require_POST
def criteria(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    rows = _criteria(seat, request.POST)
    if not rows.is_valid():
        return _settings(request, seat, criteria=rows)
    try:
        projects.set_criteria(
            actor=request.user,
            project_id=seat.project.id,
            criteria=rows.drafts(),
            now=database_now(),
        )
    except DomainError as error:
        return _settings(request, seat, criteria=rows, criteria_error=error.detail)
    messages.success(request, "The criteria are saved.")
    return redirect("annotation:settings", slug)


@login_required
@require_POST
def state(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    wanted = request.POST.get("state", "")
    if wanted not in list(ProjectState):
        raise InvalidField("A project is active, paused or archived.", field="state")
    projects.set_state(
        actor=request.user,
        project_id=seat.project.id,
        state=ProjectState(wanted),
        now=database_now(),
    )
    messages.success(request, f"The project is {wanted}.")
    return redirect("annotation:settings", slug)


def _criteria(seat: Seat, data: object = None) -> CriteriaFormSet:
    asked = seat.project.criteria.filter(is_asked=True)
    names = ("key", "name", "kind", "scale_min", "scale_max", "description")
    return CriteriaFormSet(data, initial=list(asked.values(*names)), prefix="criteria")


def _settings(request: HttpRequest, seat: Seat, **values: object) -> HttpResponse:
    context = {
        "form": SettingsForm(instance=seat.project),
        "criteria": _criteria(seat),
        "states": list(ProjectState),
        **values,
    }
    return project_page(
        request,
        "settings.html",
        seat,
        "settings",
        status=422 if _has_errors(values) else 200,
        **context,
    )


def _has_errors(values: dict[str, object]) -> bool:
    form, rows = values.get("form"), values.get("criteria")
    return bool((form and form.errors) or rows)
