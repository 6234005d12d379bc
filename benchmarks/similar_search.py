"""Similar items among a million prompts, through the selector that page and API call.

Prints p50 and p95 in milliseconds beside an exact search in the database and the recall of the
first ten against it, what the index takes to build, and what a vector costs that is added to it.
The vectors are clustered, as those of prompts are.

    python -m benchmarks.similar_search [VECTORS [MEMORY]]      MEMORY as 2GB, for the build
"""

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

N_VECTORS = 1_000_000
MEMORY = "3GB"
DIMENSIONS = 384
PER_CLUSTER = 50
SPREAD = 0.6  # of a vector around its cluster: cosines of about .7 within
BLOCK = 20_000
N_QUERIES, N_EXACT = 200, 5
N_ADDED = 500
TARGET = 50.0  # milliseconds, p95
LEAST_RECALL = 0.95
NOW = datetime(2026, 3, 1, tzinfo=UTC)

ITEMS = """
    INSERT INTO item (project_id, external_id, messages, metadata, content_hash, created_at)
    SELECT %(project)s, 'item-' || n, '[]', '{}', ''::bytea, now()
    FROM generate_series(1, %(n)s) AS n;
    INSERT INTO text (digest, folded, n_chars, item_id)
    SELECT sha256(id::text::bytea), sha256(id::text::bytea), 1, id FROM item ORDER BY id;
    INSERT INTO item_texts (item_id, project_id, prompt_id, digest, folded)
    SELECT item_id, %(project)s, id, digest, folded FROM text ORDER BY id;
    TRUNCATE intake, regroup_request;
"""
# A row of COPY in binary: a count of fields, then each field behind its length in bytes.
ROW = np.dtype(
    [
        ("fields", ">i2"),
        *(("text_bytes", ">i4"), ("text", ">i8"), ("gen_bytes", ">i4"), ("gen", ">i8")),
        *(("vector_bytes", ">i4"), ("dim", ">i2"), ("unused", ">i2")),
        ("vector", ">f2", (DIMENSIONS,)),
        *(("empty_bytes", ">i4"), ("empty", "u1"), ("tokens_bytes", ">i4"), ("tokens", ">i4")),
        *(("chunks_bytes", ">i4"), ("chunks", ">i4"), ("at_bytes", ">i4"), ("at", ">i8")),
    ]
)
COLUMNS = "text_id, generation_id, vector, is_empty, n_tokens, n_chunks, embedded_at"


def main(n_vectors: int = N_VECTORS, memory: str = MEMORY) -> int:
    import django

    django.setup()
    from django.test.utils import setup_databases, teardown_databases

    databases = setup_databases(verbosity=0, interactive=False)
    try:
        return measure(n_vectors, memory)
    finally:
        teardown_databases(databases, verbosity=0)


def measure(n_vectors: int, memory: str) -> int:
    from curation.models import Text
    from curation.selectors import similar

    project_id, generation = fill(n_vectors)
    vectors = load(generation, n_vectors)
    seconds, size = build(generation, memory)
    print(f"index of {n_vectors:,} x {DIMENSIONS}: {seconds:,.0f} s, {size / 2**20:,.0f} MiB")
    dice = np.random.default_rng(7)
    first = Text.objects.order_by("pk").values_list("pk", flat=True)[0]
    places = dice.choice(n_vectors, N_QUERIES, replace=False)
    items = [Text.objects.select_related("item").get(pk=first + int(at)).item for at in places]
    similar.EXACT_UP_TO = -1
    p95 = report("through the index", lambda item: similar.similar_items(item), items)
    recall = recall_of([similar.similar_items(item) for item in items], vectors, places)
    similar.EXACT_UP_TO = n_vectors
    exact = report("one by one", lambda item: similar.similar_items(item), items[:N_EXACT])
    print(f"p95 of one by one / p95 through the index: {exact / p95:,.1f}")
    print(f"recall of the first 10: {recall:.4f}")
    print(f"added to the index: {1000 * add(generation):.2f} ms a vector")
    print(f"similar items among {n_vectors:,}: p95 {p95:.1f} ms, target {TARGET:.0f} ms")
    return int(p95 > TARGET or recall < LEAST_RECALL)


def fill(n_vectors: int) -> tuple[int, Any]:
    """Make a project with n prompts, and a generation for their vectors."""
    from django.db import connection

    from annotation.models import Project
    from curation.models import Generation

    project = Project.objects.create(slug="similar", name="Similar", created_at=NOW)
    with connection.cursor() as cursor:
        for statement in filter(str.strip, ITEMS.split(";\n")):
            cursor.execute(statement, {"project": project.pk, "n": n_vectors})
    generation = Generation.objects.create(
        name="benchmark", revision="-", dimensions=DIMENSIONS, max_tokens=256, recipe={},
        state="active", created_at=NOW, activated_at=NOW,
    )  # fmt: skip
    return project.pk, generation


