"""Claims from many annotators at once, each in two tabs, with leases that run out under them.

    python -m benchmarks.hammer [--claims 100000] [--claimers 64]

Counts how many judgments went over a comparison's overlap and how many are missing at the end. Time
runs fast: every claimer's clock is moved on, so that leases end while others hold them.
"""

import argparse
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing import get_context
from typing import Any

OVERLAP = 3
CLAIMS_PER_SLOT = 1.5  # two tabs of one annotator are given the same slot, and one is faster

ABANDONED = 0.05  # share of claims whose annotator walks away, so that the lease runs out
LATE = 0.03  # share of claims answered after the lease ran out
FAST = 600  # seconds of the claimers' clock in one real second: a lease ends after two seconds
TOO_LATE = 2.2  # real seconds
IDLE = 20  # claims in vain after which a tab takes the queue for empty
PAUSE = 0.15  # seconds between two of them: together longer than a lease lasts


@dataclass
class Tally:
    """What the claimers did, and what they left in the tables."""

    n_claims: int = 0
    n_late: int = 0
    n_lost: int = 0
    n_over: int = 0
    n_missing: int = 0
    n_doubled: int = 0
    seconds: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, **counts: int) -> None:
        with self.lock:
            for name, count in counts.items():
                setattr(self, name, getattr(self, name) + count)

    @property
    def is_clean(self) -> bool:
        return not (self.n_over or self.n_missing or self.n_doubled)


class Clock:
    """A clock that runs fast, the same in every process."""

    def __init__(self, start: float) -> None:
        self.start = start

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.start + (time.time() - self.start) * FAST, UTC)


def hammer(*, project_id: int, annotator_ids: list[int], start: float) -> Tally:
    """Claim and submit in one tab per annotator until nothing is left."""
    tally, clock = Tally(), Clock(start)

    def tab(annotator: int) -> Callable[[], None]:
        return lambda: work(project_id, annotator, clock, tally, random.Random(annotator))

    run_all([tab(annotator) for annotator in annotator_ids])
    return tally


def run_all(tabs: list[Callable[[], None]]) -> None:
    """Run every tab in a thread of its own; the first failure of any is raised."""
    from django.db import connection

    def closing(tab: Callable[[], None]) -> None:
        try:
            tab()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(tabs)) as threads:
        list(threads.map(closing, tabs))


def work(project_id: int, annotator: int, clock: Clock, tally: Tally, dice: random.Random) -> None:
    from annotation.services import queue

    idle = 0
    while idle < IDLE:
        slot = queue.claim_slot(project_id=project_id, annotator_id=annotator, now=clock.now())
        if slot is None:
            idle += 1
            time.sleep(PAUSE)
            continue
        idle = 0
        tally.add(n_claims=1)
        fate = dice.random()
        if fate < ABANDONED:
            hand_back(slot, annotator, clock)
            continue
        if fate < ABANDONED + LATE:
            time.sleep(TOO_LATE)
        submit(slot, annotator, clock, tally)


def hand_back(slot: Any, annotator: int, clock: Clock) -> None:
    from annotation.services import queue

    with suppress(queue.SlotLost):
        queue.release_slot(slot_id=slot.id, annotator_id=annotator, now=clock.now())


def submit(slot: Any, annotator: int, clock: Clock, tally: Tally) -> None:
    import uuid

    from annotation.domain.answers import Answer
    from annotation.domain.vocabulary import Outcome
    from annotation.services import judging, queue

    try:
        judgment = judging.submit_judgment(
            slot_id=slot.id,
            annotator_id=annotator,
            answer=Answer(outcome=Outcome.UNSURE),
            client_key=uuid.uuid4(),
            now=clock.now(),
        )
        tally.add(n_late=int(judgment.is_late))
    except (judging.AlreadyJudged, queue.SlotLost):
        tally.add(n_lost=1)


COUNT = """
    SELECT count(*) FILTER (WHERE n_in_time > n_slots), count(*) FILTER (WHERE n_in_time < n_slots),
           count(*) FILTER (WHERE n_judgments > n_annotators)
    FROM comparison c
    CROSS JOIN LATERAL (SELECT count(*) AS n_slots FROM slot WHERE comparison_id = c.id) s
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE NOT is_late) AS n_in_time, count(*) AS n_judgments,
               count(DISTINCT annotator_id) AS n_annotators
        FROM judgment WHERE comparison_id = c.id
    ) j
    WHERE c.project_id = %s
"""


def count(project_id: int, tally: Tally) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(COUNT, [project_id])
        tally.n_over, tally.n_missing, tally.n_doubled = cursor.fetchone()


def annotators(n: int) -> list[int]:
    from django.utils import timezone

    from annotation.models import Annotator, User

    made = []
    for number in range(n):
        user = User.objects.create(username=f"hammer-{number}")
        made.append(
            Annotator.objects.create(
                user=user, kind="human", name=user.username, created_at=timezone.now()
            ).id
        )
    return made


def main(arguments: list[str] | None = None) -> int:
    """Print what came of it; 1 when a comparison got too many or too few judgments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--claims", type=int, default=100_000)
    parser.add_argument("--claimers", type=int, default=64)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="quorum-hammer-") as var:
        os.environ["QUORUM_VAR"] = var
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        return int(not measure(options.claims, options.claimers))


def measure(n_claims: int, n_claimers: int) -> bool:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from benchmarks.queue_rows import fill

    call_command("migrate", verbosity=0)
    n_comparisons = round(n_claims / OVERLAP / CLAIMS_PER_SLOT)
    project = fill(slug="hammer", n_comparisons=n_comparisons, overlap=OVERLAP)
    people = annotators(n_claimers // 2)
    connection.close()
    start = time.time()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as windows:
        tallies = list(windows.map(window, [project.id] * 2, [people] * 2, [start] * 2))
    tally = Tally(seconds=time.time() - start)
    for counts in tallies:
        tally.add(**counts)
    count(project.id, tally)
    print(
        f"{tally.n_claims:,} claims by {n_claimers} tabs of {n_claimers // 2} annotators on "
        f"{n_comparisons * OVERLAP:,} slots in {tally.seconds:.0f} s "
        f"({tally.n_claims / tally.seconds:,.0f}/s): {tally.n_over} over, {tally.n_missing} "
        f"starved, {tally.n_doubled} doubled; {tally.n_late} late kept, {tally.n_lost} refused "
        "because another tab was faster"
    )
    return tally.is_clean


def window(project_id: int, annotator_ids: list[int], start: float) -> dict[str, int]:
    """One tab of each annotator, in a process of its own."""
    import django

    django.setup()
    tally = hammer(project_id=project_id, annotator_ids=annotator_ids, start=start)
    return {"n_claims": tally.n_claims, "n_late": tally.n_late, "n_lost": tally.n_lost}


if __name__ == "__main__":
    sys.exit(main())
