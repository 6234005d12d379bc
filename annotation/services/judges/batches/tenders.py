"""Tends batches beside a drain: a thread for each endpoint, so that no file holds up a call."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection

from annotation.models import Endpoint, Project
from annotation.services.judges.batches.tender import due_runs
from annotation.services.judges.batches.tending import tend

MOST_AT_ONCE = 8  # endpoints


@dataclass
class Tenders:
    """The threads of one drain. Each has a connection of its own to the database."""

    project: Project | None
    clock: Callable[[], datetime]
    is_stopping: Callable[[], bool]
    threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(MOST_AT_ONCE, "batches")
    )
    at_work: dict[int, Future[int]] = field(default_factory=dict)

    @property
    def are_busy(self) -> bool:
        return any(not one.done() for one in self.at_work.values())

    def look_around(self) -> None:
        """Start work at each endpoint whose batches ask for it, unless it goes on already."""
        for run in due_runs(self.clock(), self.project):
            pk = run.judge.endpoint_id
            if self.is_free(pk):
                self.at_work[pk] = self.threads.submit(self.work, pk)

    def is_free(self, endpoint_id: int) -> bool:
        """Whether a thread may start there. Where one has died, none does in this drain."""
        former = self.at_work.get(endpoint_id)
        return former is None or (former.done() and former.exception() is None)

    def work(self, endpoint_id: int) -> int:
        try:
            endpoint = Endpoint.objects.get(pk=endpoint_id)
            return tend(
                endpoint=endpoint,
                project=self.project,
                clock=self.clock,
                is_stopping=self.is_stopping,
            )
        finally:
            connection.close()

    def close(self) -> None:
        """Wait until they are done; what went wrong in one of them is raised here."""
        self.threads.shutdown()
        for one in self.at_work.values():
            one.result()
