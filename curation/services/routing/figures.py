"""Works out where routed comparisons stand and how judges do, for the pages to show."""

from datetime import datetime, timedelta
from time import perf_counter

from django.db import transaction

from annotation.models import Project
from curation.models import RoutingFigures, RoutingPolicy
from curation.selectors import routing_figures
from curation.services.routing.drain import BROKEN

PAUSE = timedelta(seconds=10)  # between two rounds for a project, however much comes in
SHARE_OF_TIME = 0.05  # that a worker may spend on one project's figures


def refresh_next(*, now: datetime, project: Project | None = None) -> bool:
    """Work out the figures of the project that waits longest for it and has news.

    A project that takes long is worked out less often; one of which the figures cannot be worked
    out is set aside with its error after `MOST_TRIES`, until other news comes in. One named project
    is worked out at once. Safe to repeat, late or in parallel.

    Returns:
        Whether there was one.
    """
    make_missing(now)
    with transaction.atomic():
        found = routing_figures.next_outdated(now, project)
        if found is None:
            return False
        pk, news = found
        row = RoutingFigures.objects.select_related("project").get(pk=pk)
        started = perf_counter()
        try:
            with transaction.atomic():
                work_out(row, news, now)
        except BROKEN as error:
            row.refresh_from_db()
            row.tries = row.tries + 1 if row.news == news else 1
            row.news, row.due_at = news, due_after(started, now)
            row.error = f"{type(error).__name__}: {error}"
            row.save(update_fields=["tries", "news", "due_at", "error"])
            return project is None
    return True


def make_missing(now: datetime) -> None:
    """Give every project that has a routing policy a row to fill."""
    lacking = RoutingPolicy.objects.filter(project__routing_figures=None)
    projects = lacking.order_by("project").values_list("project", flat=True).distinct()
    RoutingFigures.objects.bulk_create(
        [RoutingFigures(project_id=pk, due_at=now) for pk in projects], ignore_conflicts=True
    )


def work_out(row: RoutingFigures, news: str, now: datetime) -> None:
    """Fill a locked row. What comes in meanwhile is seen next time."""
    started = perf_counter()
    row.figures, row.news = routing_figures.fresh_figures(row.project), news
    row.computed_at, row.due_at = now, due_after(started, now)
    row.tries, row.error = 0, ""
    row.save()


def due_after(started: float, now: datetime) -> datetime:
    """When a project is due again whose figures were begun at `started`."""
    cost = timedelta(seconds=perf_counter() - started)
    return now + max(PAUSE, cost / SHARE_OF_TIME)
