"""Judge requests by batch: seconds, CPU and memory, beside the same number asked one by one.

    python -m benchmarks.judge_batches [--requests 2000]

The practice endpoint runs in a process of its own and answers a batch at once, so what is timed is
Quorum's own work: writing and sending the file, fetching, matching and booking what came back. Each
size runs in a new process, so that its peak of memory tells whether it grows with the rows.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from multiprocessing import get_context
from typing import Any

from benchmarks import judge_requests

MOST_GROWTH = 64.0  # MB of memory that the larger batch may take beyond the one of a fifth
Told = tuple[float, float, float]  # seconds, CPU seconds, MB at the peak


def main(arguments: list[str] | None = None) -> int:
    """Print the figures; 1 when an answer is missing, or memory grows with the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=2_000)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="quorum-bench-") as var:
        os.environ["QUORUM_VAR"] = var
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        return int(not measure(options.requests))


def measure(n_requests: int) -> bool:
    import django

    django.setup()
    from django.core.management import call_command

    from annotation.models import Endpoint
    from practice import server

    call_command("migrate", verbosity=0)
    n_few = n_requests // 5
    with server.start() as endpoint:
        judge, comparisons = judge_requests.judge_at(endpoint.url, 32, n_requests + n_few // 2)
        Endpoint.objects.update(takes_batches=True)
        few, many = n_few // 2, n_requests // 2
        small = drained(judge, comparisons[:few], by_batch=True)
        large = drained(judge, comparisons[few : few + many], by_batch=True)
        singly = drained(judge, comparisons[few + many :], by_batch=False)
        answered = judge_requests.answered_of(judge)
    expected = 2 * (few + many + len(comparisons[few + many :]))
    tell("by batch", n_few, small)
    tell("by batch", n_requests, large)
    tell("one by one", 2 * len(comparisons[few + many :]), singly)
    growth = large[2] - small[2]
    print(f"memory grows by {growth:.0f} MB (at most {MOST_GROWTH:.0f}); {answered:,} answered")
    return answered == expected and growth <= MOST_GROWTH


def tell(how: str, n_requests: int, told: Told) -> None:
    seconds, cpu, peak = told
    print(
        f"{n_requests:,} requests {how}: {seconds:.1f} s, {n_requests / seconds:.0f}/s, "
        f"{cpu / n_requests * 1000:.2f} CPU-ms a request in the worker, peak {peak:.0f} MB"
    )


def drained(judge: Any, comparison_ids: list[int], *, by_batch: bool) -> Told:
    """Order a run and drain it in a new process."""
    from django.db import connection
    from django.utils import timezone

    from annotation.domain.vocabulary import RunPurpose
    from annotation.services.judges import runs

    run = runs.ask_judge(
        judge=judge,
        comparison_ids=comparison_ids,
        purpose=RunPurpose.RUN,
        user=None,
        now=timezone.now(),
        by_batch=by_batch,
    )
    connection.close()
    with get_context("spawn").Pool(1) as worker:
        return worker.apply(drain, (run.pk,))


def drain(run_id: int) -> Told:
    """Drain until the run is over; waiting for the next look at a batch is not counted."""
    import django

    django.setup()
    from datetime import timedelta

    from annotation.models import JudgeRun
    from annotation.selectors.clock import database_now
    from annotation.services.judges import requests

    requests.PATIENCE = 0.0
    started, later = time.perf_counter(), timedelta()
    while JudgeRun.objects.filter(pk=run_id, finished_at__isnull=True).exists():
        requests.answer_next(now=database_now() + later)
        later += timedelta(minutes=1)
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = time.perf_counter() - started
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
