from dataclasses import dataclass
from datetime import datetime

from annotation.models import User
from annotation.selectors import activity, people, progress, totals
from annotation.selectors.access import Seat
from annotation.selectors.activity import Activity
from annotation.selectors.progress import Progress
from annotation.selectors.totals import ProjectTotals, Total


@dataclass(frozen=True)
class Overview:
    """The first page of a project. What a role may not see is None.

    `activity` is None, too, where adding it up takes long and nobody asked for it yet.
    """

    progress: Progress
    totals: ProjectTotals | None
    disputed: Total | None
    activity: Activity | None


def overview_of(seat: Seat, user: User, now: datetime, *, with_activity: bool) -> Overview:
    me = people.annotator_id_of(user)
    figures = totals.project_totals(seat.project) if seat.reviews else None
    quick = figures and figures.human_judgments.is_exact and figures.llm_judgments.is_exact
    return Overview(
        progress=progress.progress_of(me, seat.project.id, now),
        totals=figures,
        disputed=totals.disputed_total(seat.project) if seat.reviews else None,
        activity=activity.activity_of(seat.project)
        if figures and (quick or with_activity)
        else None,
    )
