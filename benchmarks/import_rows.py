"""Rows a second of `import_items` against plain COPY of the same rows, in one run.

A row is a row of the database: an item, a response, a comparison or a slot. The bare side copies
prepared tuples into the same tables, with their indexes, foreign keys and triggers, in the same
batches and transactions.

    python -m benchmarks.import_rows [ITEMS]
"""

import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

LEAST = 1 / 3  # of the rows per second that COPY writes
N_ITEMS = 40_000
ROUNDS = 3
# The item that a row belongs to, then its columns.
SOURCES = {
    "item": "select item.id, {columns} from item where project_id = %s order by id",
    "response": "select item_id, {columns} from response join item on item.id = item_id "
    "where project_id = %s order by response.id",
    "comparison": "select item_id, {columns} from comparison where project_id = %s order by id",
    "slot": "select item_id, {columns} from slot join comparison on comparison.id = comparison_id "
    "where slot.project_id = %s order by slot.id",
}


def main(n_items: int = N_ITEMS) -> int:
    import django

    django.setup()
    from django.db import connection
    from django.test.utils import setup_databases, teardown_databases

    databases = setup_databases(verbosity=0, interactive=False)
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "items.jsonl"
            write_items(path, n_items)
            rounds = [measure(path, number) for number in range(ROUNDS)]
            connection.close()
    finally:
        teardown_databases(databases, verbosity=0)
    imported, copied = (max(side) for side in zip(*rounds, strict=True))
    report(imported, copied)
    return int(imported < LEAST * copied)


def report(imported: float, copied: float) -> None:
    print(f"import_items {imported:>10,.0f} rows/s")
    print(f"plain COPY   {copied:>10,.0f} rows/s")
    print(f"ratio        {imported / copied:>10.2f}   (at least {LEAST:.2f})")


def write_items(path: Path, n_items: int) -> None:
    """Write items of two answers, with texts about as long as those of public sets."""
    dice = random.Random(7)
    words = [f"word{number}" for number in range(500)]

    def text(mean: int) -> str:
        return " ".join(dice.choices(words, k=max(1, int(dice.gauss(mean, mean / 3)))))

    with path.open("w", encoding="utf-8") as file:
        for number in range(n_items):
            item = {
                "id": f"item-{number}",
                "source": "benchmark",
                "prompt": text(20),
                "responses": [
                    {"id": f"item-{number}-{mark}", "text": text(60), "model": f"model-{mark}"}
                    for mark in "ab"
                ],
                "meta": {"number": number},
            }
            file.write(json.dumps(item) + "\n")


def measure(path: Path, number: int) -> tuple[float, float]:
    """Rows a second of the import and of the bare COPY, into a fresh project each."""
    from django.utils.timezone import now

    from annotation.domain.vocabulary import ImportKind
    from annotation.models import Project
    from annotation.services.importing import running, uploads

    project = Project.objects.create(slug=f"in-{number}", name="in", created_at=now(), overlap=2)
    upload = uploads.register_file(
        project=project, kind=ImportKind.ITEMS, path=path, mapping={}, now=now()
    )
    begin = time.perf_counter()
    running.run_import(import_id=upload.id, now=now())
    imported = time.perf_counter() - begin
    batches = prepared(project.id)
    n_rows = sum(len(rows) for batch in batches for rows in batch.values())
    vacuum()
    begin = time.perf_counter()
    for batch in batches:
        copy_batch(batch)
    return n_rows / imported, n_rows / (time.perf_counter() - begin)


def vacuum() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("vacuum analyze")


def prepared(project_id: int) -> list[dict[str, list[tuple[Any, ...]]]]:
    """Take the imported rows out of the tables, in their batches, and make room for them again."""
    from django.db import connection

    from annotation.services.importing.running import BATCH_LINES

    batches: dict[int, dict[str, list[tuple[Any, ...]]]] = {}
    with connection.cursor() as cursor:
        cursor.execute("select min(id) from item where project_id = %s", [project_id])
        first = cursor.fetchone()[0]
        for table, source in SOURCES.items():
            cursor.execute(source.format(columns=columns(table)), [project_id])
            for item, *cells in cursor.fetchall():
                batch = batches.setdefault((item - first) // BATCH_LINES, {t: [] for t in SOURCES})
                batch[table].append(tuple(cells))
        cursor.execute(f"truncate {', '.join(SOURCES)} cascade")
    return [batches[number] for number in sorted(batches)]


def columns(table: str) -> str:
    """The columns of a table, JSON as text."""
    from django.apps import apps

    model = next(m for m in apps.get_models() if m._meta.db_table == table)
    return ", ".join(
        f"{table}.{field.column}" + ("::text" if field.get_internal_type() == "JSONField" else "")
        for field in model._meta.local_concrete_fields
    )


def copy_batch(batch: dict[str, list[tuple[Any, ...]]]) -> None:
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        for table, rows in batch.items():
            names = columns(table).replace("::text", "").replace(f"{table}.", "")
            with cursor.copy(f"copy {table} ({names}) from stdin") as copy:
                for row in rows:
                    copy.write_row(row)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
