from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from annotation.domain.errors import DomainError
from annotation.selectors import access
from annotation.selectors.clock import database_now
from curation.forms.selection import ScopeForm, SelectionForm
from curation.selectors import selections
from curation.services import selection as service
from curation.views import selection_plot
from curation.views.frames import curation_page

SECTION = "selection"
FIELD_OF = {"signals": "first"}  # where a refusal of the service is shown


@login_required
@require_GET
def selection(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    scope = ScopeForm(request.GET, project=seat.project)
    form = SelectionForm(project=seat.project, scope=scope.chosen())
    return curation_page(request, "selection.html", seat, SECTION, **context_of(seat, scope, form))


@login_required
@require_POST
def draft(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    scope = ScopeForm(request.POST, project=seat.project)
    form = SelectionForm(request.POST, project=seat.project, scope=scope.chosen())
    try:
        if form.is_valid():
            drafted = service.draft_selection(
                project=seat.project, user=request.user, wish=form.wish(), now=database_now()
            )
            return redirect("curation:drafted", slug, drafted.number)
    except DomainError as error:
        put_refusal(form, error)
    context = context_of(seat, scope, form)
    return curation_page(request, "selection.html", seat, SECTION, status=422, **context)


@login_required
@require_GET
def drafted(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    found = service.selection_for(project=seat.project, number=number)
    return curation_page(
        request,
        "drafted.html",
        seat,
        SECTION,
        selection=found,
        picks=selections.first_picks(found),
        n_picks=found.picks.count(),
        effect=selections.queue_effect(found),
        latest=selections.latest_applied(seat.project),
        plot=selection_plot.shares(found.outcome["groups"], found.outcome["candidates"]),
    )


@login_required
@require_POST
def apply(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    found = service.selection_for(project=seat.project, number=number)
    service.apply_selection(selection=found, user=request.user, now=database_now())
    messages.success(request, "Applied: its picks are handed out next, in their order.")
    return redirect("curation:drafted", slug, number)


@login_required
@require_POST
def undo(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    found = service.selection_for(project=seat.project, number=number)
    service.undo_selection(selection=found, user=request.user, now=database_now())
    messages.success(request, "Undone: the queue is in the order from before.")
    return redirect("curation:drafted", slug, number)


def context_of(seat: access.Seat, scope: ScopeForm, form: SelectionForm) -> dict[str, Any]:
    return {
        "scope": scope,
        "form": form,
        "group_rows": form.group_rows(),
        "history": selections.selections_of(seat.project),
    }


def put_refusal(form: SelectionForm, error: DomainError) -> None:
    field = FIELD_OF.get(error.field, error.field)
    form.add_error(field if field in form.fields else None, error.detail)
