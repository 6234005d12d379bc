"""What one claim and submit costs, beside the bare floor: the same SQL behind a trivial view.

    python -m benchmarks.claim_submit [--pairs 400] [--sizes 1000 100000 1000000]

A server like the one of `manage.py up` runs on an instance of its own; CPU time is that of the web
server and of all PostgreSQL processes together, wall time is seen by a client on one connection.
"""

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
WARM_UP = 60  # pairs
SMALL = 10_000  # comparisons
MOST_FLOORS = 3.0
FLAT = 1.5


@dataclass(frozen=True)
class Cost:
    """Of one claim and submit: CPU of server and database, and the slow end of the waiting."""

    cpu_ms: float
    web_ms: float
    p95_ms: float


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=400)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 100_000, 1_000_000])
    parser.add_argument("--var", help="keep the instance here, filled for the next time")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="quorum-bench-") as var:
        os.environ["QUORUM_VAR"] = options.var or var
        os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.floor_settings"
        return int(not measure(options.sizes, options.pairs))


def measure(sizes: list[int], n_pairs: int) -> bool:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    print(f"{'open comparisons':>17} {'floor CPU-ms':>13} {'web':>6} {'p95':>6}"
          f" {'API CPU-ms':>11} {'web':>6} {'p95':>6} {'ratio':>6}")  # fmt: skip
    costs = []
    for size in sizes:
        token = project_of(size)
        with server() as (port, processes):
            ours, bare = slugs_of(size)
            floor = cost(port, processes, token, bare, n_pairs, prefix="floor")
            api = cost(port, processes, token, ours, n_pairs, prefix="api/v1")
        costs.append((floor, api))
        print(f"{size:>17,} {floor.cpu_ms:>13.2f} {floor.web_ms:>6.2f} {floor.p95_ms:>6.1f}"
              f" {api.cpu_ms:>11.2f} {api.web_ms:>6.2f} {api.p95_ms:>6.1f}"
              f" {api.cpu_ms / floor.cpu_ms:>6.2f}")  # fmt: skip
    return verdict(costs)


def verdict(costs: list[tuple[Cost, Cost]]) -> bool:
    worst = max(api.cpu_ms / floor.cpu_ms for floor, api in costs)
    spread = max(api.cpu_ms for _, api in costs) / min(api.cpu_ms for _, api in costs)
    print(f"at most {worst:.2f} floors (target {MOST_FLOORS}), "
          f"{spread:.2f} times from the least to the most (target {FLAT})")  # fmt: skip
    return worst <= MOST_FLOORS and spread <= FLAT


def slugs_of(size: int) -> tuple[str, str]:
    """Names of the two projects; small ones are used up by a run, so they are its own."""
    run = f"{size}-{os.getpid()}" if size <= SMALL else str(size)
    return f"bench-{run}", f"floor-{run}"


def project_of(size: int) -> str:
    """Fill two projects alike, one for each side, and give their annotator's token."""
    from django.utils import timezone

    from annotation.domain.vocabulary import Role, TokenScope
    from annotation.models import Membership, Project, User
    from annotation.services import people
    from benchmarks.queue_rows import fill

    now = timezone.now()
    user, _ = User.objects.get_or_create(username="bench")
    people.annotator_of(user=user, now=now)
    for slug in slugs_of(size):
        if not Project.objects.filter(slug=slug).exists():
            project = fill(slug=slug, n_comparisons=size, overlap=1)
            Membership.objects.create(
                user=user, project=project, role=Role.ANNOTATOR, created_at=now
            )
    return people.issue_token(user=user, scope=TokenScope.ANNOTATE, name="bench", now=now)


class server:  # noqa: N801
    """The web server as `up` starts it, with one process, on a free port."""

    def __enter__(self) -> tuple[int, list[psutil.Process]]:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self.web = subprocess.Popen(
            [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1",
             "--port", str(port), "--http", "1", "--no-ws", "--workers", "1",
             "--blocking-threads", "1", "--blocking-threads-idle-timeout", "10m",
             "--log-level", "warning", "config.wsgi:application"],
            cwd=ROOT,
        )  # fmt: skip
        wait_for(port)
        return port, psutil.Process(self.web.pid).children(recursive=True)

    def __exit__(self, *error: object) -> None:
        self.web.terminate()
        self.web.wait()


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def cost(
    port: int, web: list[psutil.Process], token: str, slug: str, n_pairs: int, prefix: str
) -> Cost:
    client = http.client.HTTPConnection("127.0.0.1", port)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def post(path: str, body: object, **more: str) -> dict:
        client.request("POST", f"/{prefix}/{path}", json.dumps(body), headers | more)
        answer = client.getresponse()
        read = answer.read()
        if answer.status not in (200, 201):
            raise SystemExit(f"{path} answered {answer.status}: {read[:300]!r}")
        return json.loads(read)

    def pair() -> float:
        started = time.perf_counter()
        work = post(f"projects/{slug}/next/", {})
        shown = [response["id"] for response in work["comparison"]["responses"]]
        answer = {
            "outcome": "ranked",
            "ranking": [[response] for response in shown],
            "strength": 2,
            "shown_order": shown,
            "rationale": {"text": "It says the same in fewer words.", "tags": ["clearer"]},
            "active_seconds": 12.5,
        }
        key = {"Idempotency-Key": str(uuid.uuid4())}
        post(f"slots/{work['slot']}/judgment/", answer, **key)
        return time.perf_counter() - started

    for _ in range(WARM_UP):
        pair()
    database = postgres_processes()
    before_web, before_database = cpu_of(web), cpu_of(database)
    waits = [pair() for _ in range(n_pairs)]
    web_ms = (cpu_of(web) - before_web) * 1000 / n_pairs
    database_ms = (cpu_of(database) - before_database) * 1000 / n_pairs
    p95 = statistics.quantiles(waits, n=20)[-1] * 1000
    return Cost(web_ms + database_ms, web_ms, p95)


def postgres_processes() -> list[psutil.Process]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        own = psutil.Process(cursor.fetchone()[0])
    others = own.parent().children()
    return [process for process in others if process.pid != own.pid]


def cpu_of(processes: list[psutil.Process]) -> float:
    times = [process.cpu_times() for process in processes if process.is_running()]
    return sum(spent.user + spent.system for spent in times)


if __name__ == "__main__":
    sys.exit(main())
