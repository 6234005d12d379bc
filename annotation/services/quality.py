"""Keeps each project's quality report in step with its judgments, at a cost that stays small."""

from datetime import datetime, timedelta
from time import perf_counter

from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from annotation.domain.errors import DomainError
from annotation.domain.vocabulary import MOST_TRIES
from annotation.models import Project, QualityReport, VoteTally
from annotation.selectors.quality import fresh_report

PAUSE = timedelta(seconds=15)  # between two reports of a project, however many judgments come in
SHARE_OF_TIME = 0.05  # that a worker may spend on one project's report
UNREADABLE = (ArithmeticError, LookupError, TypeError, ValueError, DomainError)


def refresh_next_report(*, now: datetime) -> bool:
    """Work out the report of the project that waits longest, if its judgments have changed.

    A project that takes long is worked out less often. One whose judgments cannot be read is set
    aside with its error after `MOST_TRIES`. Safe to repeat, late or in parallel.

    Returns:
        Whether there was one.
    """
    _make_missing(now)
    with transaction.atomic():
        late = _outdated().filter(due_at__lte=now, tries__lt=MOST_TRIES).order_by("due_at")
        row = late.select_for_update(skip_locked=True, no_key=True, of=("self",)).first()
        if row is None:
            return False
        try:
            with transaction.atomic():
                _work_out(row, now)
        except UNREADABLE as error:
            row.tries += 1
            row.due_at = now + PAUSE
            row.error = f"{type(error).__name__}: {error}"
            row.save(update_fields=["tries", "due_at", "error"])
    return True


def refresh_report(*, project: Project, now: datetime) -> bool:
    """Work out a project's report now, set aside or not, if its judgments have changed since.

    Returns:
        Whether it was worked out.
    """
    _make_missing(now)
    with transaction.atomic():
        rows = _outdated().filter(project=project)
        row = rows.select_for_update(no_key=True, of=("self",)).first()
        if row is None:
            return False
        _work_out(row, now)
    return True


def mark_outdated(*, project: Project, now: datetime) -> None:
    """Have a project's report worked out again from the facts; until then the old one is shown."""
    rows = QualityReport.objects.filter(project=project)
    rows.update(n_changes=0, due_at=now, tries=0, error="")


def _make_missing(now: datetime) -> None:
    """Give every project that has judgments a row to fill."""
    tallied = VoteTally.objects.filter(criterion__isnull=True, project__quality_report=None)
    QualityReport.objects.bulk_create(
        [
            QualityReport(project_id=pk, due_at=now)
            for pk in tallied.values_list("project", flat=True)
        ],
        ignore_conflicts=True,
    )


def _outdated() -> QuerySet[QualityReport]:
    """Reports that are behind their project's tally."""
    tallies = VoteTally.objects.filter(project=OuterRef("project"), criterion__isnull=True)
    rows = QualityReport.objects.annotate(n_now=Subquery(tallies.values("n_changes")))
    return rows.filter(Q(computed_at=None) | Q(n_now__gt=F("n_changes"))).select_related("project")


def _work_out(row: QualityReport, now: datetime) -> None:
    """Fill a locked row. Changes that come in meanwhile are seen next time."""
    started, n_changes = perf_counter(), row.n_now  # type: ignore[attr-defined]  # annotated
    report = fresh_report(row.project)
    cost = timedelta(seconds=perf_counter() - started)
    row.figures, row.people, row.leaderboards = report.figures, report.people, report.leaderboards
    row.n_changes, row.computed_at = n_changes, now
    row.due_at = now + max(PAUSE, cost / SHARE_OF_TIME)
    row.tries, row.error = 0, ""
    row.save()
