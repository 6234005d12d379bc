"""Fills a database with a project of n open comparisons, set by set, in SQL."""

import json

from django.db import connection
from django.utils import timezone

from annotation.domain.content import content_hash, user_prompt
from annotation.models import Project

TABLES = ("item", "response", "comparison", "slot")
PROMPT = "Write a haiku about the sea."

ITEMS = """
    INSERT INTO item (project_id, external_id, messages, metadata, content_hash, created_at)
    SELECT %s, 'item-' || n, %s::jsonb, '{}', %s, now() FROM generate_series(1, %s) n
"""
RESPONSES = """
    INSERT INTO response (item_id, external_id, position, content, messages, model_name, metadata,
                          content_hash)
    SELECT id, 'r' || position, position,
           jsonb_build_array(
               jsonb_build_object('type', 'text', 'text', repeat('A grey wave. ', 20))
           ),
           '[]', 'model-' || position, '{}', content_hash
    FROM item, generate_series(0, 1) position WHERE project_id = %s ORDER BY id
"""
COMPARISONS = """
    INSERT INTO comparison (project_id, item_id, response_ids, context, rank, stale_tries,
                            stale_error, created_at)
    SELECT %s, item_id, array_agg(response.id ORDER BY response.id), '', 0, 0, '', now()
    FROM response JOIN item ON item.id = item_id WHERE project_id = %s
    GROUP BY item_id ORDER BY item_id
"""
SLOTS = """
    INSERT INTO slot (project_id, comparison_id, ordinal, rank, audience, lease_epoch)
    SELECT %s, id, ordinal, rank, 'human', 0
    FROM comparison, generate_series(1, %s) ordinal WHERE project_id = %s ORDER BY id, ordinal
"""


def fill(*, slug: str, n_comparisons: int, overlap: int) -> Project:
    """Make a pairwise project with `overlap` open slots for each of `n_comparisons`."""
    project = Project.objects.create(
        slug=slug, name=slug, overlap=overlap, created_at=timezone.now()
    )
    prompt = user_prompt(PROMPT)
    with connection.cursor() as cursor:
        cursor.execute(ITEMS, [project.id, json.dumps(prompt), content_hash(prompt), n_comparisons])
        cursor.execute(RESPONSES, [project.id])
        cursor.execute(COMPARISONS, [project.id, project.id])
        cursor.execute(SLOTS, [project.id, overlap, project.id])
    settle()
    return project


def settle() -> None:
    """Bring statistics and visibility up to date, as autovacuum would after a while."""
    with connection.cursor() as cursor:
        for table in (*TABLES, "judgment"):
            cursor.execute(f"VACUUM ANALYZE {table}")
