"""Prompts of a project with their vectors and texts, and the map that was made of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from annotation.models import Item, Project
from curation.domain.texts import prompt_text
from curation.models import Generation, Text

DUE = """
    WITH present AS (
        SELECT item_texts.project_id, count(DISTINCT item_texts.prompt_id) AS n
        FROM item_texts
        JOIN embedding ON embedding.text_id = item_texts.prompt_id
            AND embedding.generation_id = %(generation)s AND NOT embedding.is_empty
        WHERE %(project)s::bigint IS NULL OR item_texts.project_id = %(project)s
        GROUP BY item_texts.project_id
    )
    SELECT present.project_id, present.n
    FROM present LEFT JOIN prompt_map USING (project_id)
    WHERE prompt_map.project_id IS NULL
       OR prompt_map.generation_id IS DISTINCT FROM %(generation)s
       OR prompt_map.version <> %(version)s
       OR prompt_map.due_since IS NOT NULL
       OR present.n > prompt_map.n_prompts * %(growth)s
    ORDER BY prompt_map.computed_at NULLS FIRST, present.project_id
"""
# Digests are spread evenly, so the first ones are a fair sample that stays the same.
SAMPLE = """
    SELECT text.id, embedding.vector::text
    FROM (SELECT DISTINCT prompt_id FROM item_texts WHERE project_id = %s) used
    JOIN text ON text.id = used.prompt_id
    JOIN embedding ON embedding.text_id = text.id
        AND embedding.generation_id = %s AND NOT embedding.is_empty
    ORDER BY text.digest LIMIT %s
"""
AFTER = """
    SELECT used.prompt_id, embedding.vector::text
    FROM (
        SELECT DISTINCT prompt_id FROM item_texts WHERE project_id = %s AND prompt_id > %s
    ) used
    JOIN embedding ON embedding.text_id = used.prompt_id
        AND embedding.generation_id = %s AND NOT embedding.is_empty
    ORDER BY used.prompt_id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Prompts:
    """Texts of prompts, shape (n,), and their vectors of length 1, shape (n, d)."""

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]


def due_projects(
    generation: Generation, version: int, growth: float, project: Project | None
) -> Iterator[tuple[Project, int]]:
    """Projects whose map is missing, asked for or behind, with their number of prompts."""
    values = {
        "generation": generation.pk,
        "version": version,
        "growth": growth,
        "project": project.pk if project else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(DUE, values)
        rows = cursor.fetchall()
    projects = Project.objects.in_bulk([row[0] for row in rows])
    return ((projects[found], n) for found, n in rows)


def sampled_prompts(project: Project, generation: Generation, most: int) -> Prompts:
    """Up to `most` prompts, the same ones every time while none is added."""
    return _read(SAMPLE, [project.pk, generation.pk, most], generation.dimensions)


def prompts_after(project: Project, generation: Generation, after: int, most: int) -> Prompts:
    """Up to `most` prompts whose text has an id above `after`, by ascending id."""
    return _read(AFTER, [project.pk, after, generation.pk, most], generation.dimensions)


def _read(query: str, values: Sequence[int], dimensions: int) -> Prompts:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        rows = cursor.fetchall()
    vectors = np.empty((len(rows), dimensions), dtype=np.float32)
    for place, (_, written) in enumerate(rows):
        vectors[place] = np.fromstring(written[1:-1], dtype=np.float32, sep=",")
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = np.array([row[0] for row in rows], dtype=np.int64)
    return Prompts(ids, np.divide(vectors, norms, out=vectors, where=norms > 0))


def texts_of(text_ids: Sequence[int] | NDArray[np.int64]) -> dict[int, str]:
    """The texts of prompts by the id of the text."""
    found = Text.objects.filter(id__in=[int(text) for text in text_ids])
    items = dict(found.values_list("id", "item_id"))
    messages = dict(Item.objects.filter(id__in=items.values()).values_list("id", "messages"))
    return {text: prompt_text(messages[item]) for text, item in items.items()}
