"""Is everything behind the pages alive, and does the work get done?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Min

from annotation.domain.vocabulary import MOST_TRIES, QUEUES, WorkState
from annotation.models import Comparison, Heartbeat, Import

BEAT = "beat"
SILENT_AFTER = timedelta(seconds=30)  # a heart beats every 5 seconds
COMPARISONS_LATE_AFTER = timedelta(minutes=2)
IMPORTS_LATE_AFTER = timedelta(minutes=10)


class State(StrEnum):
    """How a part does: late means alive but behind with its work."""

    OK = "ok"
    LATE = "late"
    DOWN = "down"


@dataclass(frozen=True)
class Part:
    """One thing that must work, and a sentence about it for an admin."""

    name: str
    state: State
    detail: str


def worker_name(queue: str) -> str:
    return f"worker:{queue}"


def background_parts(now: datetime) -> list[Part]:
    """Beat and the worker of each queue. One query."""
    hearts = {heart.name: heart for heart in Heartbeat.objects.all()}
    names = [BEAT, *(worker_name(queue) for queue in QUEUES)]
    return [_process_part(name, hearts.get(name), now) for name in names]


def work_parts(now: datetime) -> list[Part]:
    """How long the oldest comparison and the oldest import have been waiting. Two queries."""
    stale = Comparison.objects.filter(stale_since__isnull=False, stale_tries__lt=MOST_TRIES)
    queued = Import.objects.filter(state=WorkState.QUEUED)
    return [
        work_part(
            "comparisons", stale.aggregate(at=Min("stale_since"))["at"], now, COMPARISONS_LATE_AFTER
        ),
        work_part("imports", queued.aggregate(at=Min("created_at"))["at"], now, IMPORTS_LATE_AFTER),
    ]


def work_part(
    name: str, waiting_since: datetime | None, now: datetime, late_after: timedelta
) -> Part:
    """Judge a queue by its oldest work; None where nothing waits."""
    if waiting_since is None:
        return Part(name, State.OK, "Nothing waits.")
    waited = now - waiting_since
    state = State.LATE if waited > late_after else State.OK
    return Part(name, state, f"The oldest has waited for {max(waited.total_seconds(), 0):.0f} s.")


def stopped_processes(now: datetime) -> list[str]:
    """Sentences for admins about background processes that are not heard of; [] when all live."""
    return [part.detail for part in background_parts(now) if part.state is State.DOWN]


def _process_part(name: str, heart: Heartbeat | None, now: datetime) -> Part:
    if heart is None or heart.beaten_at is None:
        return Part(name, State.DOWN, f"{name} has never been heard of: is it started?")
    if now - heart.beaten_at > SILENT_AFTER:
        when = heart.beaten_at.isoformat(sep=" ", timespec="seconds")
        return Part(name, State.DOWN, f"{name} was last heard of at {when}: it has stopped.")
    if name != BEAT and (heart.answered_at is None or now - heart.answered_at > SILENT_AFTER):
        return Part(name, State.OK, f"{name} is alive; it is busy, or no bell reaches it.")
    return Part(name, State.OK, f"{name} is alive.")
