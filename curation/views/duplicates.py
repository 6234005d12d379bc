from typing import TypeVar

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from annotation.domain.errors import DomainError, InvalidField
from annotation.models import Project
from annotation.selectors import access
from annotation.selectors.clock import database_now
from curation.forms.duplicates import DecisionForm, DuplicateFilter, PolicyForm, values_of_policy
from curation.selectors.duplicate_groups import groups_in, waiting_in
from curation.selectors.duplicate_links import policy_in_force
from curation.selectors.duplicate_pages import groups_page, last_decisions
from curation.services.duplicates import decisions, policies, regrouping
from curation.views.frames import curation_page

Form = TypeVar("Form", bound=forms.Form)

SECTION = "duplicates"
DONE = {
    "accept": "Accepted.",
    "split": "Split.",
    "merge": "Merged.",
    "undo": "Taken back.",
}


@login_required
@require_safe
def duplicates(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    form = checked(DuplicateFilter(request.GET))
    wanted = form.cleaned_data
    kept = {name: wanted[name] for name in ("kind", "order") if wanted[name]}
    return curation_page(
        request,
        "duplicates.html",
        seat,
        SECTION,
        form=DuplicateFilter(initial=wanted),
        page=groups_page(seat.project, wanted["kind"], wanted["order"], wanted["after"]),
        total=groups_in(seat.project, wanted["kind"]).count(),
        is_behind=bool(wanted["after"]),
        query=urlencode(kept),
        waiting=waiting_in(seat.project),
        decisions=last_decisions(seat.project),
        policy=policy_in_force(seat.project.pk),
    )


@login_required
@require_POST
def decide(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    form = checked(DecisionForm(request.POST))
    take(request, seat.project, form)
    regrouping.regroup_next(project=seat.project, now=database_now())
    messages.success(request, DONE[form.cleaned_data["action"]])
    return redirect("curation:duplicates", slug)


def take(request: HttpRequest, project: Project, form: DecisionForm) -> None:
    """Have the service do what the form says."""
    said = form.cleaned_data
    common = {"user": request.user, "project": project, "now": database_now()}
    group = said["group"] or 0
    match said["action"]:
        case "accept":
            decisions.accept_group(group_id=group, items=said["items"], **common)
        case "split":
            decisions.split_group(group_id=group, items=said["items"], **common)
        case "merge":
            decisions.merge_groups(group_ids=said["groups"], **common)
        case _:
            decisions.undo(decision_id=said["decision"] or 0, **common)


@login_required
def policy(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    in_force = policy_in_force(seat.project.pk)
    form = PolicyForm(request.POST or None, initial=values_of_policy(in_force))
    shown: list[policies.Preview] = []
    if request.method == "POST" and form.is_valid():
        try:
            if "save" in request.POST:
                save(request, seat.project, form)
                return redirect("curation:duplicates", slug)
            shown = previewed(seat.project, form)
        except DomainError as error:
            field = error.field.replace(".", "-")
            form.add_error(field if field in form.fields else None, error.detail)
    status = 422 if form.errors else 200
    return curation_page(
        request, "duplicate_policy.html", seat, SECTION, status=status, form=form, shown=shown
    )


def save(request: HttpRequest, project: Project, form: PolicyForm) -> None:
    policies.set_policy(
        user=request.user,
        project=project,
        rules=form.rules(),
        representative=form.cleaned_data["representative"],
        now=database_now(),
    )
    regrouping.regroup_next(project=project, now=database_now())
    messages.success(request, "Saved. The groups follow in the background.")


def previewed(project: Project, form: PolicyForm) -> list[policies.Preview]:
    representative = form.cleaned_data["representative"]
    return policies.preview(project=project, rules=form.rules(), representative=representative)


def checked(form: Form) -> Form:
    if not form.is_valid():
        field, sentences = next(iter(form.errors.items()))
        raise InvalidField(f"{field}: {sentences[0]}", field=field)
    return form
