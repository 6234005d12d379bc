"""The item list of a project with a million items, through its real view.

Prints p50 and p95 in milliseconds beside the floor measured in the same run: a plain keyset
SELECT of 50 rows of the same table.
"""

import os
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

N_ITEMS = 1_000_000
ROUNDS = 40
TARGET = 300.0  # milliseconds
SLUG = "benchmark-item-list"

# Every item has a comparison; one in three is judged, half of those are settled.
FILL = """
    INSERT INTO item (project_id, external_id, messages, metadata, content_hash, created_at)
    SELECT %(project)s, 'item-' || lpad(n::text, 8, '0'),
           jsonb_build_array(jsonb_build_object('role', 'user', 'content', jsonb_build_array(
               jsonb_build_object('type', 'text', 'text', 'Say why ' || md5(n::text))))),
           '{}', sha256(n::text::bytea), now()
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
    SELECT project_id, id, 1, 0, 'human', 0 FROM comparison WHERE project_id = %(project)s;
    INSERT INTO annotator (project_id, kind, name, model_name, created_at)
    VALUES (%(project)s, 'human', 'benchmark', '', now());
    INSERT INTO judgment (project_id, comparison_id, annotator_id, outcome, ranking, criteria,
                          is_unsafe, reason, is_late, external_id, metadata, judged_at)
    SELECT c.project_id, c.id, a.id, 'ranked',
           jsonb_build_array(jsonb_build_array(c.response_ids[1]),
                             jsonb_build_array(c.response_ids[2])),
           '{}', false, '', false, '', '{}', now()
    FROM comparison c JOIN annotator a ON a.project_id = c.project_id
    WHERE c.project_id = %(project)s AND c.id %% 3 = 0;
    INSERT INTO consensus (comparison_id, project_id, method, version, posterior, scores, ranking,
                           n_judgments, n_votes, effective_votes, counts, skills, is_settled,
                           computed_at)
    SELECT comparison_id, project_id, 'posterior_mean', 1, '{}', '{}', ranking, 1, 1, 1, '{}', '',
           comparison_id %% 2 = 0, now()
    FROM judgment WHERE project_id = %(project)s;
"""
QUERIES = {
    "first page": "",
    "a page in the middle": "after={middle}",
    "open slots": "state=open",
    "settled": "state=settled&after={middle}",
    "disputed (none is)": "state=disputed",
    "no judgments": "state=unjudged",
    "prompt contains (nothing does)": "q=nowhere",
    "id begins with": "id=item-0050",
}


def main() -> int:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import transaction

    call_command("migrate", verbosity=0)
    with transaction.atomic():
        project_id = fill()
        worst = measure(project_id)
        transaction.set_rollback(True)
    print(f"item list at {N_ITEMS:,} items: worst p95 {worst:.0f} ms, target {TARGET:.0f} ms")
    return int(worst > TARGET)


def fill() -> int:
    """Make the project and return its id; the caller takes everything back."""
    from django.db import connection

    from annotation.models import Project

    project = Project.objects.create(slug=SLUG, name="Benchmark", created_at=datetime.now(UTC))
    with connection.cursor() as cursor:
        for statement in filter(str.strip, FILL.split(";\n")):
            cursor.execute(statement, {"project": project.pk, "n": N_ITEMS})
        cursor.execute("analyze item, response, comparison, slot, judgment, consensus")
    return project.pk


def measure(project_id: int) -> float:
    from annotation.models import Item, User

    items = Item.objects.filter(project_id=project_id).order_by("id")
    middle = items[N_ITEMS // 2].pk
    ahead = items.filter(id__gt=middle)
    report("floor: plain keyset SELECT of 50 rows", times(lambda: list(ahead[:50])))
    reader = User(username="benchmark", is_superuser=True)
    worst = 0.0
    for name, query in QUERIES.items():
        address = f"/projects/{SLUG}/items/?{query.format(middle=middle)}"
        worst = max(worst, report(name, times(lambda at=address: visit(at, reader))))
    return worst


def visit(address: str, reader: Any) -> None:
    from django.test import RequestFactory

    from annotation.views.items import item_list

    request = RequestFactory().get(address)
    request.user, request.htmx = reader, False
    response = item_list(request, SLUG)
    assert response.status_code == 200, response.content


def times(act: Callable[[], object]) -> list[float]:
    """Time an act `ROUNDS` times, after one round to warm up. Milliseconds."""
    act()
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        act()
        taken.append((time.perf_counter() - start) * 1000)
    return taken


def report(name: str, taken: list[float]) -> float:
    p95 = statistics.quantiles(taken, n=20)[18]
    print(f"{name:42} p50 {statistics.median(taken):7.1f} ms   p95 {p95:7.1f} ms")
    return p95


if __name__ == "__main__":
    raise SystemExit(main())
