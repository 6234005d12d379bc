"""Versions and their exports: asked for, watched and read."""

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.domain.vocabulary import TokenScope
from curation.api import shapes
from curation.api.endpoint import Endpoint, dataset_in, only_known, page_of, version_in, who
from curation.domain.formats import Format
from curation.models import Export, Version
from curation.services import exporting, versioning


class VersionsView(Endpoint):
    scopes = {"POST": TokenScope.WRITE}
    is_paged = True

    @extend_schema(summary="List versions", responses={200: shapes.page_of(shapes.Version, "V")})
    def get(self, request: Request, slug: str) -> Response:
        rows = dataset_in(request, slug).versions.select_related("dataset")
        return page_of(request, rows, shown)

    @extend_schema(summary="Cut a version", request=None, responses={202: shapes.Version})
    def post(self, request: Request, slug: str) -> Response:
        only_known(request.data or {}, frozenset())
        version = versioning.request_version(
            dataset=dataset_in(request, slug), now=request.now, user=who(request)
        )
        return Response(shown(version), status=202)


class VersionView(Endpoint):
    @extend_schema(
        summary="Read a version with its manifest", responses={200: shapes.VersionWithManifest}
    )
    def get(self, request: Request, slug: str, number: int) -> Response:
        version = version_in(request, slug, number)
        beside = {"recipe": version.recipe, "manifest": version.manifest}
        return Response(shown(version) | beside)


class ExportsView(Endpoint):
    scopes = {"POST": TokenScope.WRITE}
    is_paged = True

    @extend_schema(summary="List exports", responses={200: shapes.page_of(shapes.Export, "E")})
    def get(self, request: Request, slug: str, number: int) -> Response:
        version = version_in(request, slug, number)
        rows = version.exports.select_related("version__dataset")
        return page_of(request, rows, lambda export: shown_export(request, export))

    @extend_schema(
        summary="Ask for a format", request=shapes.NewExport, responses={202: shapes.Export}
    )
    def post(self, request: Request, slug: str, number: int) -> Response:
        version = version_in(request, slug, number)
        shape = shapes.NewExport(data=only_known(request.data, frozenset({"format"})))
        shape.is_valid(raise_exception=True)
        wanted = Format(shape.validated_data["format"])
        export = exporting.request_export(version=version, format=wanted, now=request.now)
        return Response(shown_export(request, export), status=202)


def shown(version: Version) -> dict[str, Any]:
    return {
        "dataset": version.dataset.slug,
        "version": version.number,
        "state": version.state,
        "digest": bytes(version.digest).hex() if version.digest else None,
        "identical_to": version.identical_to,
        "counts": version.counts,
        "error": version.error,
        "created_at": version.created_at,
        "built_at": version.built_at,
    }


def shown_export(request: Request, export: Export) -> dict[str, Any]:
    return {
        "format": export.format,
        "state": export.state,
        "counts": export.counts,
        "files": [file | {"url": address(request, export, file["path"])} for file in export.files],
        "error": export.error,
        "created_at": export.created_at,
        "built_at": export.built_at,
    }


def address(request: Request, export: Export, path: str) -> str:
    version = export.version
    named = [version.dataset.slug, version.number, export.format, path]
    return request.build_absolute_uri(reverse("api-export-file", args=named))
