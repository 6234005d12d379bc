"""How long the dry run of a routing policy takes, over a hundred thousand comparisons.

    python -m benchmarks routing_dry_run
    python -c "import benchmarks.routing_dry_run as b; b.main(['--comparisons', '20000'])"

Prints seconds of the clock and of this process, and its memory, beside the same policy decided one
comparison at a time on a sample of them in the same run, which must decide alike. The project has
signals of texts, difficulty and judges, metadata and two configured judges, and another policy is
active; everything is taken back at the end.
"""

import argparse
import os
import resource
import time
from datetime import UTC, datetime
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

SLUG = "benchmark-routing-dry-run"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MOST_SECONDS = 30.0
LEAST_RATIO = 20.0

FILL = """
    INSERT INTO item (project_id, external_id, messages, metadata, content_hash, created_at)
    SELECT %(project)s, 'item-' || lpad(n::text, 8, '0'),
           jsonb_build_array(jsonb_build_object('role', 'user', 'content', jsonb_build_array(
               jsonb_build_object('type', 'text', 'text', 'Say why ' || md5(n::text))))),
           jsonb_build_object('topic', (ARRAY['law', 'verse', 'code', 'maths'])[1 + n %% 4],
                              'tags', jsonb_build_array('tag-' || n %% 7, 'tag-' || n %% 11)),
           sha256(n::text::bytea), now()
    FROM generate_series(1, %(n)s) AS n;
    INSERT INTO response (item_id, external_id, position, content, messages, model_name, metadata,
                          content_hash)
    SELECT id, place::text, place, '[{"type": "text", "text": "Because."}]', '[]', '', '{}', ''
    FROM item CROSS JOIN generate_series(0, 1) AS place WHERE project_id = %(project)s;
    INSERT INTO comparison (project_id, item_id, response_ids, context, rank, stale_tries,
                            stale_error, created_at)
    SELECT %(project)s, item_id, array_agg(response.id ORDER BY response.id), '', 0, 0, '', now()
    FROM response JOIN item ON item.id = item_id WHERE project_id = %(project)s GROUP BY item_id;
    INSERT INTO slot (project_id, comparison_id, ordinal, rank, audience, lease_epoch)
    SELECT project_id, id, place, 0, 'human', 0
    FROM comparison CROSS JOIN generate_series(1, 2) AS place WHERE project_id = %(project)s;
    INSERT INTO signals (project_id, comparison_id, family, version, values, computed_at)
    SELECT project_id, id, family, 1, told, now()
    FROM comparison CROSS JOIN LATERAL (VALUES
        ('difficulty', jsonb_build_object(
            'difficulty', (id * 7919 %% 1000) / 1000.0, 'difficulty_order', 0.5,
            'difficulty_is_fitted', true, 'difficulty_fit', 1)),
        ('text', (SELECT jsonb_object_agg('filler_' || n, n * 0.123) FROM generate_series(1, 60) n)
            || jsonb_build_object(
            'prompt_characters', 200 + id %% 900, 'shortest_characters', 300 + id %% 500,
            'longest_characters', 900 + id %% 2000, 'prompt_language', 'en')),
        ('judges', jsonb_build_object(
            'n_judges', 2, 'judge_confidence', 0.5 + (id * 104729 %% 500) / 1000.0,
            'judge_agreement', (id %% 3) / 2.0, 'judge_entropy', 0.4))
    ) AS family(family, told) WHERE project_id = %(project)s;
"""
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
ACTIVE: dict[str, Any] = {"default": {"route": "human", "overlap": 2}}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comparisons", type=int, default=100_000)
    parser.add_argument("--sample", type=int, default=200, help="decided one at a time")
    wanted = parser.parse_args(arguments)
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import transaction

    call_command("migrate", verbosity=0)
    with transaction.atomic():
        project = filled(wanted.comparisons)
        missed = measure(project, wanted.sample)
        transaction.set_rollback(True)
    return int(missed)


def filled(n: int) -> Any:
    """Make a project of n comparisons, an active policy and two judges."""
    from django.db import connection

    from annotation.models import Project

    project = Project.objects.create(slug=SLUG, name="Benchmark", overlap=2, created_at=NOW)
    add_judges(project)
    with connection.cursor() as cursor:
        cursor.execute(FILL, {"project": project.pk, "n": n})
        for table in ("item", "response", "comparison", "slot", "signals"):
            cursor.execute(f"ANALYZE {table}")
    return project


def add_judges(project: Any) -> None:
    from annotation.models import Annotator, Endpoint, Judge, PromptTemplate

    endpoint = Endpoint.objects.create(
        project=project, name="one", base_url="http://127.0.0.1:9/v1", created_at=NOW
    )
    template = PromptTemplate.objects.create(
        project=project, name="one", number=1, kind="overall", digest=b"1", created_at=NOW,
        instructions="Say which answer is better. " * 20,
    )  # fmt: skip
    for name in ("strict", "mild"):
        Judge.objects.create(
            project=project, name=name, number=1, endpoint=endpoint, template=template,
            annotator=Annotator.objects.create(
                project=project, kind="llm", name=f"{name} 1", created_at=NOW
            ),
            model_name=name, price_in=1, price_out=3, budget=10**12, created_at=NOW,
        )  # fmt: skip


def measure(project: Any, n_sampled: int) -> bool:
    """Run the dry run and its baseline; give whether a target was missed."""
    from curation.domain.vocabulary import PolicyState
    from curation.models import RoutingPolicy
    from curation.services.routing import simulations

    RoutingPolicy.objects.create(
        project=project, number=1, content=ACTIVE, created_at=NOW, state=PolicyState.ACTIVE
    )
    policy = RoutingPolicy.objects.create(project=project, number=2, content=POLICY, created_at=NOW)
    asked = simulations.ask_for_simulation(policy=policy, user=None, now=NOW)
    started, cpu = time.perf_counter(), time.process_time()
    simulations.simulate_next(now=NOW, project=project)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    asked.refresh_from_db()
    n = asked.result["n"]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"dry run of {n:,} comparisons: {seconds:.1f} s, {cpu:.1f} s of this process; "
          f"peak memory {memory:.0f} MiB")  # fmt: skip
    for row in asked.result["rules"]:
        print(f"  {row['name']} -> {row['route']}: {row['n']:,}")
    each = one_at_a_time(project, n_sampled)
    ratio = each * n / seconds
    print(f"one at a time: {each * 1000:.2f} ms each, so {each * n:,.0f} s for all: {ratio:,.0f} x")
    return seconds > MOST_SECONDS or ratio < LEAST_RATIO


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
