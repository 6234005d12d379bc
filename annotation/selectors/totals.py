"""How many there are. Exact while that is quick; beyond, the planner's estimate, and marked so."""

import json
from dataclasses import dataclass

from django.db import connection
from django.db.models import Q, QuerySet

from annotation.domain.vocabulary import AnnotatorKind
from annotation.models import (
    Annotator,
    Comparison,
    Consensus,
    Item,
    Judgment,
    Project,
    Slot,
    WeakJudgment,
)

MOST_COUNTED = 50_000  # about 10 ms for an index-only scan
MOST_LOOKED_AT = 20_000


@dataclass(frozen=True)
class Total:
    """A number of rows; an estimate of the planner's where counting would take too long."""

    n: int
    is_exact: bool = True

    def __str__(self) -> str:
        if self.is_exact:
            return f"{self.n:,}"
        digits = len(str(self.n)) - 3
        return f"≈ {round(self.n, -digits):,}"


@dataclass(frozen=True)
class ProjectTotals:
    """The figures of a project; `share_settled` is in [0, 1], None without comparisons."""

    items: Total
    comparisons: Total
    human_judgments: Total
    llm_judgments: Total
    open_slots: Total
    settled: Total
    share_settled: float | None


def total_of(rows: QuerySet, most: int = MOST_COUNTED) -> Total:
    """Count rows up to a bound; beyond it, ask the planner, whose statistics cost nothing."""
    counted = rows.order_by().values("pk")[: most + 1].count()
    if counted <= most:
        return Total(counted)
    return Total(max(_estimate(rows), most + 1), is_exact=False)


def _estimate(rows: QuerySet) -> int:
    sql, params = rows.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"explain (format json) {sql}", params)
        plan = cursor.fetchone()[0]
    plan = json.loads(plan) if isinstance(plan, str) else plan
    return int(plan[0]["Plan"]["Plan Rows"])


def project_totals(project: Project) -> ProjectTotals:
    comparisons = total_of(Comparison.objects.filter(project=project))
    settled = total_of(Consensus.objects.filter(project=project, is_settled=True))
    judgments = Judgment.objects.filter(project=project, supersedes__isnull=True)
    own_or_shared = Q(project=project) | Q(project__isnull=True)
    judges = Annotator.objects.filter(own_or_shared, kind=AnnotatorKind.LLM)
    llm = list(judges.values_list("id", flat=True))
    by_llm = total_of(judgments.filter(annotator_id__in=llm)) if llm else Total(0)
    by_users = total_of(
        WeakJudgment.objects.filter(event__project=project, judgment__supersedes__isnull=True)
    )
    everything = total_of(judgments)
    return ProjectTotals(
        items=total_of(Item.objects.filter(project=project)),
        comparisons=comparisons,
        human_judgments=_less(_less(everything, by_llm), by_users),
        llm_judgments=by_llm,
        open_slots=total_of(Slot.objects.open().filter(project=project)),
        settled=settled,
        share_settled=min(settled.n / comparisons.n, 1.0) if comparisons.n else None,
    )


def _less(whole: Total, part: Total) -> Total:
    return Total(max(whole.n - part.n, 0), whole.is_exact and part.is_exact)


def is_disputed(n_votes: int, is_settled: bool, settle_min_votes: int) -> bool:
    """Enough people have voted, and still nothing is settled."""
    return not is_settled and n_votes >= max(2, settle_min_votes)


def disputed_total(project: Project) -> Total:
    """Count disputed comparisons among the first unsettled ones that were judged."""
    unsettled = Consensus.objects.filter(project=project, is_settled=False).order_by()
    votes = list(unsettled.values_list("n_votes", flat=True)[: MOST_LOOKED_AT + 1])
    disputed = sum(is_disputed(n, False, project.settle_min_votes) for n in votes)
    return Total(disputed, is_exact=len(votes) <= MOST_LOOKED_AT)
