"""Routing policies, their dry runs, and what they decided."""

import json
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.domain.errors import NotFound
from annotation.domain.vocabulary import TokenScope, WorkState
from annotation.models import Project
from annotation.selectors import access
from curation.api import shapes
from curation.api.endpoint import HIGHEST, Endpoint, only_known, page_of, who, whole
from curation.domain.routing.policy import POLICY_SCHEMA
from curation.domain.vocabulary import PolicyState, Route
from curation.models import RoutingDecision, RoutingPolicy
from curation.models import Simulation as SimulationRow
from curation.selectors import routing
from curation.services.routing import policies, simulations

SCHEMA = f"""
The policy is kept as the next number of its project, and decides nothing until it is activated.
Whatever is left out of `content` has its default; the answer spells all of it out.

```json
{json.dumps(POLICY_SCHEMA, indent=1)}
```
"""


class NewPolicy(serializers.Serializer):
    content = serializers.DictField()
    note = serializers.CharField(max_length=300, required=False, allow_blank=True)


class Policy(serializers.Serializer):
    number = serializers.IntegerField()
    state = serializers.ChoiceField(choices=list(PolicyState))
    note = serializers.CharField()
    content = serializers.DictField()
    created_by = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    activated_at = serializers.DateTimeField(allow_null=True)
    retired_at = serializers.DateTimeField(allow_null=True)


class Simulation(serializers.Serializer):
    """`progress` is from 0 to 1; `result` is empty until it is done."""

    state = serializers.ChoiceField(choices=list(WorkState))
    progress = serializers.FloatField()
    result = serializers.DictField()
    error = serializers.CharField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class Decision(serializers.Serializer):
    """`rule` is null for the default and the learned router; `propensity` is the probability with
    which a person was to judge the comparison."""

    comparison = serializers.IntegerField()
    ordinal = serializers.IntegerField()
    policy = serializers.IntegerField()
    rule = serializers.IntegerField(allow_null=True)
    route = serializers.ChoiceField(choices=list(Route))
    overlap = serializers.IntegerField()
    judges = serializers.ListField(child=serializers.CharField())
    expertise = serializers.CharField()
    rank = serializers.IntegerField()
    slice = serializers.CharField()
    reason = serializers.CharField()
    propensity = serializers.FloatField()
    is_explored = serializers.BooleanField()
    is_audited = serializers.BooleanField()
    decided_at = serializers.DateTimeField()


class PoliciesView(Endpoint):
    scopes = {"POST": TokenScope.ADMIN}
    is_paged = True

    @extend_schema(
        summary="List the routing policies of a project",
        responses={200: shapes.page_of(Policy, "RoutingPolicies")},
    )
    def get(self, request: Request, slug: str) -> Response:
        project = access.project_for(who(request), slug, access.READS)
        return page_of(request, routing.policies_of(project), policy_shown)

    @extend_schema(
        summary="Draft a routing policy",
        description=SCHEMA,
        request=NewPolicy,
        responses={201: Policy},
    )
    def post(self, request: Request, slug: str) -> Response:
        project = access.project_for(who(request), slug, access.ADMINISTERS)
        shape = NewPolicy(data=only_known(request.data, frozenset(NewPolicy().fields)))
        shape.is_valid(raise_exception=True)
        drafted = policies.draft_policy(
            project=project, user=who(request), now=request.now, **shape.validated_data
        )
        return Response(policy_shown(drafted), status=201)


class PolicyView(Endpoint):
    @extend_schema(summary="Read a routing policy", responses={200: Policy})
    def get(self, request: Request, slug: str, number: int) -> Response:
        project = access.project_for(who(request), slug, access.READS)
        return Response(policy_shown(routing.policy_of(project, number)))


