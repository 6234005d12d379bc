"""How good a project's labels are, and which models win. Read from the last report."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api import quality_shapes as shapes
from annotation.api.endpoint import Endpoint, annotator_id_of
from annotation.domain.errors import InvalidField
from annotation.domain.vocabulary import VOTERS, AnnotatorKind
from annotation.selectors import access, reports

# Who watched their accuracy after each judgment would learn which comparisons are gold.
KEPT_FROM_ANNOTATORS = frozenset({"accuracy_vs_gold", "flags", "worth", "n_of", "confusion"})


class QualityView(Endpoint):
    @extend_schema(
        summary="Read agreement, judges, annotators, bias and models",
        description="Agreement is seconds old; `computed_at` is the age of everything else.",
        responses={200: shapes.Quality},
    )
    def get(self, request: Request, slug: str) -> Response:
        project = access.project_for(request.user, slug, access.READS)
        stored = reports.stored_report(project)
        return Response(_age(stored) | reports.with_live_agreement(project, stored.report))


class OwnView(Endpoint):
    @extend_schema(summary="Read your own figures", responses={200: shapes.OwnQuality})
    def get(self, request: Request, slug: str) -> Response:
        project = access.project_for(request.user, slug, access.JUDGES)
        stored = reports.stored_report(project)
        figures = reports.figures_of(stored.report, annotator_id_of(request))
        return Response(_age(stored) | {"figures": figures and _own(figures)})


class LeaderboardView(Endpoint):
    filters = frozenset({"by"})

    @extend_schema(
        summary="Read the leaderboard of models",
        parameters=[
            OpenApiParameter(
                "by", str, enum=[kind.value for kind in VOTERS], description="Whose votes count."
            )
        ],
        responses={200: shapes.Leaderboard},
    )
    def get(self, request: Request, slug: str) -> Response:
        project = access.project_for(request.user, slug, access.READS)
        by = request.query_params.get("by", AnnotatorKind.HUMAN)
        if by not in VOTERS:
            raise InvalidField("Votes are by human or llm.", field="by")
        stored = reports.stored_report(project)
        return Response(_age(stored) | reports.leaderboard_of(stored.report, by))


def _age(stored: reports.Stored) -> dict[str, Any]:
    return {"computed_at": stored.computed_at, "is_current": stored.is_current}


def _own(figures: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in figures.items() if key not in KEPT_FROM_ANNOTATORS}
