from typing import Any, TypeVar
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from annotation.domain.errors import DomainError, InvalidField
from annotation.selectors import health
from annotation.selectors.access import Seat
from annotation.selectors.clock import database_now

FilterForm = TypeVar("FilterForm", bound=forms.Form)


def project_page(
    request: HttpRequest,
    template: str,
    seat: Seat,
    tab: str,
    /,
    *,
    status: int = 200,
    **values: Any,
) -> HttpResponse:
    context = {"project": seat.project, "seat": seat, "tab": tab, **values}
    if not request.htmx and (seat.administers or request.user.is_staff):
        context["stopped"] = health.stopped_processes(database_now())
    return render(request, f"annotation/{template}", context, status=status)


def checked(form: FilterForm) -> FilterForm:
    """Refuse an address whose filters are broken, instead of showing an unfiltered list."""
    if not form.is_valid():
        field, sentences = next(iter(form.errors.items()))
        raise InvalidField(f"{field}: {sentences[0]}", field=field)
    return form


def put_refusal(form: forms.Form, error: DomainError) -> None:
    form.add_error(error.field if error.field in form.fields else None, error.detail)


def kept_query(form: forms.Form) -> str:
    """The filters of a list as the query that its page links carry on, cursors left out."""
    given = form.cleaned_data.items()
    kept = {key: value for key, value in given if value and key not in ("after", "before")}
    return urlencode(kept)
