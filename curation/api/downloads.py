"""The files of an export, for tokens and for people who are logged in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header, parse_etags
from drf_spectacular.utils import extend_schema
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.settings import api_settings

from annotation.domain.errors import NotFound
from annotation.domain.vocabulary import WorkState
from annotation.selectors.clock import database_now
from curation.api.endpoint import Endpoint, who
from curation.domain.ranges import RangeNotSatisfiable, byte_range
from curation.models import Export
from curation.selectors.datasets import export_of, version_of
from curation.services import datasets, storage

CHUNK = 2**18
TYPES = {
    ".parquet": "application/vnd.apache.parquet",
    ".jsonl": "application/x-ndjson",
    ".json": "application/json",
    ".md": "text/plain; charset=utf-8",
}


class ExportFileView(Endpoint):
    authentication_classes = [*api_settings.DEFAULT_AUTHENTICATION_CLASSES, SessionAuthentication]
    permission_classes = [IsAuthenticated, *api_settings.DEFAULT_PERMISSION_CLASSES[1:]]

    @extend_schema(summary="Download a file of an export", responses={(200, "*/*"): bytes})
    def get(
        self, request: Request, slug: str, number: int, format: str, path: str
    ) -> HttpResponseBase:
        dataset = datasets.dataset_for(user=who(request), slug=slug, now=database_now())
        export = export_of(version_of(dataset, number), format)
        return answer(request, export, listed_file(export, path))


def listed_file(export: Export, path: str) -> dict[str, Any]:
    """Find a file by name in the export's own list: no path from outside reaches the disk."""
    found = next((file for file in export.files if file["path"] == path), None)
    if found is None or export.state != WorkState.DONE:
        raise NotFound("This export has no such file.")
    return found


def answer(request: Request, export: Export, file: dict[str, Any]) -> HttpResponseBase:
    """Send a file, a range of it, or that it has not changed."""
    etag = f'"{file["sha256"]}"'
    response: HttpResponseBase
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        response = HttpResponse(status=304)
    else:
        response = content(request, storage.export_path(export) / file["path"], file["bytes"], etag)
        response["Content-Type"] = TYPES[Path(file["path"]).suffix]
        response["Content-Disposition"] = content_disposition_header(
            True, download_name(export, file)
        )
    response["ETag"], response["Accept-Ranges"] = etag, "bytes"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox"
    response["Cache-Control"] = "private, no-cache"
    return response


def content(request: Request, path: Path, size: int, etag: str) -> HttpResponseBase:
    wanted = request.headers.get("Range", "")
    if request.headers.get("If-Range", etag) != etag:
        wanted = ""
    try:
        start, end = byte_range(wanted, size) or (0, size)
    except RangeNotSatisfiable:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    is_part = end - start < size
    response = StreamingHttpResponse(chunks(path, start, end), status=206 if is_part else 200)
    response["Content-Length"] = end - start
    if is_part:
        response["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return response


def chunks(path: Path, start: int, end: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while start < end and (chunk := file.read(min(CHUNK, end - start))):
            start += len(chunk)
            yield chunk


def download_name(export: Export, file: dict[str, Any]) -> str:
    version = export.version
    name = file["path"].replace("/", "-")
    return f"{version.dataset.slug}-v{version.number}-{export.format}-{name}"
