from pathlib import Path

import orjson
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST

from annotation.domain.vocabulary import ImportKind
from annotation.forms.filters import CursorForm
from annotation.forms.imports import MappingForm, UploadForm
from annotation.models import Import
from annotation.selectors import access, imports
from annotation.selectors.clock import database_now
from annotation.selectors.paging import Cursor, page_of
from annotation.services.importing import uploads
from annotation.services.importing.preview import Preview, excerpts, preview
from annotation.views.frames import checked, project_page

TAB = "imports"


@login_required
def import_list(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    page = page_of(imports.imports_of(seat.project), _cursor(request), newest_first=True)
    return project_page(request, "imports.html", seat, TAB, page=page)


@login_required
def new_import(request: HttpRequest, slug: str) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    form = UploadForm(request.POST or None, request.FILES or None)
    if not form.is_valid():
        status = 422 if request.method == "POST" else 200
        return project_page(request, "import_new.html", seat, TAB, status=status, form=form)
    file = form.cleaned_data["file"]
    upload = uploads.create_import(
        project=seat.project,
        kind=ImportKind(form.cleaned_data["kind"]),
        file_name=file.name,
        chunks=file.chunks(),
        mapping={},
        is_held=True,
        created_by=request.user,
        now=database_now(),
    )
    return redirect("annotation:import_preview", slug, upload.id)


@login_required
def import_preview(request: HttpRequest, slug: str, import_id: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    upload = imports.import_of(seat.project, import_id)
    if not upload.is_held:
        return redirect("annotation:import", slug, upload.id)
    shown = _look_at(upload, upload.mapping)
    form = MappingForm.of(upload, shown.columns, shown.mapping, request.POST or None)
    if form.is_valid() and "start" in request.POST:
        return _start(slug, upload, form)
    if form.is_valid():
        shown = _look_at(upload, form.mapping())
    return project_page(
        request,
        "import_preview.html",
        seat,
        TAB,
        status=422 if form.errors else 200,
        upload=upload,
        shown=shown,
        form=form,
        lines=[(reading, excerpts(reading)) for reading in shown.rows],
    )


def _look_at(upload: Import, mapping: dict[str, str]) -> Preview:
    path, kind = Path(upload.stored_path), ImportKind(upload.kind)
    return preview(path=path, name=upload.file_name, kind=kind, mapping=mapping)


def _start(slug: str, upload: Import, form: MappingForm) -> HttpResponse:
    uploads.release_import(
        upload=upload, mapping=form.mapping(), is_strict=form.cleaned_data["is_strict"]
    )
    return redirect("annotation:import", slug, upload.id)


@login_required
@require_POST
def discard_import(request: HttpRequest, slug: str, import_id: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    uploads.discard_import(upload=imports.import_of(seat.project, import_id))
    messages.success(request, "The upload is gone; nothing was written.")
    return redirect("annotation:imports", slug)


@login_required
def show_import(request: HttpRequest, slug: str, import_id: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    upload = imports.import_of(seat.project, import_id)
    page = page_of(imports.refusals_of(upload), _cursor(request))
    return project_page(
        request,
        "import.html#progress" if request.htmx else "import.html",
        seat,
        TAB,
        upload=upload,
        page=page,
        share=imports.share_read(upload),
        is_moving=imports.is_moving(upload),
    )


@login_required
def refusals_file(request: HttpRequest, slug: str, import_id: int) -> HttpResponse:
    seat = access.seat_for(request.user, slug, access.READS)
    upload = imports.import_of(seat.project, import_id)
    lines = (orjson.dumps(refusal) + b"\n" for refusal in imports.every_refusal(upload))
    response = StreamingHttpResponse(lines, content_type="application/jsonl")
    name = f"{Path(upload.file_name).stem}.refusals.jsonl"
    response["Content-Disposition"] = content_disposition_header(True, name)
    return response


def _cursor(request: HttpRequest) -> Cursor:
    return checked(CursorForm(request.GET)).cursor()
