"""Judges: configured, asked and watched over the API."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from annotation.api import judge_shapes as shapes
from annotation.api.endpoint import Endpoint, created, only_known
from annotation.api.paging import page_of
from annotation.api.shapes import page_of as shape_of_page
from annotation.domain.errors import InvalidField
from annotation.domain.judges.money import amount_of, plainly
from annotation.domain.judges.starters import STARTERS
from annotation.domain.vocabulary import JudgeState, TokenScope
from annotation.models import Endpoint as EndpointRow
from annotation.models import Judge, PromptTemplate
from annotation.selectors import access, judges
from annotation.services.judges import configuring
from annotation.services.judges.configuring import EndpointDraft, JudgeDraft, TemplateDraft

ONE_OF_TWO = {"endpoint": "new_endpoint", "template": "new_template"}
PLAIN = (
    "id",
    "name",
    "number",
    "state",
    "state_reason",
    "model_name",
    "family",
    "temperature",
    "max_tokens",
    "seed",
    "n_samples",
    "reads_logprobs",
    "order_policy",
    "created_at",
)


class JudgesView(Endpoint):
    scopes = {"POST": TokenScope.ADMIN}
    is_paged = True

    @extend_schema(
        summary="List the judges of a project",
        responses={200: shape_of_page(shapes.Judge, "Judges")},
    )
    def get(self, request: Request, slug: str) -> Response:
        project = access.project_for(request.user, slug, access.READS)
        return page_of(request, judges.judges_of(project), lambda page: [shown(j) for j in page])

    @extend_schema(
        summary="Configure a judge", request=shapes.NewJudge, responses={201: shapes.Judge}
    )
    def post(self, request: Request, slug: str) -> Response:
        project = access.project_for(request.user, slug, access.ADMINISTERS)
        given = checked_body(shapes.NewJudge, request.data)
        for name, new in ONE_OF_TWO.items():
            if (name in given) == (new in given):
                raise InvalidField(f"Give either {name} or {new}.", field=name)
        who = {"project": project, "user": request.user, "now": request.now}
        with transaction.atomic():
            chosen = {"endpoint": _endpoint(given, who), "template": _template(given, who)}
            plain = {key: value for key, value in given.items() if not key.startswith("new_")}
            judge = configuring.add_judge(draft=JudgeDraft(**plain | chosen), **who)
        return created(shown(judge))


class JudgeView(Endpoint):
    scopes = {"PATCH": TokenScope.ADMIN}

    @extend_schema(summary="Read a judge", responses={200: shapes.Judge})
    def get(self, request: Request, judge_id: int) -> Response:
        return Response(shown(judges.judge_for(request.user, judge_id, access.READS)))

    @extend_schema(
        summary="Set a judge's state or budget",
        request=shapes.JudgeChange,
        responses={200: shapes.Judge},
    )
    def patch(self, request: Request, judge_id: int) -> Response:
        judge = judges.judge_for(request.user, judge_id, access.ADMINISTERS)
        given = checked_body(shapes.JudgeChange, request.data)
        who = {"user": request.user, "now": request.now}
        with transaction.atomic():
            if "budget" in given:
                judge = configuring.raise_budget(judge=judge, budget=given["budget"], **who)
            if "state" in given:
                state = JudgeState(given["state"])
                judge = configuring.set_judge_state(judge=judge, state=state, **who)
        return Response(shown(judge))


def checked_body(shape: type[Serializer[Any]], body: Any) -> dict[str, Any]:
    """Read a body, its objects within too; a field that means nothing is refused."""
    only_known(body, frozenset(shape().fields))
    for name, field in shape().fields.items():
        if isinstance(field, Serializer) and isinstance(body.get(name), Mapping):
            only_known(body[name], frozenset(field.fields))
    read = shape(data=body)
    read.is_valid(raise_exception=True)
    return dict(read.validated_data)


def _endpoint(given: Mapping[str, Any], who: dict[str, Any]) -> EndpointRow:
    if "new_endpoint" in given:
        return configuring.add_endpoint(draft=EndpointDraft(**given["new_endpoint"]), **who)
    if found := who["project"].endpoints.filter(name=given["endpoint"]).first():
        return found
    raise InvalidField("The project has no endpoint of this name.", field="endpoint")


def _template(given: Mapping[str, Any], who: dict[str, Any]) -> PromptTemplate:
    if "new_template" in given:
        return configuring.add_template(draft=TemplateDraft(**given["new_template"]), **who)
    name = given["template"]
    kept = who["project"].prompt_templates.filter(name=name).order_by("-number").first()
    if kept:
        return kept
    starter = next((one for one in STARTERS if one.name == name), None)
    if starter is None:
        raise InvalidField("There is no template or starter of this name.", field="template")
    draft = TemplateDraft(name=starter.name, **vars(starter.template))
    return configuring.add_template(draft=draft, **who)


def shown(judge: Judge) -> dict[str, Any]:
    return {name: getattr(judge, name) for name in PLAIN} | {
        "annotator": judge.annotator_id,
        "endpoint": judge.endpoint.name,
        "template": judge.template.name,
        "template_number": judge.template.number,
        "price_in": plainly(judge.price_in),
        "price_out": plainly(judge.price_out),
        "budget": plainly(amount_of(judge.budget)),
        "spent": plainly(amount_of(judge.spent)),
        "reserved": plainly(amount_of(judge.reserved)),
    }
