"""Watches how often judges err, turns slices to people where that is too often, and clears them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import connection, transaction

from annotation.models import Project, User
from annotation.services import audit
from curation.domain.routing.guard import watch
from curation.domain.routing.policy import Policy, policy_from_json
from curation.domain.vocabulary import GuardState, PolicyState
from curation.models import Guard, RoutingDecision, RoutingPolicy
from curation.selectors import guards, routing_figures
from curation.selectors.guards import Counted
from curation.services.routing.drain import BROKEN

COUNTED = ["state", "n_audited", "n_wrong", "rate", "bound", "limit", "turned_at", "updated_at"]
ROUTE_AGAIN = """
    INSERT INTO routing_request (comparison_id, project_id)
    SELECT comparison_id, project_id FROM (
        SELECT DISTINCT ON (comparison_id) comparison_id, project_id, slice FROM routing_decision
        WHERE project_id = %s ORDER BY comparison_id, ordinal DESC
    ) latest WHERE slice = ANY(%s) ORDER BY comparison_id
    ON CONFLICT (comparison_id) DO UPDATE SET queued_at = now(), tries = 0, error = ''
"""


def recount_next(*, now: datetime, project: Project | None = None) -> int:
    """Recount the audits of every active policy that has news, or of one project's; turn slices
    that must be.

    Safe to repeat and to run in parallel: a policy that somebody else recounts is left to them. One
    that cannot be recounted keeps no other one waiting: its error is raised when all are done.

    Returns:
        How many slices changed; 0 when nothing is new.
    """
    active = RoutingPolicy.objects.filter(state=PolicyState.ACTIVE)
    if project is not None:
        active = active.filter(project=project)
    n_changed, faults = 0, []
    for policy in active.select_related("project").order_by("id"):
        if routing_figures.news_of(policy.project) == policy.counted_news:
            continue
        try:
            n_changed += recount(policy=policy, now=now)
        except BROKEN as error:
            faults.append(error)
    if faults:
        raise faults[0]
    return n_changed


def recount(*, policy: RoutingPolicy, now: datetime) -> int:
    """Recount the audits of an active policy; give how many slices changed."""
    with transaction.atomic():
        alone = RoutingPolicy.objects.select_for_update(skip_locked=True, of=("self",), no_key=True)
        held = (
            alone.select_related("project").filter(pk=policy.pk, state=PolicyState.ACTIVE).first()
        )
        if held is None:
            return 0
        rules, is_first = policy_from_json(held.content), not held.counted_news
        # Read before the labels are: what comes in meanwhile is news.
        held.counted_news = routing_figures.news_of(held.project)
        n_changed = recount_slices(policy=held, rules=rules, is_first=is_first, now=now)
        held.save(update_fields=["counted_news"])
        return n_changed


def recount_slices(*, policy: RoutingPolicy, rules: Policy, is_first: bool, now: datetime) -> int:
    """Recount all slices; give how many changed. Turned ones stay turned.

    Args:
        is_first: nobody has counted under this policy since it was activated.
    """
    # Locked, so that an admin who clears a slice meanwhile is not overruled by an old count.
    rows = Guard.objects.filter(project=policy.project_id).order_by("id")
    known = {guard.slice: guard for guard in rows.select_for_update(no_key=True)}
    since = {name: guard.since_decision for name, guard in known.items()}
    fresh, turned = [], []
    for counted in guards.counts_of(policy, since):
        guard = known.get(counted.slice)
        if guard is None:
            guard = Guard(project=policy.project, slice=counted.slice, limit=rules.error_limit)
        elif not is_first and is_known(guard, counted, rules):
            continue
        if take_in(guard, counted, rules, now):
            turned.append(guard)
        fresh.append(guard)
    Guard.objects.bulk_create(
        fresh, update_conflicts=True, unique_fields=["project", "slice"], update_fields=COUNTED
    )
    turn(slices=turned, project=policy.project, now=now)
    return len(fresh)


def is_known(guard: Guard, counted: Counted, rules: Policy) -> bool:
    before = (guard.n_audited, guard.n_wrong, guard.limit)
    return before == (counted.n_audited, counted.n_wrong, rules.error_limit)


def take_in(guard: Guard, counted: Counted, rules: Policy, now: datetime) -> bool:
    """Put down what was counted; give whether the slice must be turned to people now."""
    seen = watch(
        counted.n_wrong, counted.n_audited, rules.error_limit, level=rules.error_confidence
    )
    guard.n_audited, guard.n_wrong, guard.bound = seen.n_audited, seen.n_wrong, seen.bound
    guard.limit, guard.rate, guard.updated_at = rules.error_limit, seen.rate, now
    if not seen.must_turn or guard.state == GuardState.TURNED:
        return False
    guard.state, guard.turned_at = GuardState.TURNED, now
    return True


def turn(*, slices: Sequence[Guard], project: Project, now: datetime) -> None:
    """Give slices to people: their comparisons are routed again, and admins are told."""
    if not slices:
        return
    route_again(project.pk, [guard.slice for guard in slices])
    for guard in slices:
        detail = {"n_audited": guard.n_audited, "n_wrong": guard.n_wrong, "limit": guard.limit}
        record(project, guard.slice, None, "routing.slice_turned", detail, now)


def clear_guard(*, guard: Guard, user: User | None, now: datetime) -> Guard:
    """Let judges label a slice again; counting starts anew. Harmless where it is not turned."""
    with transaction.atomic():
        guard = (
            Guard.objects.select_for_update(of=("self",)).select_related("project").get(pk=guard.pk)
        )
        if guard.state != GuardState.TURNED:
            return guard
        detail = {"n_audited": guard.n_audited, "n_wrong": guard.n_wrong}
        latest = RoutingDecision.objects.filter(project=guard.project).order_by("-id").first()
        guard.state, guard.cleared_at, guard.cleared_by = GuardState.CLEARED, now, user
        guard.since_decision = latest.pk if latest else 0
        guard.n_audited, guard.n_wrong, guard.rate, guard.bound = 0, 0, None, 1.0
        guard.updated_at = now
        guard.save()
        route_again(guard.project_id, [guard.slice])
        # Last, as wherever slices are turned or policies change: they lock in this order.
        record(guard.project, guard.slice, user, "routing.slice_cleared", detail, now)
    return guard


def route_again(project_id: int, slices: Sequence[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(ROUTE_AGAIN, [project_id, list(slices)])


def record(
    project: Project,
    slice: str,
    user: User | None,
    action: str,
    detail: Mapping[str, float],
    now: datetime,
) -> None:
    audit.record_event(
        actor=user,
        action=action,
        subject=f"project:{project.slug}",
        detail={"slice": slice, **detail},
        now=now,
    )