class ActivateView(Endpoint):
    scopes = {"POST": TokenScope.ADMIN}

    @extend_schema(
        summary="Let a routing policy decide",
        description="It takes the place of the one that does; activating that one again undoes it.",
        request=None,
        responses={200: Policy},
    )
    def post(self, request: Request, slug: str, number: int) -> Response:
        project = access.project_for(who(request), slug, access.ADMINISTERS)
        only_known(request.data, frozenset())
        active = policies.activate_policy(
            project=project, user=who(request), number=number, now=request.now
        )
        return Response(policy_shown(active))


class RetireView(Endpoint):
    scopes = {"POST": TokenScope.ADMIN}

    @extend_schema(
        summary="Let the project's overlap decide again", request=None, responses={200: Policy}
    )
    def post(self, request: Request, slug: str, number: int) -> Response:
        project = access.project_for(who(request), slug, access.ADMINISTERS)
        only_known(request.data, frozenset())
        active_one(project, number)
        retired = policies.retire_policy(project=project, user=who(request), now=request.now)
        return Response(policy_shown(retired))


class SimulateView(Endpoint):
    scopes = {"POST": TokenScope.WRITE}

    @extend_schema(summary="Read the latest dry run of a policy", responses={200: Simulation})
    def get(self, request: Request, slug: str, number: int) -> Response:
        project = access.project_for(who(request), slug, access.READS)
        found = routing.policy_of(project, number).simulations.order_by("-id").first()
        if found is None:
            raise NotFound("This policy has had no dry run yet; ask for one.")
        return Response(simulation_shown(found))

    @extend_schema(
        summary="Ask for a dry run of a policy",
        description="It changes nothing, so researchers may ask for it, too.",
        request=None,
        responses={202: Simulation},
    )
    def post(self, request: Request, slug: str, number: int) -> Response:
        project = access.project_for(who(request), slug, access.READS)
        only_known(request.data, frozenset())
        asked = simulations.ask_for_simulation(
            policy=routing.policy_of(project, number), user=who(request), now=request.now
        )
        return Response(simulation_shown(asked), status=202)


class DecisionsView(Endpoint):
    filters = frozenset({"comparison", "policy"})
    is_paged = True

    @extend_schema(
        summary="List routing decisions, the earlier ones of a comparison included",
        parameters=[
            OpenApiParameter("comparison", int),
            OpenApiParameter("policy", int, description="The number of the policy."),
        ],
        responses={200: shapes.page_of(Decision, "RoutingDecisions")},
    )
    def get(self, request: Request, slug: str) -> Response:
        project = access.project_for(who(request), slug, access.READS)
        rows = routing.decisions_of(project)
        if comparison := whole(request, "comparison", 0, 0, HIGHEST):
            rows = rows.filter(comparison=comparison)
        if number := whole(request, "policy", 0, 0, 2**31 - 1):
            rows = rows.filter(policy=routing.policy_of(project, number))
        return page_of(request, rows, decision_shown)


def active_one(project: Project, number: int) -> None:
    """Refuse to retire a policy that does not decide.

    Raises:
        NotFound: no such policy.
        NoPolicyActive: another one decides, or none.
    """
    if routing.policy_of(project, number).state != PolicyState.ACTIVE:
        raise policies.NoPolicyActive(f"Policy {number} does not decide, so it cannot be retired.")


def policy_shown(policy: RoutingPolicy) -> dict[str, Any]:
    plain = ("number", "state", "note", "content", "created_at", "activated_at", "retired_at")
    by = policy.created_by.username if policy.created_by else None
    return {name: getattr(policy, name) for name in plain} | {"created_by": by}


def simulation_shown(simulation: SimulationRow) -> dict[str, Any]:
    return {name: getattr(simulation, name) for name in Simulation().fields}


def decision_shown(decision: RoutingDecision) -> dict[str, Any]:
    plain = (
        "ordinal",
        "rule",
        "route",
        "slice",
        "reason",
        "propensity",
        "is_explored",
        "is_audited",
        "decided_at",
    )
    return (
        {"comparison": decision.comparison_id, "policy": decision.policy.number}
        | routing.settings_of(decision)
        | {name: getattr(decision, name) for name in plain}
    )
