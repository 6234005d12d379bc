from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from annotation.selectors import health
from annotation.selectors.access import Seat
from annotation.selectors.clock import database_now


def curation_page(
    request: HttpRequest,
    template: str,
    seat: Seat,
    section: str,
    /,
    *,
    status: int = 200,
    **values: Any,
) -> HttpResponse:
    """Render a page of a project's "Curation" tab; `section` is its place in the second row."""
    context = {"project": seat.project, "seat": seat, "tab": "curation", "section": section}
    if not request.htmx and (seat.administers or request.user.is_staff):
        values["stopped"] = health.stopped_processes(database_now())
    return render(request, f"curation/{template}", context | values, status=status)
