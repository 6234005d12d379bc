"""Selections of a project as pages show them, and where they stand in its queue."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Min, QuerySet

from annotation.models import Project, Slot
from annotation.selectors.items import excerpt_of
from curation.domain.vocabulary import SelectionState
from curation.models import Selection

MOST_LISTED = 50


@dataclass(frozen=True)
class PickRow:
    """A pick as the page lists it. `comparison` is None while its responses have none yet."""

    place: int
    item: int
    external_id: str
    comparison: int | None
    excerpt: str
    n_responses: int
    score: float
    reason: str


@dataclass(frozen=True)
class QueueEffect:
    """What a selection does to the queue: slots that move ahead, of how many open ones.

    `n_without` are picks that have no open slot, so that one is to be opened.
    """

    n_moved: int
    n_open: int
    n_without: int


def first_rank(project: Project) -> int:
    """The lowest rank of an open slot, which is handed out next; 0 where none is open."""
    lowest = Slot.objects.open().filter(project=project).aggregate(rank=Min("rank"))["rank"]
    return lowest or 0


def latest_applied(project: Project) -> int:
    """The number of the selection that was applied last and stands; 0 without any."""
    standing = Selection.objects.filter(project=project, state=SelectionState.APPLIED)
    latest = standing.order_by("-applied_at", "-number").values_list("number", flat=True).first()
    return latest or 0


def selections_of(project: Project) -> QuerySet[Selection]:
    """The latest selections, each with the number of its picks."""
    found = Selection.objects.filter(project=project).select_related("created_by")
    return found.annotate(n_picks=Count("picks")).order_by("-number")[:MOST_LISTED]


def first_picks(selection: Selection) -> list[PickRow]:
    """The first picks in their order."""
    rows = selection.picks.select_related("item", "comparison").order_by("place")[:MOST_LISTED]
    return [
        PickRow(
            place=pick.place,
            item=pick.item_id,
            external_id=pick.item.external_id,
            comparison=pick.comparison_id,
            excerpt=excerpt_of(pick.item),
            n_responses=len(pick.response_ids)
            or (len(pick.comparison.response_ids) if pick.comparison else 0),
            score=pick.score,
            reason=pick.reason,
        )
        for pick in rows
    ]


def queue_effect(selection: Selection) -> QueueEffect:
    """Count what moves: before it is applied, what would."""
    slots = Slot.objects.open().filter(project=selection.project_id)
    picked = selection.picks.filter(comparison__isnull=False).values("comparison")
    counts: dict[str, Any] = slots.filter(comparison__in=picked).aggregate(
        moved=Count("id"), comparisons=Count("comparison", distinct=True)
    )
    n_without = selection.picks.count() - counts["comparisons"]
    return QueueEffect(counts["moved"], slots.count(), n_without)
