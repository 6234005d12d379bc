"""Configuring judges: endpoints, templates, the judges themselves, their state and money."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from annotation.domain.errors import DomainError, InvalidField
from annotation.domain.judges.money import plainly
from annotation.domain.judges.starters import STARTERS
from annotation.domain.vocabulary import JudgeState
from annotation.forms.judges import (
    BudgetForm,
    ChangeEndpointForm,
    ChangeJudgeForm,
    EndpointForm,
    JudgeForm,
    TemplateForm,
)
from annotation.models import Endpoint, Judge, PromptTemplate
from annotation.selectors import access, judges
from annotation.selectors.access import Seat
from annotation.selectors.clock import database_now
from annotation.services.judges import configuring, connecting
from annotation.services.judges.configuring import TemplateDraft
from annotation.views.frames import checked, project_page, put_refusal

TAB = "quality"


@login_required
@sensitive_post_parameters("key", "endpoint-key")
def add_judge(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    form = JudgeForm(seat.project, request.POST or None)
    posted = request.POST if form.wants_endpoint and request.POST else None
    # Hidden where an endpoint is chosen: what a browser requires there could never be filled in.
    endpoint_form = EndpointForm(posted, prefix="endpoint", use_required_attribute=False)
    forms: list[Any] = [form, *([endpoint_form] if posted else [])]
    are_valid = [one.is_valid() for one in forms]
    if all(are_valid) and (judge := _add_judge(request, seat, form, endpoint_form)):
        messages.success(request, f"{judge} is ready. Try it before you spend on all.")
        return redirect("annotation:own_judge", slug, judge.pk)
    return _page(request, seat, "judge_new.html", forms, form=form, endpoint_form=endpoint_form)


def _add_judge(
    request: HttpRequest, seat: Seat, form: JudgeForm, endpoint_form: EndpointForm
) -> Judge | None:
    """Add a judge with what it needs, all or nothing; the form at fault says what was refused."""
    who: dict[str, Any] = {"project": seat.project, "user": request.user, "now": database_now()}
    at_fault: JudgeForm | EndpointForm = endpoint_form if endpoint_form.is_bound else form
    try:
        with transaction.atomic():
            if endpoint_form.is_bound:
                endpoint = configuring.add_endpoint(draft=endpoint_form.draft(), **who)
            else:
                endpoint = form.chosen_endpoint()
            at_fault = form
            draft = form.draft(endpoint, _template(form, who))
            return configuring.add_judge(draft=draft, **who)
    except DomainError as error:
        put_refusal(at_fault, error)
        return None


def _template(form: JudgeForm, who: dict[str, Any]) -> PromptTemplate:
    """The template chosen, a starter copied into the project."""
    starter = form.chosen_starter()
    if starter is None:
        return form.chosen_template()
    return configuring.add_template(
        draft=TemplateDraft(name=starter.name, **vars(starter.template)), **who
    )


@login_required
def change_judge(request: HttpRequest, slug: str, judge_id: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    judge = judges.judge_of(seat.project, judge_id)
    form = ChangeJudgeForm(judge, request.POST or None)
    if form.is_valid():
        try:
            changed = _change_judge(request, seat, judge, form)
            messages.success(request, _told(judge, changed))
            return redirect("annotation:own_judge", slug, changed.pk)
        except DomainError as error:
            put_refusal(form, error)
    return _page(request, seat, "judge_change.html", [form], form=form, judge=judge)


def _change_judge(request: HttpRequest, seat: Seat, judge: Judge, form: ChangeJudgeForm) -> Judge:
    who: dict[str, Any] = {"user": request.user, "now": database_now()}
    with transaction.atomic():
        template = _template(form, who | {"project": seat.project})
        draft = form.draft(form.chosen_endpoint(), template)
        return configuring.change_judge(judge=judge, draft=draft, **who)


def _told(judge: Judge, changed: Judge) -> str:
    if judge.pk == changed.pk:
        return f"{judge} is changed."
    return f"{changed} takes over from {judge}, as an annotator of its own."


@login_required
@require_POST
def judge_state(request: HttpRequest, slug: str, judge_id: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    judge = judges.judge_of(seat.project, judge_id)
    wanted = request.POST.get("state", "")
    if wanted not in list(JudgeState):
        raise InvalidField("A judge is active, paused or retired.", field="state")
    configuring.set_judge_state(
        judge=judge, user=request.user, state=JudgeState(wanted), now=database_now()
    )
    messages.success(request, f"{judge} is {wanted}.")
    return redirect("annotation:own_judge", slug, judge_id)


@login_required
@require_POST
def judge_budget(request: HttpRequest, slug: str, judge_id: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    judge = judges.judge_of(seat.project, judge_id)
    budget = checked(BudgetForm(request.POST)).cleaned_data["budget"]
    configuring.raise_budget(judge=judge, user=request.user, budget=budget, now=database_now())
    messages.success(request, f"The budget of {judge} is {plainly(budget)}.")
    return redirect("annotation:own_judge", slug, judge_id)


@login_required
@sensitive_post_parameters("key")
def add_endpoint(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    form = EndpointForm(request.POST or None)
    if form.is_valid():
        try:
            endpoint = configuring.add_endpoint(
                project=seat.project, user=request.user, draft=form.draft(), now=database_now()
            )
            messages.success(request, f"{endpoint} is added. Test the connection.")
            return redirect("annotation:endpoint", slug, endpoint.pk)
        except DomainError as error:
            put_refusal(form, error)
    return _page(request, seat, "judge_endpoint.html", [form], form=form)


@login_required
@sensitive_post_parameters("key")
def endpoint(request: HttpRequest, slug: str, endpoint_id: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    found = judges.endpoint_of(seat.project, endpoint_id)
    form = ChangeEndpointForm(found, request.POST or None)
    if form.is_valid():
        try:
            configuring.change_endpoint(
                endpoint=found, user=request.user, draft=form.draft(), now=database_now()
            )
            messages.success(request, f"{found} is saved.")
            return redirect("annotation:endpoint", slug, endpoint_id)
        except DomainError as error:
            put_refusal(form, error)
    return _endpoint_page(request, seat, found, form)


@login_required
@require_POST
def look_at_endpoint(request: HttpRequest, slug: str, endpoint_id: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    found = judges.endpoint_of(seat.project, endpoint_id)
    look = connecting.look_at(endpoint=found)
    return _endpoint_page(request, seat, found, ChangeEndpointForm(found), look=look)


def _endpoint_page(
    request: HttpRequest, seat: Seat, found: Endpoint, form: ChangeEndpointForm, **values: Any
) -> HttpResponse:
    values |= {"endpoint": found, "used_by": found.judges.order_by("name", "number")}
    values["is_open"] = found.opened_until is not None and found.opened_until > database_now()
    return _page(request, seat, "judge_endpoint.html", [form], form=form, **values)


@login_required
def add_template(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    chosen = request.GET.get("from", "")
    starter = next((one for one in STARTERS if one.name == chosen), STARTERS[0])
    initial = {"name": starter.name, **vars(starter.template)}
    form = TemplateForm(request.POST or None, initial=initial)
    return _keep_template(request, seat, form, starters=STARTERS, chosen=starter)


@login_required
def template(request: HttpRequest, slug: str, template_id: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    found = judges.template_of(seat.project, template_id)
    if request.method == "POST":
        access.seat_for(request.user, slug, access.ADMINISTERS)
    form = TemplateForm(request.POST or None, initial=vars(found))
    form.fields["name"].disabled = True
    return _keep_template(request, seat, form, template=found)


def _keep_template(
    request: HttpRequest, seat: Seat, form: TemplateForm, **values: Any
) -> HttpResponse:
    if form.is_valid():
        try:
            kept = configuring.add_template(
                project=seat.project, user=request.user, draft=form.draft(), now=database_now()
            )
            messages.success(request, f"{kept} is kept.")
            return redirect("annotation:prompt_template", seat.project.slug, kept.pk)
        except DomainError as error:
            put_refusal(form, error)
    return _page(request, seat, "judge_template.html", [form], form=form, **values)


def _page(
    request: HttpRequest, seat: Seat, name: str, forms: list[Any], **values: Any
) -> HttpResponse:
    status = 422 if any(form.errors for form in forms) else 200
    return project_page(request, name, seat, TAB, status=status, **values)


def judge_page(
    request: HttpRequest, name: str, seat: Seat, judge: Judge, status: int = 200, **values: Any
) -> HttpResponse:
    until = judge.endpoint.opened_until
    context = {
        "judge": judge,
        "money": judges.money_of(judge),
        "endpoint_is_open": until is not None and until > database_now(),
        **values,
    }
    return project_page(request, name, seat, TAB, status=status, **context)
