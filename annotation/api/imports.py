"""Files of items or judgments, taken in now and read by a worker."""

import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.endpoint import Endpoint, only_known
from annotation.api.paging import page_of
from annotation.domain.errors import InvalidField
from annotation.domain.importing.mapping import check_mapping
from annotation.domain.importing.refusals import LineRefused
from annotation.domain.importing.strict_json import loads_strict
from annotation.domain.vocabulary import ImportKind, TokenScope
from annotation.models import Import, Refusal
from annotation.selectors import access
from annotation.selectors.imports import import_of, imports_of, refusals_of, share_read
from annotation.services.importing import uploads
from annotation.services.importing.preview import as_json, preview

FIELDS = frozenset({"kind", "file", "mapping", "is_strict", "preview"})
FLAGS = {"true": True, "false": False}


class UploadForm(serializers.Serializer[Any]):
    """Shape of the multipart body, for the schema."""

    kind = serializers.ChoiceField(list(ImportKind))
    file = serializers.FileField()
    mapping = serializers.CharField(required=False, help_text="JSON: {our field: their column}")
    is_strict = serializers.BooleanField(required=False)
    preview = serializers.BooleanField(required=False)


class ImportShape(serializers.ModelSerializer[Import]):
    share_read = serializers.FloatField(allow_null=True)

    class Meta:
        model = Import
        fields = [
            "id",
            "kind",
            "file_name",
            "state",
            "is_strict",
            "mapping",
            "n_bytes",
            "n_read",
            "n_written",
            "n_unchanged",
            "n_refused",
            "share_read",
            "error",
            "created_at",
            "started_at",
            "finished_at",
        ]


class RefusalShape(serializers.ModelSerializer[Refusal]):
    class Meta:
        model = Refusal
        fields = ["line", "field", "rule", "detail"]


class ImportsView(Endpoint):
    scopes = {"POST": TokenScope.WRITE}
    parser_classes = [MultiPartParser]
    is_paged = True

    @extend_schema(summary="List the imports of a project", responses=ImportShape(many=True))
    def get(self, request: Request, slug: str) -> Response:
        project = access.project_for(request.user, slug, access.READS)
        return page_of(request, imports_of(project), shown)

    @extend_schema(
        summary="Upload a file of items or judgments",
        request={"multipart/form-data": UploadForm},
        responses={202: ImportShape, 200: OpenApiTypes.OBJECT},
    )
    def post(self, request: Request, slug: str) -> Response:
        project = access.project_for(request.user, slug, access.READS)
        refuse_large(request)
        body = only_known(request.data, FIELDS)
        for name in body:
            if len(body.getlist(name)) > 1:
                raise InvalidField(f"{name} is sent more than once.", field=name)
        kind, file = kind_in(body), file_in(body)
        mapping = mapping_in(body, kind)
        if flag_in(body, "preview"):
            return Response(previewed(file, kind, mapping))
        upload = uploads.create_import(
            project=project,
            kind=kind,
            file_name=file.name or "upload",
            chunks=file.chunks(),
            mapping=mapping,
            is_strict=flag_in(body, "is_strict"),
            created_by=request.user,
            now=request.now,
        )
        at = reverse("api-import", args=[slug, upload.id])
        return Response(
            shown([upload])[0],
            status=202,
            headers={"Location": request.build_absolute_uri(at)},
        )


class ImportView(Endpoint):
    @extend_schema(summary="How far an import is", responses=ImportShape)
    def get(self, request: Request, slug: str, import_id: int) -> Response:
        project = access.project_for(request.user, slug, access.READS)
        return Response(shown([import_of(project, import_id)])[0])


class RefusalsView(Endpoint):
    is_paged = True

    @extend_schema(summary="Lines that an import refused", responses=RefusalShape(many=True))
    def get(self, request: Request, slug: str, import_id: int) -> Response:
        project = access.project_for(request.user, slug, access.READS)
        refusals = refusals_of(import_of(project, import_id))
        return page_of(request, refusals, lambda rows: list(RefusalShape(rows, many=True).data))


def shown(found: list[Import]) -> list[dict[str, Any]]:
    for upload in found:
        upload.share_read = share_read(upload)
    return list(ImportShape(found, many=True).data)


def refuse_large(request: Request) -> None:
    """Refuse by the announced size, before the body is read."""
    announced = request.META.get("CONTENT_LENGTH") or "0"
    if announced.isdigit() and int(announced) > settings.UPLOAD_LIMIT + 2**20:
        raise uploads.FileTooLarge.over_limit()


def kind_in(body: dict[str, Any]) -> ImportKind:
    if body.get("kind") not in list(ImportKind):
        raise InvalidField(f"kind must be one of {', '.join(ImportKind)}.", field="kind")
    return ImportKind(body["kind"])


def file_in(body: dict[str, Any]) -> UploadedFile:
    if not isinstance(body.get("file"), UploadedFile):
        raise InvalidField("Send the file as the part “file”.", field="file")
    return body["file"]


def mapping_in(body: dict[str, Any], kind: ImportKind) -> dict[str, str]:
    written = body.get("mapping") or "{}"
    if not isinstance(written, str):
        raise InvalidField("mapping must be a JSON object.", field="mapping")
    try:
        return check_mapping(loads_strict(written.encode("utf-8", "surrogatepass")), kind)
    except LineRefused as refused:
        raise InvalidField(refused.detail, field="mapping") from refused


def flag_in(body: dict[str, Any], name: str) -> bool:
    if body.get(name, "false") not in FLAGS:
        raise InvalidField(f"{name} must be true or false.", field=name)
    return FLAGS[body.get(name, "false")]


def previewed(file: UploadedFile, kind: ImportKind, mapping: dict[str, str]) -> dict[str, Any]:
    """Read the first rows of an upload from a file that goes away again."""
    with tempfile.NamedTemporaryFile() as copy:
        uploads.write_chunks(file.chunks(), copy)
        copy.flush()
        path = Path(copy.name)
        return as_json(preview(path=path, name=file.name or "", kind=kind, mapping=mapping))
