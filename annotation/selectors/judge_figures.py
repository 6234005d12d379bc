"""A configured judge in figures: against people, against itself, and what it costs."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Sum

from annotation.domain.figures import FEWEST_BY_ANNOTATOR, FEWEST_FLIPS, Figure
from annotation.domain.judges.money import amount_of
from annotation.domain.rates import wilson
from annotation.domain.vocabulary import RunPurpose
from annotation.models import Calibration, Judge, JudgeRequest
from annotation.selectors import quality_pages

# What a trial and a run both asked counts once: the answers are the same.
VERDICTS = """
    SELECT count(*) FILTER (WHERE NOT is_trial),
           count(*) FILTER (WHERE judgment_id IS NOT NULL AND outcome IN ('ranked', 'both_bad')),
           count(*) FILTER (WHERE is_flipped IS NOT NULL),
           count(*) FILTER (WHERE is_flipped),
           avg(bias)
    FROM (
        SELECT DISTINCT ON (comparison_id) * FROM judge_verdict
        WHERE judge_id = %(judge)s ORDER BY comparison_id, is_trial
    ) v
"""
REQUESTS = """
    SELECT count(*) FILTER (WHERE r.status <> ''),
           count(*) FILTER (WHERE r.status = 'usable'),
           count(DISTINCT comparison_id) FILTER (WHERE r.status <> ''),
           count(*) FILTER (WHERE side IS NOT NULL),
           count(*) FILTER (WHERE side = 0),
           percentile_cont(0.5) WITHIN GROUP (ORDER BY nullif(a.seconds, 0)),
           percentile_cont(0.95) WITHIN GROUP (ORDER BY nullif(a.seconds, 0))
    FROM (
        SELECT DISTINCT ON (comparison_id, "order", sample) r.*,
               CASE WHEN cardinality(shown_order) = 2
                     AND jsonb_array_length(verdict -> 'tiers') = 2
                    THEN (verdict -> 'tiers' -> 0 ->> 0)::int END AS side
        FROM judge_request r
        WHERE judge_id = %(judge)s AND comparison_id IS NOT NULL
        ORDER BY comparison_id, "order", sample, is_trial
    ) r LEFT JOIN judge_answer a ON a.id = r.answer_id AND a.status = 'usable'
"""


@dataclass(frozen=True)
class Usage:
    """What asking a judge came to, canaries left out. `seconds` are the median and the 95th
    percentile of usable answers; None before the first one."""

    n_verdicts: int
    n_votes: int
    n_answers: int
    n_usable: int
    n_comparisons: int
    spent: Decimal
    seconds: float | None
    seconds_high: float | None

    @property
    def cost_each(self) -> Decimal | None:
        return self.spent / self.n_comparisons if self.n_comparisons else None


@dataclass(frozen=True)
class JudgeFigures:
    """`agreement` are against people, None before the report knows the judge; `habits` come from
    its own answers; `pull` is towards what is shown first, in logits."""

    agreement: list[tuple[str, Figure]]
    kappa: float | None
    habits: list[tuple[str, Figure]]
    pull: float | None
    usage: Usage
    report: quality_pages.Report | None
    calibration: Calibration | None

    @property
    def rows(self) -> list[tuple[str, Figure]]:
        return self.agreement + self.habits


def figures_of(judge: Judge) -> JudgeFigures:
    """Everything that is known of how a judge judges."""
    report = quality_pages.report_of(judge.project)
    person = (
        next((one for one in report.judges if one.id == judge.annotator_id), None)
        if report
        else None
    )
    verdicts, requests = _row(VERDICTS, judge), _row(REQUESTS, judge)
    return JudgeFigures(
        agreement=_agreement(judge, report, person) if report and person else [],
        kappa=person.kappa if person else None,
        habits=[
            ("First shown wins", _first_shown(requests[4], requests[3])),
            ("Flips with the order", _flips(verdicts[3], verdicts[2])),
        ],
        pull=verdicts[4],
        usage=Usage(
            n_verdicts=verdicts[0],
            n_votes=verdicts[1],
            n_answers=requests[0],
            n_usable=requests[1],
            n_comparisons=requests[2],
            spent=amount_of(judge.spent - spent_on_canaries(judge)),
            seconds=requests[5],
            seconds_high=requests[6],
        ),
        report=report,
        calibration=calibration_of(judge),
    )


def spent_on_canaries(judge: Judge) -> int:
    """Millionths that checks have cost; no comparison is judged for them."""
    asked = JudgeRequest.objects.filter(run__judge=judge, run__purpose=RunPurpose.CANARY)
    return int(asked.aggregate(cost=Sum("cost"))["cost"] or 0)


def calibration_of(judge: Judge) -> Calibration | None:
    """The calibration in force; None before the first one is fitted."""
    found = Calibration.objects.filter(project=judge.project_id, annotator=judge.annotator_id)
    return found.order_by("-number").first()


def _agreement(
    judge: Judge, report: quality_pages.Report, person: quality_pages.Person
) -> list[tuple[str, Figure]]:
    rows = [
        ("Agreement with the majority of people", person.agreement),
        ("Agreement without ties", person.agreement_no_ties),
        ("Right on gold", person.gold),
        ("Longer wins", person.longer_wins),
        ("Ties", person.ties),
    ]
    own = next((one for one in report.self_preference if one.name == person.name), None)
    return [*rows, ("Own family wins too often, by", own)] if own else rows


def _first_shown(n_first: int, n: int) -> Figure:
    return _counted(n_first, n, FEWEST_BY_ANNOTATOR, "decisive answers on pairs", usual=0.5)


def _flips(n_flipped: int, n: int) -> Figure:
    return _counted(n_flipped, n, FEWEST_FLIPS, "comparisons judged in both orders")


def _counted(part: int, n: int, need: int, of: str, usual: float | None = None) -> Figure:
    low, high = wilson(part, n) if n else (None, None)
    return Figure("", part / n if n else None, low, high, n, need, of, usual=usual)


def _row(query: str, judge: Judge) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(query, {"judge": judge.pk})
        return tuple(cursor.fetchone())


def beside(first: JudgeFigures, second: JudgeFigures) -> list[tuple[str, Figure, Figure]]:
    """The figures that two judges both have, side by side."""
    theirs = dict(second.rows)
    return [(name, one, theirs[name]) for name, one in first.rows if name in theirs]
