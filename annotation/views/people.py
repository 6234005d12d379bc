from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from annotation.domain.errors import DomainError, InvalidField
from annotation.domain.profiles import FEWEST_IN_GROUP
from annotation.forms.people import MemberForm, RoleForm
from annotation.forms.profile import ExpertiseForm
from annotation.selectors import access
from annotation.selectors import people as selected
from annotation.selectors import profiles as profiled
from annotation.selectors.access import Seat
from annotation.selectors.clock import database_now
from annotation.services import people, profiles
from annotation.views.frames import checked, project_page, put_refusal


@login_required
def show(request: HttpRequest, slug: str) -> HttpResponse:
    return _page(request, access.seat_for(request.user, slug, access.ADMINISTERS))


@login_required
@require_POST
def add(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    form = MemberForm(request.POST, prefix="add")
    if form.is_valid():
        try:
            people.add_member(
                actor=request.user, project=seat.project, now=database_now(), **form.cleaned_data
            )
            messages.success(request, f"{form.cleaned_data['username']} is a member now.")
            return redirect("annotation:people", slug)
        except DomainError as error:
            put_refusal(form, error)
    return _page(request, seat, status=422, add_form=form)


@login_required
@require_POST
def invite(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    form = MemberForm(request.POST, prefix="invite")
    if form.is_valid():
        try:
            password = people.invite_person(
                actor=request.user, project=seat.project, now=database_now(), **form.cleaned_data
            )
            name = form.cleaned_data["username"]
            return _page(request, seat, invited=name, password=password)
        except DomainError as error:
            put_refusal(form, error)
    return _page(request, seat, status=422, invite_form=form)


@login_required
@require_POST
def change_role(request: HttpRequest, slug: str, user_id: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    wanted = checked(RoleForm(request.POST)).cleaned_data
    try:
        people.change_role(
            actor=request.user, project=seat.project, user_id=user_id, now=database_now(), **wanted
        )
    except people.LastAdmin as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, "The role is changed.")
    return redirect("annotation:people", slug)


@login_required
@require_POST
def set_expertise(request: HttpRequest, slug: str, user_id: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    try:
        profiles.set_expertise(
            actor=request.user,
            project=seat.project,
            user_id=user_id,
            expertise=checked(ExpertiseForm(request.POST)).tags(),
            now=database_now(),
        )
    except InvalidField as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, "The expertise is changed.")
    return redirect("annotation:people", slug)


@login_required
@require_POST
def remove(request: HttpRequest, slug: str, user_id: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    try:
        people.remove_member(
            actor=request.user, project=seat.project, user_id=user_id, now=database_now()
        )
    except people.LastAdmin as error:
        messages.error(request, error.detail)
        return redirect("annotation:people", slug)
    messages.success(request, "The person is out of the project; their judgments stay.")
    gone = user_id == request.user.id
    return redirect("annotation:home") if gone else redirect("annotation:people", slug)


def _page(request: HttpRequest, seat: Seat, status: int = 200, **values: object) -> HttpResponse:
    known = profiled.knowledge_in(seat.project)
    context = {
        "members": [(one, known.get(one.user_id)) for one in selected.members_of(seat.project)],
        "groups": profiled.group_counts(seat.project),
        "fewest": FEWEST_IN_GROUP,
        "add_form": MemberForm(prefix="add"),
        "invite_form": MemberForm(prefix="invite"),
        "roles": RoleForm.base_fields["role"].choices,
        **values,
    }
    return project_page(request, "people.html", seat, "people", status=status, **context)
