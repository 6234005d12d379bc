"""What came of it, for researchers: judgments and consensus, under the items' own ids."""

from collections.abc import Iterable, Mapping
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response as Answer

from annotation.api import shapes
from annotation.api.endpoint import Endpoint
from annotation.api.paging import flag, page_of, whole
from annotation.domain.answers import HIGHEST_ID
from annotation.models import (
    Comparison,
    Consensus,
    CriterionConsensus,
    Judgment,
    Response,
    Span,
)
from annotation.selectors import access

Names = Mapping[int, str]


class JudgmentsView(Endpoint):
    filters = frozenset({"in_force", "annotator", "comparison"})
    is_paged = True

    @extend_schema(
        summary="List judgments",
        parameters=[
            OpenApiParameter("in_force", bool, description="Leave out what was superseded."),
            OpenApiParameter("annotator", str, description="The annotator's name."),
            OpenApiParameter("comparison", int),
        ],
        responses={200: shapes.page_of(shapes.Judgment, "Judgment")},
    )
    def get(self, request: Request, slug: str) -> Answer:
        project = access.project_for(request.user, slug, access.READS)
        rows = Judgment.objects.filter(project=project).select_related(
            "annotator", "comparison__item", "guidelines", "rationale", "superseded_by"
        )
        if (in_force := flag(request, "in_force")) is not None:
            rows = rows.filter(superseded_by__isnull=in_force)
        if name := request.query_params.get("annotator"):
            rows = rows.filter(annotator__name=name)
        if comparison := whole(request, "comparison", 0, 1, HIGHEST_ID):
            rows = rows.filter(comparison_id=comparison)
        return page_of(request, rows.prefetch_related("rationale__spans"), _judgments)


class ConsensusView(Endpoint):
    filters = frozenset({"is_settled"})
    is_paged = True

    @extend_schema(
        summary="List the consensus of each comparison",
        parameters=[OpenApiParameter("is_settled", bool)],
        responses={200: shapes.page_of(shapes.Consensus, "Consensus")},
    )
    def get(self, request: Request, slug: str) -> Answer:
        project = access.project_for(request.user, slug, access.READS)
        rows = Consensus.objects.filter(project=project).select_related("comparison__item")
        rows = rows.prefetch_related("comparison__criterion_consensuses__criterion")
        if (is_settled := flag(request, "is_settled")) is not None:
            rows = rows.filter(is_settled=is_settled)
        return page_of(request, rows, _consensuses)


def _judgments(page: list[Judgment]) -> list[dict[str, Any]]:
    names = _names_in(judgment.comparison for judgment in page)
    return [_judgment(judgment, names) for judgment in page]


def _consensuses(page: list[Consensus]) -> list[dict[str, Any]]:
    names = _names_in(consensus.comparison for consensus in page)
    return [_consensus(consensus, names) for consensus in page]


def _names_in(comparisons: Iterable[Comparison]) -> Names:
    ids = {response for comparison in comparisons for response in comparison.response_ids}
    return dict(Response.objects.filter(id__in=ids).values_list("id", "external_id"))


def _judgment(judgment: Judgment, names: Names) -> dict[str, Any]:
    plain = (
        "id", "external_id", "outcome", "strength", "confidence", "is_unsafe", "reason",
        "active_seconds", "is_late", "metadata", "judged_at",
    )  # fmt: skip
    guidelines = judgment.guidelines
    return {name: getattr(judgment, name) for name in plain} | {
        "item": judgment.comparison.item.external_id,
        "comparison": judgment.comparison_id,
        "responses": [names[r] for r in judgment.comparison.response_ids],
        "annotator": judgment.annotator.name,
        "annotator_kind": judgment.annotator.kind,
        "ranking": _tiers(judgment.ranking, names),
        "criteria": {key: _criterion(said, names) for key, said in judgment.criteria.items()},
        "rationale": _rationale(judgment, names),
        "shown_order": _order(judgment.shown_order, names),
        "is_in_force": not hasattr(judgment, "superseded_by"),
        "supersedes": judgment.supersedes_id,
        "guidelines_version": guidelines.number if guidelines else None,
    }


def _consensus(consensus: Consensus, names: Names) -> dict[str, Any]:
    plain = (
        "method", "version", "strength", "agreement", "n_judgments", "n_votes",
        "effective_votes", "is_settled", "computed_at",
    )  # fmt: skip
    return {name: getattr(consensus, name) for name in plain} | {
        "comparison": consensus.comparison_id,
        "item": consensus.comparison.item.external_id,
        "responses": [names[r] for r in consensus.comparison.response_ids],
        "posterior": _keyed(consensus.posterior, names),
        "scores": _keyed(consensus.scores, names),
        "ranking": _tiers(consensus.ranking, names),
        "criteria": {
            one.criterion.key: _on_criterion(one, names)
            for one in consensus.comparison.criterion_consensuses.all()
        },
    }


def _on_criterion(consensus: CriterionConsensus, names: Names) -> dict[str, Any]:
    plain = ("method", "version", "agreement", "n_votes", "effective_votes", "is_settled")
    return {name: getattr(consensus, name) for name in plain} | {
        "posterior": _keyed(consensus.posterior, names),
        "scores": _keyed(consensus.scores, names),
        "n_ratings": _keyed(consensus.n_ratings, names),
        "ranking": _tiers(consensus.ranking, names),
    }


def _tiers(ranking: list[list[int]], names: Names) -> list[list[str]]:
    return [[names[response] for response in tier] for tier in ranking]


def _order(shown: list[int] | None, names: Names) -> list[str] | None:
    return None if shown is None else [names[response] for response in shown]


def _keyed(values: dict[str, Any], names: Names) -> dict[str, Any]:
    """Name the keys that are response ids; words such as "tie" stay."""
    return {names[int(k)] if k.isdigit() else k: value for k, value in values.items()}


def _criterion(said: dict[str, Any], names: Names) -> dict[str, Any]:
    if "ranking" in said:
        return {"ranking": _tiers(said["ranking"], names)}
    return {"ratings": _keyed(said["ratings"], names)}


def _rationale(judgment: Judgment, names: Names) -> dict[str, Any] | None:
    rationale = getattr(judgment, "rationale", None)
    if rationale is None:
        return None
    spans = [_span(span, names) for span in rationale.spans.all()]
    return {"text": rationale.text, "tags": rationale.tags, "spans": spans}


def _span(span: Span, names: Names) -> dict[str, Any]:
    return {
        "response": names[span.response_id],
        "start": span.start,
        "end": span.end,
        "label": span.label,
        "criterion": span.criterion,
    }
