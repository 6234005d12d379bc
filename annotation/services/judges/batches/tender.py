"""What tends batches at one endpoint, and what of it only one worker may do at a time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import Error, connection
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from annotation.domain.vocabulary import (
    OPEN_BATCHES,
    JudgeState,
    ProjectState,
    RequestState,
    RunState,
)
from annotation.models import Endpoint, JudgeBatch, JudgeRequest, JudgeRun, Project
from annotation.services.judges.batches.line import FileLine
from annotation.services.judges.material import Library
from annotation.services.judges.sending import Blame

KIND = 0x514B << 48  # "QK": with a run, one worker at a time tends its batches
MOST_OPEN = 8  # batches of a run at once


@dataclass
class Tender:
    """One worker's work on the batches of one endpoint."""

    endpoint: Endpoint
    line: FileLine
    clock: Callable[[], datetime]
    is_stopping: Callable[[], bool]
    library: Library = field(default_factory=Library)

    @property
    def now(self) -> datetime:
        return self.clock()


@contextmanager
def held(run: JudgeRun) -> Iterator[bool]:
    """Hold a run's batches, if nobody does. Free again the moment that the holder is gone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [KIND | run.pk])
        (is_held,) = cursor.fetchone()
    try:
        yield is_held
    finally:
        if is_held:
            with suppress(Error), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [KIND | run.pk])


def fillable(now: datetime) -> QuerySet[JudgeRun]:
    """Runs of which a batch may be sent: all is written, and something is due and affordable."""
    queued = JudgeRequest.objects.filter(
        run=OuterRef("pk"), state=RequestState.QUEUED, due_at__lte=now
    )
    left = F("judge__budget") - F("judge__spent") - F("judge__reserved")
    return JudgeRun.objects.filter(
        Q(batch_due_at__isnull=True) | Q(batch_due_at__lte=now),
        Exists(queued),
        by_batch=True,
        unwritten=None,
        state=RunState.RUNNING,
        judge__endpoint__takes_batches=True,
        judge__state=JudgeState.ACTIVE,
        project__state=ProjectState.ACTIVE,
        judge__unaffordable__lte=left,
    )


def with_room(runs: QuerySet[JudgeRun]) -> QuerySet[JudgeRun]:
    """Those of some runs that may have one more batch under way."""
    is_open = Q(batches__state__in=OPEN_BATCHES)
    return runs.alias(n_open=Count("batches", filter=is_open)).filter(n_open__lt=MOST_OPEN)


def due_batches(now: datetime) -> QuerySet[JudgeBatch]:
    return JudgeBatch.objects.filter(state__in=OPEN_BATCHES, poll_at__lte=now)


def due_runs(now: datetime, project: Project | None, endpoint_id: int | None = None) -> list[Any]:
    """Runs whose batches ask for work, at one endpoint or at all, by id."""
    waiting = with_room(fillable(now)).values_list("pk", flat=True)
    looked_at = due_batches(now).values_list("run", flat=True)
    runs = JudgeRun.objects.filter(Q(pk__in=waiting) | Q(pk__in=looked_at), by_batch=True)
    if project is not None:
        runs = runs.filter(project=project)
    if endpoint_id is not None:
        runs = runs.filter(judge__endpoint=endpoint_id)
    return list(runs.select_related("judge").order_by("pk"))


def refill_wait(n_failures: int, blame: Blame) -> timedelta:
    """How long a run waits after so many failures in a row before its next batch is tried.

    A minute at most for a server that is down, as looking costs little; an hour for one that
    refuses: each try is a file.
    """
    most = 60.0 if blame == Blame.ENDPOINT else 3600.0
    return timedelta(seconds=min(2.0 ** min(n_failures, 12), most))
