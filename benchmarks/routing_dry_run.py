"""How long the dry run of a routing policy takes, over a hundred thousand comparisons.

    python -m benchmarks routing_dry_run
    python -c "import benchmarks.routing_dry_run as b; b.main(['--comparisons', '20000'])"

Prints seconds of the clock, and CPU seconds of this process and of PostgreSQL: of the dry run of a
policy of rules, of one with a learned router, and of what they read. Beside it the policy of rules
is decided one comparison at a time on a sample of them in the same run, which must decide alike.
The project has signals of texts, topics, difficulty and judges, metadata, duplicates, and two
configured judges that have judged everything; another policy is active. All is taken back at the
end.
"""

import argparse
import os
import resource
import time
from collections.abc import Callable
from typing import Any

import psutil

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

MOST_SECONDS = 30.0
LEAST_RATIO = 20.0
PER = 100_000  # comparisons, in CPU seconds of this process and of PostgreSQL together:
MOST_CPU = {"dry run by rules": 4.0, "dry run by a learned router": 6.0, "a dozen facts": 3.0}
DOZEN = (
    "tags", "metadata.topic", "models", "has_judge_verdict", "judge_flipped", "n_people",
    "is_duplicate", "difficulty", "judge_confidence", "judge_agreement", "prompt_language",
    "prompt_characters",
)  # fmt: skip
POLICY: dict[str, Any] = {
    "rules": [
        {
            "name": "unsafe",
            "when": {
                "any": [
                    {"fact": "tags", "is": "contains", "value": "tag-3"},
                    {"fact": "metadata.topic", "is": "one of", "value": ["law", "medicine"]},
                ]
            },
            "route": {"route": "expert", "overlap": 2},
        },
        {
            "name": "hard and unsure",
            "when": {
                "all": [
                    {"fact": "difficulty", "is": ">=", "value": 0.6},
                    {"not": {"fact": "judge_confidence", "is": ">", "value": 0.9}},
                    {"fact": "n_people", "is": "<", "value": 3},
                ]
            },
            "route": {"route": "both", "overlap": 2, "judges": ["strict 1"]},
        },
        {
            "name": "repeats",
            "when": {"fact": "is_duplicate", "is": "is", "value": True},
            "route": {"route": "skip"},
        },
    ],
    "default": {"route": "judge", "judges": ["strict 1", "mild 1"]},
    "slice_by": "metadata.topic",
}
LEARNED = POLICY | {"learned": {"human_share": 0.2}}
ACTIVE: dict[str, Any] = {"default": {"route": "human", "overlap": 2}}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comparisons", type=int, default=PER)
    parser.add_argument("--sample", type=int, default=200, help="decided one at a time")
    wanted = parser.parse_args(arguments)
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import transaction

    from benchmarks import routing_project

    call_command("migrate", verbosity=0)
    with transaction.atomic():
        project = routing_project.filled(wanted.comparisons)
        faults = measure(project, wanted.comparisons, wanted.sample)
        transaction.set_rollback(True)
    print("\n".join(faults) or "every target is met")
    return int(bool(faults))


def measure(project: Any, n: int, n_sampled: int) -> list[str]:
    """Time everything; give the targets that were missed."""
    from annotation.selectors.judge_chances import chances_on
    from benchmarks.routing_project import NOW, fit_router
    from curation.domain.vocabulary import PolicyState
    from curation.models import RoutingPolicy
    from curation.selectors.routing_facts import facts_of

    RoutingPolicy.objects.create(
        project=project, number=1, content=ACTIVE, created_at=NOW, state=PolicyState.ACTIVE
    )
    meter = Meter(n)
    meter.time("a dozen facts", lambda: facts_of(project, DOZEN))
    meter.time("what judges hold", lambda: chances_on(project))
    rules = meter.time("dry run by rules", lambda: dry_run(project, POLICY, 2))
    meter.time("fit of the router", lambda: fit_router(project))
    learned = meter.time("dry run by a learned router", lambda: dry_run(project, LEARNED, 3))
    for row in rules + learned:
        print(f"  {row['name']} -> {row['route']}: {row['n']:,}")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    each = one_at_a_time(project, n_sampled)
    ratio = each * n / meter.seconds["dry run by rules"]
    print(f"peak memory {memory:.0f} MiB")
    print(f"one at a time: {each * 1000:.2f} ms each, so {each * n:,.0f} s for all: {ratio:,.0f} x")
    return meter.faults + ([] if ratio >= LEAST_RATIO else [f"only {ratio:.0f} x"])


class Meter:
    """Prints what each piece of work takes, and remembers the targets that it missed."""

    def __init__(self, n: int) -> None:
        self.scale, self.faults, self.seconds = n / PER, list[str](), dict[str, float]()

    def time(self, name: str, work: Callable[[], Any]) -> Any:
        started, app, database = time.perf_counter(), time.process_time(), database_cpu()
        found = work()
        seconds, app = time.perf_counter() - started, time.process_time() - app
        database = database_cpu() - database
        self.seconds[name] = seconds
        print(f"{name:28} {seconds:5.1f} s, CPU {app:5.2f} s and {database:5.2f} s of PostgreSQL")
        if app + database > MOST_CPU.get(name, float("inf")) * max(self.scale, 0.1):
            self.faults.append(f"{name}: {app + database:.1f} CPU seconds")
        if seconds > MOST_SECONDS:
            self.faults.append(f"{name}: {seconds:.0f} s")
        return found


def database_cpu() -> float:
    """CPU seconds so far of the server, of its processes and of those that have ended."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        server = psutil.Process(cursor.fetchone()[0]).parent()
    own = server.cpu_times()
    spent = own.user + own.system + own.children_user + own.children_system
    for child in server.children():
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        spent += times.user + times.system
    return spent


def dry_run(project: Any, content: dict[str, Any], number: int) -> list[dict[str, Any]]:
    from benchmarks.routing_project import NOW
    from curation.models import RoutingPolicy
    from curation.services.routing import simulations

    policy = RoutingPolicy.objects.create(
        project=project, number=number, content=content, created_at=NOW
    )
    asked = simulations.ask_for_simulation(policy=policy, user=None, now=NOW)
    simulations.simulate_next(now=NOW, project=project)
    asked.refresh_from_db()
    return list(asked.result["rules"])


def one_at_a_time(project: Any, n_sampled: int) -> float:
    """Seconds to decide on one comparison by itself; every one must come out as among all."""
    from annotation.models import Comparison
    from curation.domain.routing.deciding import decide
    from curation.domain.routing.policy import facts_in, policy_from_json
    from curation.selectors.routing_facts import facts_of

    policy = policy_from_json(POLICY)
    together = decide(policy, facts_of(project, facts_in(policy)), seed=project.pk)
    ids = list(Comparison.objects.filter(project=project).values_list("pk", flat=True))
    sample = ids[:: max(len(ids) // n_sampled, 1)][:n_sampled]
    started = time.perf_counter()
    alone = [decide(policy, facts_of(project, facts_in(policy), [pk]), seed=project.pk)
             for pk in sample]  # fmt: skip
    seconds = (time.perf_counter() - started) / len(sample)
    place = {pk: at for at, pk in enumerate(together.ids.tolist())}
    assert all(
        one.route[0] == together.route[place[pk]] for pk, one in zip(sample, alone, strict=True)
    )
    return seconds


if __name__ == "__main__":
    raise SystemExit(main())
