"""Queued rows that one builder at a time works on, and what happens when it is killed."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection
from django.db.models import F

from annotation.domain.errors import DomainError
from annotation.domain.vocabulary import WorkState
from curation.models import Export, Simulation, Version

MOST_TRIES = 5
# "QVER", "QEXP", "QSIM": one space of locks each
LOCKS = {Version: 0x51564552, Export: 0x51455850, Simulation: 0x5153494D}

Build = Version | Export


@contextmanager
def alone_with(build: Build | Simulation) -> Iterator[bool]:
    """Hold a build's advisory lock: True for its only builder, False for everybody else.

    The lock belongs to the connection, so it is free again as soon as its holder is dead.
    """
    key = [LOCKS[type(build)], build.pk]
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s, %s)", key)
        held = cursor.fetchone()[0]
        try:
            yield held
        finally:
            if held:
                cursor.execute("select pg_advisory_unlock(%s, %s)", key)


def begin(build: Build | Simulation) -> bool:
    """Count a try and mark the build as running; False where it is finished or out of tries."""
    kind = type(build)
    waiting = kind.objects.filter(pk=build.pk, state__in=[WorkState.QUEUED, WorkState.RUNNING])
    if waiting.filter(tries__gte=MOST_TRIES).update(
        state=WorkState.FAILED, error=f"Its builder was killed {MOST_TRIES} times."
    ):
        return False
    begun = waiting.update(state=WorkState.RUNNING, tries=F("tries") + 1)
    build.refresh_from_db()
    return bool(begun)


def fail(build: Build, error: Exception, now: datetime) -> None:
    """End a build that cannot succeed, with the reason for its reader."""
    detail = error.detail if isinstance(error, DomainError) else f"{type(error).__name__}: {error}"
    type(build).objects.filter(pk=build.pk).update(
        state=WorkState.FAILED, error=detail, built_at=now
    )
    build.refresh_from_db()
