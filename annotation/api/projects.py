"""Projects: listed, made, read and changed."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api import shapes
from annotation.api.endpoint import Endpoint, created, only_known
from annotation.api.paging import page_of
from annotation.domain.errors import NotAllowed
from annotation.domain.vocabulary import CriterionKind, ProjectState, TokenScope
from annotation.models import Criterion, Project
from annotation.selectors import access
from annotation.services import projects
from annotation.services.projects import CriterionDraft

FIELDS = frozenset(shapes.Project().fields)
PLAIN = projects.SETTINGS - {"lease"}


class ProjectsView(Endpoint):
    scopes = {"POST": TokenScope.ADMIN}
    is_paged = True

    @extend_schema(summary="List projects", responses={200: shapes.page_of(shapes.Project, "P")})
    def get(self, request: Request) -> Response:
        rows = access.projects_of(request.user).select_related("guidelines")
        return page_of(
            request, rows.prefetch_related("criteria"), lambda page: [shown(p) for p in page]
        )

    @extend_schema(
        summary="Make a project", request=shapes.Project, responses={201: shapes.Project}
    )
    def post(self, request: Request) -> Response:
        if not access.may_create_projects(request.user):
            raise NotAllowed("Only operators make projects; ask one to do it for you.")
        given = _checked(request, partial=False)
        with transaction.atomic():
            project = projects.create_project(
                actor=request.user,
                slug=given["slug"],
                now=request.now,
                **_settings(given),
            )
            _apply_rest(request, project, given)
        return created(_fresh(project.id))


class ProjectView(Endpoint):
    scopes = {"PATCH": TokenScope.ADMIN}

    @extend_schema(summary="Read a project", responses={200: shapes.Project})
    def get(self, request: Request, slug: str) -> Response:
        return Response(_fresh(access.project_for(request.user, slug, access.JUDGES).id))

    @extend_schema(
        summary="Change a project", request=shapes.Project, responses={200: shapes.Project}
    )
    def patch(self, request: Request, slug: str) -> Response:
        project = access.project_for(request.user, slug, access.ADMINISTERS)
        only_known(request.data, FIELDS - {"slug"})
        given = _checked(request, partial=True)
        with transaction.atomic():
            projects.change_settings(
                actor=request.user,
                project_id=project.id,
                changes=_settings(given),
                now=request.now,
            )
            _apply_rest(request, project, given)
        return Response(_fresh(project.id))


def _checked(request: Request, *, partial: bool) -> dict[str, Any]:
    only_known(request.data, FIELDS)
    for criterion in _criteria_in(request.data):
        only_known(criterion, frozenset(shapes.Criterion().fields))
    shape = shapes.Project(data=request.data, partial=partial)
    shape.is_valid(raise_exception=True)
    return shape.validated_data


def _criteria_in(body: dict[str, Any]) -> list[dict[str, Any]]:
    criteria = body.get("criteria")
    return [c for c in criteria if isinstance(c, dict)] if isinstance(criteria, list) else []


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    settings = {name: value for name, value in given.items() if name in PLAIN}
    if "lease_seconds" in given:
        settings["lease"] = timedelta(seconds=given["lease_seconds"])
    return settings


def _apply_rest(request: Request, project: Project, given: dict[str, Any]) -> None:
    """Hand each part to the service that owns it, in the caller's transaction."""
    who = {"actor": request.user, "project_id": project.id, "now": request.now}
    if "state" in given:
        projects.set_state(state=ProjectState(given["state"]), **who)
    if "criteria" in given:
        projects.set_criteria(criteria=[_draft(c) for c in given["criteria"]], **who)
    if "guidelines" in given:
        projects.publish_guidelines(text=given["guidelines"], **who)


def _draft(given: dict[str, Any]) -> CriterionDraft:
    return CriterionDraft(**given | {"kind": CriterionKind(given["kind"])})


def _fresh(project_id: int) -> dict[str, Any]:
    rows = Project.objects.select_related("guidelines").prefetch_related("criteria")
    return shown(rows.get(id=project_id))


def shown(project: Project) -> dict[str, Any]:
    plain = {name: getattr(project, name) for name in sorted(PLAIN)}
    return {"slug": project.slug, "state": project.state} | plain | {
        "lease_seconds": int(project.lease.total_seconds()),
        "criteria": [_criterion(c) for c in project.criteria.all() if c.is_asked],
        "guidelines": project.guidelines.text if project.guidelines else "",
        "guidelines_version": project.guidelines.number if project.guidelines else None,
        "created_at": project.created_at,
    }  # fmt: skip


def _criterion(criterion: Criterion) -> dict[str, Any]:
    names = ("key", "name", "description", "kind", "scale_min", "scale_max")
    return {name: getattr(criterion, name) for name in names}
