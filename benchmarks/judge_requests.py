"""Judge requests a second through an endpoint that takes 50 ms, beside what it could answer.

    python -m benchmarks.judge_requests [--requests 10000] [--concurrency 32] [--workers 2]

The practice endpoint runs in a process of its own, as does each worker; the ideal is concurrency
over latency. CPU time is that of the workers, of PostgreSQL and of the endpoint.
"""

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from multiprocessing import get_context
from typing import Any

import psutil

LATENCY = 0.05  # seconds
LEAST_SHARE = 0.8
OVERALL = "You are a careful and impartial judge. Decide which answer serves the person better."
TELL_APART = """
    UPDATE response SET content = jsonb_build_array(jsonb_build_object(
        'type', 'text', 'text', id || repeat(' A grey wave.', 20)
    ))
"""
N_FIRST = 64  # requests that warm up, not counted


def main(arguments: list[str] | None = None) -> int:
    """Print the rate; 1 when it is below 80 % of the ideal."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="quorum-bench-") as var:
        os.environ["QUORUM_VAR"] = var
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        return int(not measure(options.requests, options.concurrency, options.workers))


def measure(n_requests: int, concurrency: int, n_workers: int) -> bool:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from practice import server

    call_command("migrate", verbosity=0)
    with (
        server.start(latency=LATENCY) as endpoint,
        ProcessPoolExecutor(n_workers, mp_context=get_context("spawn")) as workers,
    ):
        judge, comparisons = judge_at(endpoint.url, concurrency, (N_FIRST + n_requests) // 2)
        ask(judge, comparisons[: N_FIRST // 2])
        connection.close()
        list(workers.map(drain, range(n_workers)))
        ask(judge, comparisons[N_FIRST // 2 :])
        before, started = cpu_by_kind(), time.perf_counter()
        list(workers.map(drain, range(n_workers)))
        seconds, after = time.perf_counter() - started, cpu_by_kind()
        answered, peak = answered_of(judge), endpoint.state["peak"]
    return verdict(n_requests, seconds, concurrency, before, after, answered - N_FIRST, peak)


def verdict(
    n_requests: int,
    seconds: float,
    concurrency: int,
    before: dict[str, float],
    after: dict[str, float],
    answered: int,
    peak: int,
) -> bool:
    rate, ideal = n_requests / seconds, concurrency / LATENCY
    spent = {kind: (after[kind] - before[kind]) / n_requests * 1000 for kind in after}
    told = ", ".join(f"{kind} {ms:.2f}" for kind, ms in spent.items())
    print(
        f"{n_requests:,} requests at concurrency {concurrency} through {LATENCY * 1000:.0f} ms in "
        f"{seconds:.1f} s: {rate:.0f}/s, {rate / ideal:.0%} of the ideal {ideal:.0f}/s (target "
        f"{LEAST_SHARE:.0%}); {answered:,} answered, at most {peak} at once\n"
        f"CPU-ms a request: {told}; together {sum(spent.values()):.2f}; load of the machine "
        f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    return rate >= LEAST_SHARE * ideal and answered == n_requests


def judge_at(url: str, concurrency: int, n_comparisons: int) -> tuple[Any, list[int]]:
    """Configure a judge of a new project; give it with the comparisons, no two alike."""
    from django.db import connection
    from django.utils import timezone

    from annotation.services.judges import configuring, templates
    from annotation.services.judges.drafts import JudgeDraft
    from benchmarks.queue_rows import fill

    project, now = fill(slug="judged", n_comparisons=n_comparisons, overlap=0), timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(TELL_APART)
    endpoint = configuring.add_endpoint(
        project=project,
        user=None,
        draft=configuring.EndpointDraft(name="practice", base_url=url, max_concurrency=concurrency),
        now=now,
    )
    template = templates.add_template(
        project=project,
        user=None,
        draft=templates.TemplateDraft(name="overall", instructions=OVERALL),
        now=now,
    )
    draft = JudgeDraft(
        name="practice",
        endpoint=endpoint,
        template=template,
        model_name="practice-1",
        price_in=Decimal(1),
        price_out=Decimal(2),
        budget=Decimal(1_000),
    )
    judge = configuring.add_judge(project=project, user=None, draft=draft, now=now)
    return judge, sorted(project.comparisons.values_list("id", flat=True))


def ask(judge: Any, comparison_ids: list[int]) -> None:
    from django.utils import timezone

    from annotation.domain.vocabulary import RunPurpose
    from annotation.services.judges import runs

    runs.ask_judge(
        judge=judge,
        comparison_ids=comparison_ids,
        purpose=RunPurpose.RUN,
        user=None,
        now=timezone.now(),
    )


def drain(_: int) -> int:
    """Drain in a process of a worker, as its task does."""
    import django

    django.setup()
    from annotation.selectors.clock import database_now
    from annotation.services.judges import requests

    return requests.answer_next(now=database_now())


def answered_of(judge: Any) -> int:
    return int(judge.requests.filter(state="answered", is_cached=False).count())


def cpu_by_kind() -> dict[str, float]:
    """CPU seconds so far of this process's workers, of PostgreSQL and of the endpoint."""
    spent = {"workers": 0.0, "PostgreSQL": 0.0, "endpoint": 0.0}
    for process in psutil.Process().children(recursive=True) + postgres_processes():
        try:
            times, told = process.cpu_times(), " ".join(process.cmdline())
        except psutil.Error:
            continue
        kind = kind_of(told)
        if kind:
            spent[kind] += times.user + times.system
    return spent


def kind_of(command: str) -> str:
    if "postgres" in command:
        return "PostgreSQL"
    if "practice" in command:
        return "endpoint"
    return "workers" if "multiprocessing" in command else ""


def postgres_processes() -> list[psutil.Process]:
    """Those of this benchmark's own instance, which is no child of it."""
    var = os.environ["QUORUM_VAR"]
    own = [p for p in psutil.process_iter(["cmdline"]) if var in " ".join(p.info["cmdline"] or [])]
    return [each for p in own if "postgres" in p.name() for each in (p, *p.children())]


if __name__ == "__main__":
    sys.exit(main())
