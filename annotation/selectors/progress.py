"""How far annotators are, and what awaits them. Cheap however long the queue is."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min, Q

from annotation.models import Judgment
from annotation.selectors import queue

MOST_COUNTED = 200  # counting on costs more than the figure is worth on a page


@dataclass(frozen=True)
class Progress:
    """How far one annotator is in a project.

    `pace` is judgments per hour over the last active hour, None before the second judgment.
    `open_for_me` stops counting after MOST_COUNTED slots; `is_more_open` says that there are more.
    """

    judged_today: int
    judged: int
    pace: float | None
    open_for_me: int
    is_more_open: bool


def progress_of(annotator_id: int, project_id: int, now: datetime) -> Progress:
    """Count one annotator's own work. A day starts at midnight UTC."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    own = Judgment.objects.filter(
        annotator_id=annotator_id, project_id=project_id, supersedes__isnull=True
    )
    counts = own.aggregate(
        judged=Count("id"),
        today=Count("id", filter=Q(judged_at__gte=midnight)),
        last=Max("judged_at"),
    )
    pace = None
    if counts["last"]:
        hour = own.filter(judged_at__gt=counts["last"] - timedelta(hours=1)).aggregate(
            n=Count("id"), first=Min("judged_at"), last=Max("judged_at")
        )
        pace = pace_of(hour["n"], hour["last"] - hour["first"])
    open_for_me, is_more_open = _open_for(annotator_id, project_id, now)
    return Progress(counts["today"], counts["judged"], pace, open_for_me, is_more_open)


def pace_of(n_judgments: int, span: timedelta) -> float | None:
    """Judgments per hour: the n - 1 steps from the first to the last, over the time they took."""
    if n_judgments < 2 or not span:
        return None
    return (n_judgments - 1) / (span / timedelta(hours=1))


def last_judgment(annotator_id: int, project_id: int) -> Judgment | None:
    """The judgment that an undo would correct: what is in force on the comparison judged last."""
    last = (
        Judgment.objects.filter(
            annotator_id=annotator_id,
            project_id=project_id,
            slot__isnull=False,
            supersedes__isnull=True,
        )
        .order_by("-judged_at", "-id")
        .first()
    )
    if last is None:
        return None
    versions = Judgment.objects.in_force().filter(
        annotator_id=annotator_id, comparison_id=last.comparison_id, slot__isnull=False
    )
    return versions.select_related("rationale").get()


def _open_for(annotator_id: int, project_id: int, now: datetime) -> tuple[int, bool]:
    claimable = queue.claimable_slots(annotator_id, project_id, now)
    waiting = claimable.order_by("rank", "id").values_list("comparison_id", flat=True)
    found = list(waiting[: MOST_COUNTED + 1])
    # A comparison waits once, however many slots it still has.
    return len(set(found[:MOST_COUNTED])), len(found) > MOST_COUNTED
