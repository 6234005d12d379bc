from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from annotation.selectors import access
from annotation.selectors.clock import database_now
from curation.selectors import progress
from curation.services import retrying
from curation.views.frames import curation_page


@login_required
@require_GET
def curation(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    template = "curation.html#progress" if request.htmx else "curation.html"
    shown = progress.progress_of(seat.project, database_now())
    return curation_page(request, template, seat, "overview", shown=shown)


@login_required
@require_POST
def retry(request: HttpRequest, slug: str) -> HttpResponse:
    project = access.project_for(request.user, slug, access.ADMINISTERS)
    n = retrying.retry_set_aside(project=project)
    messages.success(request, f"{n} will be tried again within seconds." if n else "None is left.")
    return redirect("curation:curation", slug)
