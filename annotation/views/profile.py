from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from annotation.domain.errors import DomainError
from annotation.domain.profiles import FEWEST_IN_GROUP
from annotation.forms.profile import ConsentForm, KnowledgeForm
from annotation.selectors import profiles as selected
from annotation.selectors.clock import database_now
from annotation.services import profiles
from annotation.views.frames import put_refusal


@login_required
def show(request: HttpRequest) -> HttpResponse:
    return _page(request)


@login_required
@require_POST
def save(request: HttpRequest) -> HttpResponse:
    form = KnowledgeForm(request.POST)
    if form.is_valid():
        try:
            profiles.save_profile(user=request.user, now=database_now(), **form.lists())
            messages.success(request, "Your profile is saved.")
            return redirect("annotation:profile")
        except DomainError as error:
            put_refusal(form, error)
    return _page(request, status=422, knowledge_form=form)


@login_required
@require_POST
def consent(request: HttpRequest) -> HttpResponse:
    form = ConsentForm(request.POST)
    if form.is_valid():
        try:
            profiles.give_consent(
                user=request.user,
                demographics=form.answers(),
                may_export=form.cleaned_data["may_export"],
                now=database_now(),
            )
            messages.success(request, "Your answers are saved. You can delete them at any time.")
            return redirect("annotation:profile")
        except DomainError as error:
            put_refusal(form, error)
    return _page(request, status=422, consent_form=form)


@login_required
@require_POST
def withdraw(request: HttpRequest) -> HttpResponse:
    profiles.withdraw_consent(user=request.user, now=database_now())
    messages.success(request, "Your answers about yourself are deleted.")
    return redirect("annotation:profile")


def _page(request: HttpRequest, status: int = 200, **values: object) -> HttpResponse:
    profile = selected.profile_of(request.user)
    context = {
        "profile": profile,
        "knowledge_form": KnowledgeForm.of(profile),
        "consent_form": ConsentForm.of(profile),
        "fewest": FEWEST_IN_GROUP,
        **values,
    }
    return render(request, "annotation/profile.html", context, status=status)
