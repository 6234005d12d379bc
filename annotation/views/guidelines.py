from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from annotation.forms.filters import VersionFilter
from annotation.forms.projects import GuidelinesForm
from annotation.selectors import access, guidelines
from annotation.selectors.clock import database_now
from annotation.services import projects
from annotation.views.frames import checked, project_page


@login_required
def show(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.JUDGES)
    number = checked(VersionFilter(request.GET)).cleaned_data["version"]
    current = seat.project.guidelines
    version = guidelines.version_numbered(seat.project, number) if number else current
    return project_page(
        request,
        "guidelines.html",
        seat,
        "guidelines",
        version=version,
        versions=guidelines.versions_of(seat.project),
        changes=guidelines.changes_in(seat.project, version) if number else None,
    )


@login_required
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.ADMINISTERS)
    current = seat.project.guidelines
    form = GuidelinesForm(request.POST or None, initial={"text": current.text if current else ""})
    if request.method == "POST" and form.is_valid():
        version = projects.publish_guidelines(
            actor=request.user,
            project_id=seat.project.id,
            text=form.cleaned_data["text"],
            now=database_now(),
        )
        messages.success(request, f"Version {version.number} of the guidelines is in force.")
        return redirect("annotation:guidelines", slug)
    status = 422 if form.errors else 200
    return project_page(
        request, "guidelines_edit.html", seat, "guidelines", status=status, form=form
    )
