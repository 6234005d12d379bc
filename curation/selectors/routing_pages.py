"""What the pages on routing show: policies, where comparisons stand, their cost, and the guard."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Count, Q

from annotation.domain.judges.money import amount_of
from annotation.domain.vocabulary import MOST_TRIES
from annotation.models import Comparison, Judge, Project
from curation.domain.routing.deciding import ROUTES
from curation.domain.routing.facts import METADATA, Fact, fact_named, known_names
from curation.domain.routing.guard import running_least
from curation.domain.routing.policy import Policy, policy_from_json
from curation.domain.routing.wording import policy_words
from curation.domain.vocabulary import GuardState, PolicyState
from curation.models import Guard, RoutingPolicy, RoutingRequest
from curation.selectors import guards, routing

MOST_LISTED = 50
MOST_WRONG, MOST_LOOKED_AT = 5, 200
MOST_KEYS = 50  # keys of metadata that are proposed
ITEMS_LOOKED_AT = 200
ROUTE_WORDS = {
    "human": "people",
    "expert": "experts",
    "judge": "LLM judges",
    "both": "people and LLM judges",
    "skip": "nobody",
}
STANDING = """
    SELECT latest.route, count(*), sum(latest.is_explored::int), sum(latest.is_audited::int),
           count(*) FILTER (WHERE people.n > 0), count(*) FILTER (WHERE judges.n > 0),
           count(*) FILTER (WHERE people.n > 0 AND latest.is_audited)
    FROM (
        SELECT DISTINCT ON (comparison_id) comparison_id, route, is_explored, is_audited
        FROM routing_decision WHERE project_id = %(project)s
        ORDER BY comparison_id, ordinal DESC
    ) latest
    LEFT JOIN (
        SELECT comparison_id, count(*) AS n FROM judgment
        JOIN annotator ON annotator.id = annotator_id AND kind = 'human'
        WHERE judgment.project_id = %(project)s GROUP BY 1
    ) people USING (comparison_id)
    LEFT JOIN (
        SELECT comparison_id, count(*) AS n FROM judge_verdict
        WHERE project_id = %(project)s AND NOT is_trial GROUP BY 1
    ) judges USING (comparison_id)
    GROUP BY latest.route
"""
KEYS = """
    SELECT DISTINCT jsonb_object_keys(metadata) FROM (
        SELECT metadata FROM item
        WHERE project_id = %s AND jsonb_typeof(metadata) = 'object' ORDER BY id LIMIT %s
    ) looked_at ORDER BY 1 LIMIT %s
"""
EXPERTISE = """
    SELECT DISTINCT expertise FROM slot WHERE project_id = %s AND expertise <> '' LIMIT 50
