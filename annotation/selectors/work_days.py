"""How one annotator's work spreads over days."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Avg, Count
from django.db.models.functions import TruncDate

from annotation.models import Judgment

MOST_DAYS = 60


@dataclass(frozen=True)
class WorkDay:
    """Judgments of one annotator on one day (UTC), corrections left out."""

    day: date
    n_judgments: int
    seconds_each: float | None


def days_of(annotator_id: int, project_id: int) -> list[WorkDay]:
    """The last MOST_DAYS days on which somebody judged, oldest first."""
    own = Judgment.objects.filter(
        annotator_id=annotator_id, project_id=project_id, supersedes__isnull=True
    )
    days = (
        own.order_by()
        .values(day=TruncDate("judged_at"))
        .annotate(n=Count("id"), seconds=Avg("active_seconds"))
        .order_by("-day")[:MOST_DAYS]
    )
    return [WorkDay(row["day"], row["n"], row["seconds"]) for row in reversed(days)]
