"""Who judged how much on which day, and how many comparisons were settled by then."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import accumulate
from typing import Any

from django.db.models import Count, Max, Q, Sum
from django.db.models.functions import TruncDate

from annotation.domain.vocabulary import VOTERS
from annotation.models import Annotator, Comparison, Consensus, Judgment, Project

MOST_ANNOTATORS = 25
JUDGED_AT = "comparison__judgments__judged_at"
JUDGED_BY = "comparison__judgments__annotator__kind"

Groups = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Day:
    """One day of a project; `share_settled` is in [0, 1], of all comparisons there are now."""

    day: date
    human: int
    llm: int
    settled: int
    share_settled: float


@dataclass(frozen=True)
class AnnotatorRow:
    """An annotator's work in a project. `seconds_each` is the mean time on task, if known."""

    id: int
    name: str
    kind: str
    n_judgments: int
    n_days: int
    seconds_each: float | None
    last_at: datetime


@dataclass(frozen=True)
class Activity:
    days: list[Day]
    annotators: list[AnnotatorRow]
    n_annotators: int


def activity_of(project: Project) -> Activity:
    """Add up a project's judgments by day and annotator; reads every one, so it takes a while
    where there are millions. A correction does not count again."""
    groups = list(
        Judgment.objects.filter(
            project=project, supersedes__isnull=True, annotator__kind__in=VOTERS
        )
        .order_by()
        .values("annotator_id", day=TruncDate("judged_at"))
        .annotate(
            n=Count("id"),
            n_timed=Count("active_seconds"),
            seconds=Sum("active_seconds"),
            last=Max("judged_at"),
        )
    )
    people = Annotator.objects.in_bulk({group["annotator_id"] for group in groups})
    return Activity(
        days=_days(project, groups, people),
        annotators=_annotators(groups, people),
        n_annotators=len(people),
    )


def _days(project: Project, groups: Groups, people: dict[int, Annotator]) -> list[Day]:
    by_kind: Counter[tuple[date, str]] = Counter()
    for group in groups:
        by_kind[group["day"], people[group["annotator_id"]].kind] += group["n"]
    settled_on = _settled_on(project)
    days = sorted({day for day, _ in by_kind} | set(settled_on))
    n_comparisons = Comparison.objects.filter(project=project).count() or 1
    settled = accumulate(settled_on[day] for day in days)
    return [
        Day(day, by_kind[day, "human"], by_kind[day, "llm"], so_far, so_far / n_comparisons)
        for day, so_far in zip(days, settled, strict=True)
    ]


def _settled_on(project: Project) -> Counter[date]:
    """Count settled comparisons by the day of the last judgment that they rest on."""
    rows = (
        Consensus.objects.filter(project=project, is_settled=True)
        .order_by()
        .values("comparison_id")
        .annotate(day=TruncDate(Max(JUDGED_AT, filter=Q(**{f"{JUDGED_BY}__in": VOTERS}))))
    )
    return Counter(rows.values_list("day", flat=True))


def _annotators(groups: Groups, people: dict[int, Annotator]) -> list[AnnotatorRow]:
    own = defaultdict(list)
    for group in groups:
        own[group["annotator_id"]].append(group)
    busiest = sorted(own, key=lambda id: -sum(group["n"] for group in own[id]))
    return [_annotator(people[id], own[id]) for id in busiest[:MOST_ANNOTATORS]]


def _annotator(annotator: Annotator, groups: Groups) -> AnnotatorRow:
    n_timed = sum(group["n_timed"] for group in groups)
    seconds = sum(group["seconds"] or 0 for group in groups)
    return AnnotatorRow(
        id=annotator.id,
        name=annotator.name,
        kind=annotator.kind,
        n_judgments=sum(group["n"] for group in groups),
        n_days=len(groups),
        seconds_each=seconds / n_timed if n_timed else None,
        last_at=max(group["last"] for group in groups),
    )
