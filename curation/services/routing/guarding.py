"""Watches how often judges err, turns slices to people where that is too often, and clears them."""

from datetime import datetime

from django.db import connection, transaction

from annotation.models import Project, User
from annotation.services import audit
from curation.domain.routing.guard import Watch, watch
from curation.domain.routing.policy import Policy, policy_from_json
from curation.domain.vocabulary import GuardState, PolicyState
from curation.models import Guard, RoutingDecision, RoutingPolicy
from curation.selectors import guards
from curation.selectors.guards import Audited

ROUTE_AGAIN = """
    INSERT INTO routing_request (comparison_id, project_id)
    SELECT comparison_id, project_id FROM (
        SELECT DISTINCT ON (comparison_id) comparison_id, project_id, slice FROM routing_decision
        WHERE project_id = %s ORDER BY comparison_id, ordinal DESC
    ) latest WHERE slice = %s ORDER BY comparison_id
    ON CONFLICT (comparison_id) DO UPDATE SET queued_at = now(), tries = 0, error = ''
"""


def recount_next(*, now: datetime, project: Project | None = None) -> int:
    """Recount the audits of every active policy, or of one project's; turn slices that must be.

    Safe to repeat and to run in parallel: a policy that somebody else recounts is left to them.

    Returns:
        How many slices changed; 0 when nothing is new.
    """
    active = RoutingPolicy.objects.filter(state=PolicyState.ACTIVE)
    if project is not None:
        active = active.filter(project=project)
    return sum(recount(policy=policy, now=now) for policy in active.order_by("id"))


def recount(*, policy: RoutingPolicy, now: datetime) -> int:
    """Recount the audits of an active policy; give how many slices changed."""
    with transaction.atomic():
        alone = RoutingPolicy.objects.select_for_update(skip_locked=True, of=("self",), no_key=True)
        held = (
            alone.select_related("project").filter(pk=policy.pk, state=PolicyState.ACTIVE).first()
        )
        if held is None:
            return 0
        rules = policy_from_json(held.content)
        return sum(
            recount_slice(project=held.project, rules=rules, audited=audited, now=now)
            for audited in guards.audits_of(held)
        )


def recount_slice(*, project: Project, rules: Policy, audited: Audited, now: datetime) -> bool:
    """Recount one slice; give whether anything is new. A turned one stays turned."""
    # Locked, so that an admin who clears the slice meanwhile is not overruled by an old count.
    rows = Guard.objects.select_for_update(of=("self",), no_key=True)
    row = rows.filter(project=project, slice=audited.slice).first()
    guard = row or Guard(project=project, slice=audited.slice, limit=rules.error_limit)
    counted = audited.comparisons[audited.decisions > guard.since_decision]
    counted.sort()
    right, is_known = guards.agreement_on(project, counted)
    n_audited = int(is_known.sum())
    seen = watch(
        n_audited - int(right.sum()), n_audited, rules.error_limit, level=rules.error_confidence
    )
    found = (seen.n_audited, seen.n_wrong, seen.bound, rules.error_limit)
    if row is not None and found == (row.n_audited, row.n_wrong, row.bound, row.limit):
        return False
    guard.n_audited, guard.n_wrong, guard.bound, guard.limit = found
    guard.rate, guard.updated_at = seen.rate, now
    if seen.must_turn and guard.state != GuardState.TURNED:
        turn(guard=guard, seen=seen, now=now)
    guard.save()
    return True


def turn(*, guard: Guard, seen: Watch, now: datetime) -> None:
    """Give a slice to people: its comparisons are routed again, and admins are told."""
    guard.state, guard.turned_at = GuardState.TURNED, now
    route_again(guard)
    detail = {"n_audited": seen.n_audited, "n_wrong": seen.n_wrong, "limit": guard.limit}
    record(guard, None, "routing.slice_turned", detail, now)


def clear_guard(*, guard: Guard, user: User | None, now: datetime) -> Guard:
    """Let judges label a slice again; counting starts anew. Harmless where it is not turned."""
    with transaction.atomic():
        guard = (
            Guard.objects.select_for_update(of=("self",)).select_related("project").get(pk=guard.pk)
        )
        if guard.state != GuardState.TURNED:
            return guard
        record(
            guard,
            user,
            "routing.slice_cleared",
            {"n_audited": guard.n_audited, "n_wrong": guard.n_wrong},
            now,
        )
        latest = RoutingDecision.objects.filter(project=guard.project).order_by("-id").first()
        guard.state, guard.cleared_at, guard.cleared_by = GuardState.CLEARED, now, user
        guard.since_decision = latest.pk if latest else 0
        guard.n_audited, guard.n_wrong, guard.rate, guard.bound = 0, 0, None, 1.0
        guard.updated_at = now
        guard.save()
        route_again(guard)
    return guard


def route_again(guard: Guard) -> None:
    with connection.cursor() as cursor:
        cursor.execute(ROUTE_AGAIN, [guard.project_id, guard.slice])


def record(
    guard: Guard, user: User | None, action: str, detail: dict[str, float], now: datetime
) -> None:
    audit.record_event(
        actor=user,
        action=action,
        subject=f"project:{guard.project.slug}",
        detail={"slice": guard.slice, **detail},
        now=now,
    )
