"""Where routed comparisons stand and how judges do: worked out, kept, and read by the pages."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Count

from annotation.domain.vocabulary import MOST_TRIES
from annotation.models import Comparison, JudgeVerdict, Project
from curation.domain.routing.deciding import ROUTES
from curation.domain.routing.off_policy import Estimate
from curation.models import RoutingFigures, RoutingRequest
from curation.selectors import guards, routing

MOST_WRONG, MOST_LOOKED_AT = 5, 200
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
# Every judgment of people or judges is counted by the project's tally within seconds.
NEWS = """concat_ws('.',
    (SELECT n_changes FROM vote_tally
     WHERE vote_tally.project_id = {project} AND criterion_id IS NULL),
    'd' || (SELECT max(id) FROM routing_decision WHERE routing_decision.project_id = {project}),
    'p' || (SELECT id FROM routing_policy
            WHERE routing_policy.project_id = {project} AND state = 'active'))
"""
GUARDED = """
    'g' || (SELECT extract(epoch FROM max(updated_at)) FROM guard
            WHERE guard.project_id = {project})
"""
NEWS_OF = f"SELECT {NEWS.format(project='%(project)s')}"
# What the guard did is news for the figures, but not for the guard.
NEWS_OF_FIGURES = f"concat_ws('.', {NEWS}, {GUARDED})"
OUTDATED = f"""
    SELECT behind.project_id, told.news FROM routing_figures behind
    CROSS JOIN LATERAL (
        SELECT {NEWS_OF_FIGURES.format(project="behind.project_id")} AS news
    ) told
    WHERE (behind.news <> told.news OR computed_at IS NULL OR tries > 0)
      AND (%(project)s::bigint IS NULL OR behind.project_id = %(project)s)
      AND (%(project)s IS NOT NULL OR (
          due_at <= %(now)s AND (tries < %(most_tries)s OR behind.news <> told.news)
      ))
    ORDER BY due_at, behind.project_id LIMIT 1 FOR UPDATE OF behind SKIP LOCKED
"""  # noqa: S608 - all parts are constants


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


@dataclass(frozen=True)
class Waiting:
    """What is still to be routed now, and what was set aside, with one of the reasons."""

    n: int
    faults: int
    fault: str


@dataclass(frozen=True)
class Figures:
    """What was worked out last, and when; `wrong` are audited comparisons of turned slices on which
    people and judges differ, `verdicts` are counted by judge. `error`: why it fails since."""

    as_of: datetime | None
    error: str
    standing: Standing
    accuracy: Estimate
    wrong: list[dict[str, Any]]
    verdicts: dict[int, int]


def news_of(project: Project) -> str:
    """A word that changes whenever labels, decisions or the active policy do."""
    with connection.cursor() as cursor:
        cursor.execute(NEWS_OF, {"project": project.pk})
        return str(cursor.fetchone()[0])


def next_outdated(now: datetime, project: Project | None = None) -> tuple[int, str] | None:
    """Lock the figures that are behind and due longest; those of one project, due or not.

    Returns:
        The project, and the news that they are behind; None where there are none.
    """
    values = {"project": project and project.pk, "now": now, "most_tries": MOST_TRIES}
    with connection.cursor() as cursor:
        cursor.execute(OUTDATED, values)
        found: tuple[int, str] | None = cursor.fetchone()
        return found


def fresh_figures(project: Project) -> dict[str, Any]:
    """Work out everything that is kept, as JSON, from the facts. Seconds for many comparisons."""
    with connection.cursor() as cursor:
        cursor.execute(STANDING, {"project": project.pk})
        routes = {row[0]: [int(n) for n in row[1:]] for row in cursor.fetchall()}
    verdicts = JudgeVerdict.objects.filter(project=project, is_trial=False)
    counted = verdicts.order_by().values_list("judge").annotate(n=Count("pk"))
    return {
        "of": Comparison.objects.filter(project=project).count(),
        "routes": routes,
        "accuracy": asdict(guards.accuracy_of(project)),
        "wrong": wrong_in(project),
        "verdicts": {str(judge): n for judge, n in counted},
    }


def wrong_in(project: Project) -> list[int]:
    """A few audited comparisons of slices turned to people, on which people and judges differ."""
    active, turned = routing.active_policy(project), set(guards.turned_slices(project))
    if active is None or not turned:
        return []
    listed = [one.comparisons for one in guards.audits_of(active) if one.slice in turned]
    ids = np.unique(np.concatenate([np.empty(0, np.int64), *listed]))[-MOST_LOOKED_AT:]
    right, is_known = guards.agreement_on(project, ids)
    wrong: list[int] = ids[is_known & ~right][-MOST_WRONG:].tolist()
    return wrong


def figures_of(project: Project) -> Figures:
    """What the drain worked out last; without it, `as_of` is None and nothing is known."""
    row = RoutingFigures.objects.filter(project=project).first() or RoutingFigures()
    told = row.figures
    found = Comparison.objects.filter(pk__in=told.get("wrong", [])).order_by("-pk")
    return Figures(
        as_of=row.computed_at,
        error=row.error,
        standing=standing_in(told),
        accuracy=Estimate(**told.get("accuracy", asdict(Estimate(None, None, 0.0, 0)))),
        wrong=[
            {"pk": one.pk, "item": one.item.external_id} for one in found.select_related("item")
        ],
        verdicts={int(judge): n for judge, n in told.get("verdicts", {}).items()},
    )


def standing_in(told: dict[str, Any]) -> Standing:
    found = told.get("routes", {})
    n = sum(row[0] for row in found.values())
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
        for row in [found.get(route.value, [0] * 6)]
    ]
    return Standing(
        n=n,
        of=told.get("of", 0),
        routes=routes,
        explored=sum(row[1] for row in found.values()),
        audited=sum(row[2] for row in found.values()),
        audits_done=sum(row[5] for row in found.values()),
    )


def waiting_in(project: Project) -> Waiting:
    faults = RoutingRequest.objects.filter(project=project, tries__gte=MOST_TRIES)
    return Waiting(
        n=routing.requests_waiting(project),
        faults=faults.count(),
        fault=faults.values_list("error", flat=True).first() or "",
    )
