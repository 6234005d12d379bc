"""Rows a second of the reader of new items, against plain INSERT … SELECT of the same rows.

A row is a row of the database that the reader writes: a text, what an item or a response has, a
request for a vector or for duplicates. The bare side writes the same rows, with their indexes,
foreign keys and triggers, without reading a single text.

    python -m benchmarks.intake [ITEMS]
"""

import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.import_rows import write_items

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

LEAST = 1 / 8  # of the rows per second of the bare side
N_ITEMS = 20_000
TABLES = ("text", "item_texts", "response_text", "embedding_request", "duplicate_request")
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def main(n_items: int = N_ITEMS) -> int:
    import django

    django.setup()
    from django.db import connection
    from django.test.utils import setup_databases, teardown_databases

    databases = setup_databases(verbosity=0, interactive=False)
    try:
        fill(n_items)
        seconds, n_rows = read()
        bare = write_again()
        connection.close()
    finally:
        teardown_databases(databases, verbosity=0)
    print(f"reader of items  {n_rows / seconds:>9,.0f} rows/s   {n_items / seconds:,.0f} items/s")
    print(f"INSERT … SELECT  {n_rows / bare:>9,.0f} rows/s")
    print(f"ratio            {bare / seconds:>9.2f}   (at least {LEAST:.2f})")
    return int(bare / seconds < LEAST)


def fill(n_items: int) -> None:
    """Import items of two answers, with a generation in use that wants their vectors."""
    from django.core.management import call_command

    from curation.models import Generation

    Generation.objects.create(
        name="benchmark", revision="-", dimensions=384, max_tokens=256, recipe={}, state="active",
        created_at=NOW, activated_at=NOW,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "items.jsonl"
        write_items(path, n_items)
        with Path(os.devnull).open("w") as nowhere:
            call_command("import_items", "intake", str(path), "--create", stdout=nowhere)


def read() -> tuple[float, int]:
    """Read all items; give the seconds, and how many rows were written."""
    from django.db import connection

    from curation.services import intake

    start = time.perf_counter()
    while intake.read_next_items(now=NOW):
        pass
    seconds = time.perf_counter() - start
    with connection.cursor() as cursor:
        counts = [cursor.execute(f"SELECT count(*) FROM {table}").fetchone() for table in TABLES]
    return seconds, sum(n for (n,) in counts)


def write_again() -> float:
    """Write the same rows from copies of them; give the seconds."""
    from django.db import connection, transaction

    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"CREATE TEMP TABLE copy_of_{table} AS SELECT * FROM {table}")
        cursor.execute("TRUNCATE text, intake, regroup_request CASCADE")
        start = time.perf_counter()
        with transaction.atomic():
            for table in TABLES:
                cursor.execute(f"INSERT INTO {table} SELECT * FROM copy_of_{table}")
        return time.perf_counter() - start


if __name__ == "__main__":
    raise SystemExit(main(*map(int, sys.argv[1:])))
