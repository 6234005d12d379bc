"""What the pages on routing show: policies, what judges cost, and the guard."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Case, When

from annotation.domain.judges.money import amount_of
from annotation.domain.vocabulary import JudgeState
from annotation.models import Judge, Project
from curation.domain.routing.facts import METADATA, Fact, fact_named, known_names
from curation.domain.routing.guard import running_least
from curation.domain.routing.policy import Policy, judges_in, policy_from_json
from curation.domain.routing.wording import policy_words
from curation.domain.vocabulary import GuardState, PolicyState
from curation.models import Guard, RoutingPolicy
from curation.selectors import routing

MOST_LISTED = 50
MOST_KEYS = 50  # keys of metadata that are proposed
ITEMS_LOOKED_AT = 200
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
    """A policy as its readers see it; `words` say what it does. `unasked` are judges that it names
    though they are not in use, each with its state."""

    number: int
    state: str
    note: str
    words: list[str]
    audit_share: float
    by: str
    created_at: datetime
    activated_at: datetime | None
    unasked: dict[str, str]


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
    idle = routing.out_of_use(project)
    return [view_of(policy, idle) for policy in found.order_by("-number")[:MOST_LISTED]]


def view_of(policy: RoutingPolicy, idle: Mapping[str, str]) -> PolicyView:
    """A policy in words; `idle` are judges out of use with their states."""
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
        unasked={name: idle[name] for name in judges_in(rules) if name in idle},
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


def judges_of(project: Project, verdicts: Mapping[int, int]) -> list[dict[str, Any]]:
    """Each judge with what it has cost, in whole units of currency, and its number of verdicts."""
    return [
        {
            "name": str(judge),
            "state": judge.state,
            "spent": amount_of(judge.spent),
            "budget": amount_of(judge.budget),
            "verdicts": verdicts.get(judge.pk, 0),
        }
        for judge in Judge.objects.filter(project=project).order_by("name", "number")
    ]


def guards_of(project: Project) -> list[GuardRow]:
    """What the guard knows of slices, those turned to people first, then the most audited."""
    active = routing.active_policy(project)
    rules = policy_from_json(active.content) if active else Policy()
    is_turned = Case(When(state=GuardState.TURNED, then=0), default=1)
    found = Guard.objects.filter(project=project).order_by(is_turned, "-n_audited", "slice")
    rows = [guard_row(guard, rules.error_confidence) for guard in found[:MOST_LISTED]]
    return sorted(rows, key=lambda row: (not row.is_turned, row.slice))


def n_guards(project: Project) -> int:
    return Guard.objects.filter(project=project).count()


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


def known_to_rules(project: Project) -> dict[str, Any]:
    """What the editor proposes: facts, those of this project's metadata included, and judges."""
    names = [
        *known_names(),
        *(f"{METADATA}{key}" for key in column(KEYS, project, ITEMS_LOOKED_AT, MOST_KEYS)),
    ]
    facts: list[Fact] = [fact for fact in map(fact_named, names) if fact is not None]
    judges = Judge.objects.filter(project=project).exclude(state=JudgeState.RETIRED)
    return {
        "facts": facts,
        "judges": [str(judge) for judge in judges.order_by("name", "number")],
        "expertise": column(EXPERTISE, project),
    }


def column(query: str, project: Project, *values: int) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(query, [project.pk, *values])
        return [value for (value,) in cursor.fetchall()]
