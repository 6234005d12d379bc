"""Datasets: listed, made, read and changed."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.domain.vocabulary import TokenScope
from curation.api import shapes
from curation.api.endpoint import Endpoint, dataset_in, only_known, page_of, who
from curation.domain.recipes import recipe_json, recipe_of
from curation.models import Dataset
from curation.selectors.datasets import datasets_of, readable_projects
from curation.services import datasets

FIELDS = frozenset(shapes.Dataset().fields)


class DatasetsView(Endpoint):
    scopes = {"POST": TokenScope.WRITE}
    is_paged = True

    @extend_schema(summary="List datasets", responses={200: shapes.page_of(shapes.Dataset, "D")})
    def get(self, request: Request) -> Response:
        datasets.default_datasets(projects=readable_projects(who(request)), now=request.now)
        rows = datasets_of(who(request)).prefetch_related("projects")
        return page_of(request, rows, shown)

    @extend_schema(
        summary="Make a dataset", request=shapes.Dataset, responses={201: shapes.Dataset}
    )
    def post(self, request: Request) -> Response:
        given = checked(request, FIELDS, partial=False)
        made = datasets.create_dataset(user=who(request), now=request.now, **given)
        return Response(shown(made), status=201)


class DatasetView(Endpoint):
    scopes = {"PATCH": TokenScope.WRITE}

    @extend_schema(summary="Read a dataset", responses={200: shapes.Dataset})
    def get(self, request: Request, slug: str) -> Response:
        return Response(shown(dataset_in(request, slug)))

    @extend_schema(
        summary="Change a dataset", request=shapes.Dataset, responses={200: shapes.Dataset}
    )
    def patch(self, request: Request, slug: str) -> Response:
        dataset = dataset_in(request, slug)
        given = checked(request, FIELDS - {"slug"}, partial=True)
        changed = datasets.change_dataset(
            user=who(request), dataset=dataset, now=request.now, **given
        )
        return Response(shown(changed))


def checked(request: Request, known: frozenset[str], *, partial: bool) -> dict[str, Any]:
    shape = shapes.Dataset(data=only_known(request.data, known), partial=partial)
    shape.is_valid(raise_exception=True)
    return shape.validated_data


def shown(dataset: Dataset) -> dict[str, Any]:
    return {
        "slug": dataset.slug,
        "name": dataset.name,
        "description": dataset.description,
        "projects": sorted(project.slug for project in dataset.projects.all()),
        "recipe": recipe_json(recipe_of(dataset.recipe)),
    }
