import tempfile
from pathlib import Path

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from annotation.domain.vocabulary import FeedbackKind
from annotation.forms.feedback import FeedbackForm
from annotation.models import Project
from annotation.selectors import access
from annotation.selectors import feedback as selected
from annotation.selectors.access import Seat
from annotation.selectors.clock import database_now
from annotation.services.feedback.taking import Taken, take_file
from annotation.services.importing import uploads
from annotation.views import feedback_plots
from annotation.views.frames import project_page

MOST_REFUSALS = 50


@login_required
def show(request: HttpRequest, slug: str) -> HttpResponse:
    return _page(request, access.seat_for(request.user, slug, access.REVIEWS), FeedbackForm())


@login_required
@require_POST
def upload(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    form = FeedbackForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, seat, form, status=422)
    taken = _taken(seat.project, form.cleaned_data["file"])
    if taken.refused:
        return _page(request, seat, form, status=422, taken=taken)
    messages.success(
        request, f"{taken.n_written:,} events taken, {taken.n_unchanged:,} were here already."
    )
    return redirect("annotation:feedback", slug)


def _taken(project: Project, file: UploadedFile) -> Taken:
    with tempfile.NamedTemporaryFile() as copy:
        uploads.write_chunks(file.chunks(), copy)
        copy.flush()
        return take_file(project=project, path=Path(copy.name), name="upload", now=database_now())


def _page(
    request: HttpRequest,
    seat: Seat,
    form: FeedbackForm,
    *,
    status: int = 200,
    taken: Taken | None = None,
) -> HttpResponse:
    page = selected.feedback_page(seat.project)
    return project_page(
        request,
        "feedback.html",
        seat,
        "quality",
        status=status,
        section="feedback",
        page=page,
        form=form,
        kinds=list(FeedbackKind),
        taken=taken,
        refused=taken.refused[:MOST_REFUSALS] if taken else [],
        trust_plot=feedback_plots.trust(page.rows),
        days_plot=feedback_plots.events_per_day(page.days),
    )