"""


@dataclass(frozen=True)
class PolicyView:
    """A policy as its readers see it; `words` say what it does."""

    number: int
    state: str
    note: str
    words: list[str]
    audit_share: float
    by: str
    created_at: datetime
    activated_at: datetime | None


@dataclass(frozen=True)
class RouteRow:
    """How many comparisons take a route now, and how many of them are judged."""

    route: str
    words: str
    n: int
    share: float
    by_people: int
    by_judges: int


@dataclass(frozen=True)
class Standing:
    """Where the comparisons of a project stand: `n` routed of `of`."""

    n: int
    of: int
    routes: list[RouteRow]
    explored: int
    audited: int
    audits_done: int
    waiting: int
    faults: int
    fault: str


@dataclass(frozen=True)
class GuardRow:
    """What the guard knows of a slice; `stands` says it in words, `look` as a colour."""

    pk: int
    slice: str
    stands: str
    look: str
    is_turned: bool
    n_audited: int
    n_wrong: int
    rate: float | None
    least: float
    bound: float
    limit: float


def policies_of(project: Project) -> list[PolicyView]:
    """The latest policies, the newest first."""
    found = routing.policies_of(project)
    return [view_of(policy) for policy in found.order_by("-number")[:MOST_LISTED]]


def view_of(policy: RoutingPolicy) -> PolicyView:
    rules = policy_from_json(policy.content)
    return PolicyView(
        number=policy.number,
        state=policy.state,
        note=policy.note,
        words=policy_words(rules),
        audit_share=rules.audit_share,
        by=policy.created_by.username if policy.created_by else "",
        created_at=policy.created_at,
        activated_at=policy.activated_at,
    )


def former_policy(project: Project) -> int | None:
    """The number of the policy that was active last before the one that is now."""
    retired = RoutingPolicy.objects.filter(project=project, state=PolicyState.RETIRED)
    return (
        retired.filter(retired_at__isnull=False)
        .order_by("-retired_at", "-number")
        .values_list("number", flat=True)
        .first()
    )


def standing_of(project: Project) -> Standing:
    """Count where comparisons stand by their latest decisions."""
    with connection.cursor() as cursor:
        cursor.execute(STANDING, {"project": project.pk})
        found = {row[0]: row[1:] for row in cursor.fetchall()}
    n = sum(row[0] for row in found.values())
    none = (0,) * 6
    routes = [
        RouteRow(
            route=route.value,
            words=ROUTE_WORDS[route.value],
            n=row[0],
            share=row[0] / n if n else 0.0,
            by_people=row[3],
            by_judges=row[4],
        )
        for route in ROUTES
        for row in [found.get(route.value, none)]
    ]
    faults = RoutingRequest.objects.filter(project=project, tries__gte=MOST_TRIES)
    return Standing(
        n=n,
        of=Comparison.objects.filter(project=project).count(),
        routes=routes,
        explored=sum(row[1] for row in found.values()),
        audited=sum(row[2] for row in found.values()),
        audits_done=sum(row[5] for row in found.values()),
        waiting=routing.requests_waiting(project),
        faults=faults.count(),
        fault=faults.values_list("error", flat=True).first() or "",
    )


def judges_of(project: Project) -> list[dict[str, Any]]:
    """Each judge with what it has cost, in whole units of currency."""
    is_counted = Q(verdicts__is_trial=False)
    found = Judge.objects.filter(project=project).annotate(
        n_verdicts=Count("verdicts", filter=is_counted)
    )
    return [
        {
            "name": str(judge),
            "state": judge.state,
            "spent": amount_of(judge.spent),
            "budget": amount_of(judge.budget),
            "verdicts": judge.n_verdicts,
        }
        for judge in found.order_by("name", "number")
    ]


def guards_of(project: Project) -> list[GuardRow]:
    """What the guard knows of each slice, those turned to people first."""
    active = routing.active_policy(project)
    rules = policy_from_json(active.content) if active else Policy()
    found = Guard.objects.filter(project=project).order_by("slice")
    rows = [guard_row(guard, rules.error_confidence) for guard in found]
    return sorted(rows, key=lambda row: not row.is_turned)


def guard_row(guard: Guard, level: float) -> GuardRow:
    is_turned = guard.state == GuardState.TURNED
    bound = 1.0 if guard.bound is None else guard.bound
    stands, look = "too few audits to say", ""
    if is_turned:
        stands, look = "turned to people", "bad"
    elif bound <= guard.limit:
        stands, look = "within the limit", "good"
    elif guard.rate is not None and guard.rate > guard.limit:
        stands, look = "above the limit, not surely", "warn"
    return GuardRow(
        pk=guard.pk,
        slice=guard.slice,
        stands=stands,
        look=look,
        is_turned=is_turned,
        n_audited=guard.n_audited,
        n_wrong=guard.n_wrong,
        rate=guard.rate,
        least=running_least(guard.n_wrong, guard.n_audited, level=level),
        bound=bound,
        limit=guard.limit,
    )


def wrong_in(project: Project, rows: Sequence[GuardRow]) -> list[dict[str, Any]]:
    """A few audited comparisons of slices turned to people, on which people and judges differ."""
    active = routing.active_policy(project)
    turned = {row.slice for row in rows if row.is_turned}
    if active is None or not turned:
        return []
    listed = [one.comparisons for one in guards.audits_of(active) if one.slice in turned]
    ids = np.unique(np.concatenate([np.empty(0, np.int64), *listed]))[-MOST_LOOKED_AT:]
    right, is_known = guards.agreement_on(project, ids)
    wrong = ids[is_known & ~right][-MOST_WRONG:].tolist()
    found = Comparison.objects.filter(pk__in=wrong).order_by("-pk")
    return [{"pk": one.pk, "item": one.item.external_id} for one in found.select_related("item")]


def known_to_rules(project: Project) -> dict[str, Any]:
    """What the editor proposes: facts, those of this project's metadata included, and judges."""
    names = [
        *known_names(),
        *(f"{METADATA}{key}" for key in column(KEYS, project, ITEMS_LOOKED_AT, MOST_KEYS)),
    ]
    facts: list[Fact] = [fact for fact in map(fact_named, names) if fact is not None]
    judges = Judge.objects.filter(project=project).order_by("name", "number")
    return {
        "facts": facts,
        "judges": [str(judge) for judge in judges],
        "expertise": column(EXPERTISE, project),
    }


def column(query: str, project: Project, *values: int) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(query, [project.pk, *values])
        return [value for (value,) in cursor.fetchall()]
