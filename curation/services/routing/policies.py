"""Routing policies: drafted, activated, retired. Each change is audited."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from annotation.domain.errors import DomainError
from annotation.models import Project, User
from annotation.services import audit, routes
from curation.domain.routing import spots
from curation.domain.routing.policy import judges_in, policy_from_json, policy_json
from curation.domain.routing.spots import Spot
from curation.domain.vocabulary import PolicyState
from curation.models import RoutingPolicy
from curation.selectors import routing
from curation.services.routing import requests

LONGEST_NOTE = 300


class PolicyActive(DomainError):
    """This policy decides already."""

    code, status = "policy_active", 409


class NoPolicyActive(DomainError):
    """There is no policy to retire."""

    code, status = "no_policy_active", 409


def draft_policy(
    *, project: Project, user: User | None, content: Any, note: str = "", now: datetime
) -> RoutingPolicy:
    """Keep a policy as the next number of its project; it decides nothing until it is activated.

    Raises:
        InvalidField: it does not read, or names a judge that the project does not have, or the
            note is too long.
    """
    policy = policy_from_json(content)
    note = spots.text_at(Spot("note", "The note"), note, LONGEST_NOTE, may_be_empty=True)
    routing.refuse_unknown_judges(project, judges_in(policy))
    with transaction.atomic():
        # Two who draft at the same time would number theirs alike.
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        last = routing.policies_of(project).aggregate(last=Max("number"))["last"]
        return RoutingPolicy.objects.create(
            project=project,
            number=(last or 0) + 1,
            content=policy_json(policy),
            note=note,
            created_by=user,
            created_at=now,
        )


def activate_policy(
    *, project: Project, user: User | None, number: int, now: datetime
) -> RoutingPolicy:
    """Let a policy decide from now on, in the place of the one that did.

    Every comparison that people have not settled waits to be routed anew. A retired policy may be
    activated again, so a change is undone by activating the former one.

    Raises:
        NotFound: no such policy.
        PolicyActive: it decides already.
        InvalidField: it names a judge that is not asked any more.
    """
    with transaction.atomic():
        hold(project)
        policy = routing.policy_of(project, number)
        if policy.state == PolicyState.ACTIVE:
            raise PolicyActive(f"Policy {number} decides already.")
        rules = policy_from_json(policy.content)
        routing.refuse_unknown_judges(project, judges_in(rules), must_answer=True)
        before = routing.active_policy(project)
        if before:
            retire(before, now)
        policy.state, policy.activated_at, policy.retired_at = PolicyState.ACTIVE, now, None
        policy.save(update_fields=["state", "activated_at", "retired_at"])
        routes.begin_routing(project=project)
        requests.ask_all(project=project, now=now)
        former = before.number if before else None
        record(user, policy, "routing_policy_activated", {"number": number, "former": former}, now)
    return policy


def retire_policy(*, project: Project, user: User | None, now: datetime) -> RoutingPolicy:
    """Let the project's overlap decide again; its slots follow at once.

    Raises:
        NoPolicyActive: no policy decides.
    """
    with transaction.atomic():
        hold(project)
        policy = routing.active_policy(project)
        if policy is None:
            raise NoPolicyActive("No routing policy decides in this project; activate one first.")
        retire(policy, now)
        requests.forget_all(project=project)
        routes.end_routing(project=project)
        record(user, policy, "routing_policy_retired", {"number": policy.number}, now)
    return policy


def retire(policy: RoutingPolicy, now: datetime) -> None:
    policy.state, policy.retired_at, policy.counted_news = PolicyState.RETIRED, now, ""
    policy.save(update_fields=["state", "retired_at", "counted_news"])


def hold(project: Project) -> None:
    """Make imports, decisions and other changes of policies wait, and wait for what they do now.

    Locks are taken in this order everywhere: imports, policies, requests to be routed.
    """
    routes.hold_imports(project=project)
    rows = RoutingPolicy.objects.filter(project=project).order_by("id")
    list(rows.select_for_update(no_key=True).values_list("id", flat=True))


def record(
    user: User | None, policy: RoutingPolicy, action: str, detail: dict[str, Any], now: datetime
) -> None:
    subject = f"project:{policy.project.slug}"
    audit.record_event(actor=user, action=action, subject=subject, detail=detail, now=now)
