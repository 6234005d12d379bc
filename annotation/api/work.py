"""The annotator's side: claim, submit, hand back, skip, correct."""

import random
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api import shapes
from annotation.api.endpoint import Endpoint, annotator_id_of, created, only_known
from annotation.domain.answers import answer_from, client_key_from
from annotation.domain.errors import InvalidField, NotFound
from annotation.domain.vocabulary import TokenScope
from annotation.models import Comparison, Judgment, Slot
from annotation.selectors import access
from annotation.selectors.questions import question_on, responses_of
from annotation.selectors.queue import slot_for, why_nothing
from annotation.services import judging, queue

ANNOTATES = {"POST": TokenScope.ANNOTATE}
KEY = OpenApiParameter(
    "Idempotency-Key", str, "header", required=True, description="A UUID, new for each answer."
)
MOST_BESIDES = 10
LONGEST_NOTE = 1000


class NextView(Endpoint):
    scopes = ANNOTATES

    @extend_schema(
        summary="Claim the next comparison",
        request=shapes.Claim,
        responses={200: shapes.Work, 204: None},
    )
    def post(self, request: Request, slug: str) -> Response:
        project = access.project_for(request.user, slug, access.JUDGES)
        me = annotator_id_of(request)
        slot = queue.claim_slot(
            project_id=project.id, annotator_id=me, now=request.now, besides=_besides(request)
        )
        if slot:
            return Response(_work(slot))
        nothing = why_nothing(me, project.id, request.now)
        headers = {"Quorum-Reason": nothing.reason}
        if nothing.until:
            headers["Quorum-Until"] = nothing.until.isoformat()
        return Response(status=204, headers=headers)


class SubmitView(Endpoint):
    scopes = ANNOTATES

    @extend_schema(
        summary="Submit the answer to a claimed comparison",
        parameters=[KEY],
        request=shapes.AnswerGiven,
        responses={201: shapes.JudgmentTaken},
    )
    def post(self, request: Request, slot_id: int) -> Response:
        slot = slot_for(request.user, slot_id)
        judgment = judging.submit_judgment(
            slot_id=slot_id,
            annotator_id=annotator_id_of(request),
            answer=answer_from(request.data, question_on(slot.comparison)),
            client_key=_client_key(request),
            now=request.now,
        )
        return created(_taken(judgment))


class ReleaseView(Endpoint):
    scopes = ANNOTATES

    @extend_schema(summary="Hand a slot back", request=shapes.Release, responses={204: None})
    def post(self, request: Request, slot_id: int) -> Response:
        slot_for(request.user, slot_id)
        body = only_known(request.data, frozenset({"lease_epoch"}))
        queue.release_slot(
            slot_id=slot_id,
            annotator_id=annotator_id_of(request),
            now=request.now,
            lease_epoch=_epoch(body.get("lease_epoch")),
        )
        return Response(status=204)


class RenewView(Endpoint):
    scopes = ANNOTATES

    @extend_schema(summary="Extend a lease", request=None, responses={200: shapes.Lease})
    def post(self, request: Request, slot_id: int) -> Response:
        slot_for(request.user, slot_id)
        only_known(request.data, frozenset())
        slot = queue.renew_lease(
            slot_id=slot_id, annotator_id=annotator_id_of(request), now=request.now
        )
        return Response(_lease(slot))


class SkipView(Endpoint):
    scopes = ANNOTATES

    @extend_schema(summary="Skip a comparison for good", request=shapes.Skip, responses={204: None})
    def post(self, request: Request, slot_id: int) -> Response:
        slot_for(request.user, slot_id)
        body = only_known(request.data, frozenset({"reason"}))
        reason = shapes.text_of(body.get("reason", ""), "reason", LONGEST_NOTE)
        queue.skip_comparison(
            slot_id=slot_id, annotator_id=annotator_id_of(request), now=request.now, reason=reason
        )
        return Response(status=204)


class CorrectionView(Endpoint):
    scopes = ANNOTATES

    @extend_schema(
        summary="Correct an own judgment",
        parameters=[KEY],
        request=shapes.AnswerGiven,
        responses={201: shapes.JudgmentTaken},
    )
    def post(self, request: Request, judgment_id: int) -> Response:
        judgment = _own_judgment(request, judgment_id)
        correction = judging.correct_judgment(
            judgment_id=judgment_id,
            annotator_id=judgment.annotator_id,
            answer=answer_from(request.data, question_on(judgment.comparison)),
            client_key=_client_key(request),
            now=request.now,
        )
        return created(_taken(correction))


def _own_judgment(request: Request, judgment_id: int) -> Judgment:
    found = Judgment.objects.select_related("comparison__project").filter(
        id=judgment_id,
        annotator__user=request.user,
        project__in=access.projects_of(request.user),
    )
    if judgment := found.first():
        return judgment
    raise NotFound("There is no such judgment of yours.")


def _client_key(request: Request) -> Any:
    given = request.headers.get("Idempotency-Key") or request.data.get("client_key")
    return client_key_from(given, "Idempotency-Key")


def _besides(request: Request) -> list[int]:
    body = only_known(request.data, frozenset({"besides"}))
    besides = body.get("besides", [])
    is_list = isinstance(besides, list) and len(besides) <= MOST_BESIDES
    if not is_list or not all(type(slot) is int for slot in besides):
        raise InvalidField("besides must be a list of at most 10 slot ids.", field="besides")
    return besides


def _epoch(value: Any) -> int | None:
    if value is not None and type(value) is not int:
        raise InvalidField("lease_epoch must be a whole number.", field="lease_epoch")
    return value


def _lease(slot: Slot) -> dict[str, Any]:
    return {
        "slot": slot.id,
        "lease_ends_at": slot.lease_ends_at,
        "lease_epoch": slot.lease_epoch,
    }


def _work(slot: Slot) -> dict[str, Any]:
    """A slot as its annotator may see it: numbers for ids, since names may tell who wrote what."""
    comparison = Comparison.objects.select_related("item", "other_item").get(id=slot.comparison_id)
    other = comparison.other_item
    responses = responses_of(comparison)
    random.shuffle(responses)
    return _lease(slot) | {
        "comparison": {
            "id": comparison.id,
            "context": comparison.context,
            "messages": comparison.item.messages,
            "other_messages": other.messages if other else [],
            "responses": [
                {"id": r.id, "content": r.content, "messages": r.messages} for r in responses
            ],
        }
    }


def _taken(judgment: Judgment) -> dict[str, Any]:
    return {
        "id": judgment.id,
        "slot": judgment.slot_id,
        "comparison": judgment.comparison_id,
        "outcome": judgment.outcome,
        "ranking": judgment.ranking,
        "strength": judgment.strength,
        "supersedes": judgment.supersedes_id,
        "is_late": judgment.is_late,
        "judged_at": judgment.judged_at,
    }