def blocks(n: int, seed: int = 1) -> Iterator[np.ndarray[Any, Any]]:
    """Vectors of length 1 around the centres of clusters, in half precision."""
    dice = np.random.default_rng(seed)
    centres = dice.standard_normal((max(1, n // PER_CLUSTER), DIMENSIONS), dtype=np.float32)
    for start in range(0, n, BLOCK):
        size = min(BLOCK, n - start)
        found = centres[dice.integers(len(centres), size=size)]
        found = found + SPREAD * dice.standard_normal((size, DIMENSIONS), dtype=np.float32)
        yield (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float16)


def load(generation: Any, n_vectors: int) -> np.ndarray[Any, Any]:
    """Copy the vectors into the table; give them all, by the order of their texts."""
    from django.db import connection

    from curation.models import Text

    first = Text.objects.order_by("pk").values_list("pk", flat=True)[0]
    kept = []
    with connection.cursor() as cursor:
        statement = f"COPY embedding ({COLUMNS}) FROM STDIN (FORMAT BINARY)"
        with cursor.copy(statement) as copy:
            copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
            for vectors in blocks(n_vectors):
                copy.write(rows(vectors, first + sum(map(len, kept)), generation.pk))
                kept.append(vectors)
            copy.write(b"\xff\xff")
        cursor.execute("VACUUM ANALYZE embedding, item_texts, text, item")
    return np.concatenate(kept)


def rows(vectors: np.ndarray[Any, Any], first: int, generation_id: int) -> bytes:
    made = np.zeros(len(vectors), dtype=ROW)
    for field, size in (("text", 8), ("gen", 8), ("tokens", 4), ("chunks", 4), ("at", 8)):
        made[f"{field}_bytes"] = size
    made["fields"], made["empty_bytes"], made["dim"] = 7, 1, DIMENSIONS
    made["vector_bytes"] = 4 + 2 * DIMENSIONS
    made["text"], made["gen"] = np.arange(first, first + len(vectors)), generation_id
    made["vector"], made["tokens"], made["chunks"] = vectors, 20, 1
    return made.tobytes()


def build(generation: Any, memory: str) -> tuple[float, int]:
    """Build the generation's index in one go; give the seconds and the bytes that it takes."""
    from django.db import connection

    from curation.services import generations

    with connection.cursor() as cursor:
        cursor.execute(f"SET maintenance_work_mem = '{memory}'")
        cursor.execute(f"SET max_parallel_maintenance_workers = {os.cpu_count() or 1}")
        start = time.perf_counter()
        cursor.execute(generations.INDEX.format(id=generation.pk, dimensions=DIMENSIONS))
        seconds = time.perf_counter() - start
        cursor.execute(f"SELECT pg_relation_size('embedding_hnsw_{generation.pk}')")
        return seconds, cursor.fetchone()[0]


def recall_of(found: list[Any], vectors: np.ndarray[Any, Any], places: Any) -> float:
    """The share of the ten nearest, by brute force over all vectors, that a search has found."""
    queries = vectors[places].astype(np.float32)
    cosines = np.concatenate(
        [queries @ vectors[at : at + BLOCK].T.astype(np.float32)
         for at in range(0, len(vectors), BLOCK)],
        axis=1,
    )  # fmt: skip
    cosines[np.arange(len(places)), places] = -2
    tenth = -np.partition(-cosines, 9, axis=1)[:, 9]
    hits = [
        sum(one.cosine >= least - 1e-3 for one in some)
        for some, least in zip(found, tenth, strict=True)
    ]
    return sum(hits) / (10 * len(found))


def add(generation: Any) -> float:
    """Take some vectors out and insert them again as the drain does; give the seconds for one."""
    from pgvector import HalfVector

    from curation.models import Embedding

    some = list(Embedding.objects.filter(generation=generation).order_by("pk")[:N_ADDED])
    Embedding.objects.filter(pk__in=[row.pk for row in some]).delete()
    for row in some:
        row.pk, row.vector = None, HalfVector(row.vector)
    start = time.perf_counter()
    Embedding.objects.bulk_create(some, ignore_conflicts=True)
    return (time.perf_counter() - start) / len(some)


def report(name: str, act: Callable[[Any], object], items: list[Any]) -> float:
    act(items[0])
    taken = []
    for item in items:
        start = time.perf_counter()
        act(item)
        taken.append(1000 * (time.perf_counter() - start))
    p95 = statistics.quantiles(taken, n=20)[18]
    print(f"{name:24} p50 {statistics.median(taken):9.1f} ms   p95 {p95:9.1f} ms")
    return p95


if __name__ == "__main__":
    raise SystemExit(main(*map(int, sys.argv[1:2]), *sys.argv[2:3]))
