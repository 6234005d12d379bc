"""Texts whose vectors are alike."""

from collections.abc import Iterator, Sequence

import numpy as np
from django.db import connection, transaction
from pgvector import HalfVector

from curation.domain.duplicates.semantic import alike_pairs, alike_pairs_between
from curation.models import Embedding, Generation
from curation.selectors.duplicate_links import TEXTS
from curation.selectors.vectors import vectors_of
from curation.services.duplicates.candidates import Candidate, candidate_of

MOST_COMPARED = 50_000  # texts that a few new ones are compared with one by one
BLOCK = 100_000  # vectors in memory
SHARE = 50  # from one new text in so many, comparing all is cheaper than asking the index for each
NEAREST = 100  # neighbours that the index gives of each text

COUNTED = "SELECT DISTINCT text_id FROM ({texts}) AS held ORDER BY 1"
BY_INDEX = """
    SELECT text_id, 1 - (vector::halfvec({dimensions}) <=> %(vector)s::halfvec({dimensions}))
    FROM embedding
    WHERE generation_id = {generation} AND NOT is_empty AND text_id <> %(text)s
      AND EXISTS (SELECT FROM ({texts}) AS held WHERE held.text_id = embedding.text_id)
    ORDER BY vector::halfvec({dimensions}) <=> %(vector)s::halfvec({dimensions})
    LIMIT {nearest}
"""


def alike_vectors(
    project_id: int, what: str, text_ids: Sequence[int], generation: Generation, least: float
) -> Iterator[Candidate]:
    """Find texts of a project whose vectors have at least this cosine to some, each pair once.

    A small project, and one of which much is new, is compared whole. In a large one the index of
    the generation gives the `NEAREST` of each new text.
    """
    counted = texts_counted(project_id, what)
    new = np.intersect1d(np.array(text_ids, dtype=np.int64), counted)
    if len(counted) <= MOST_COMPARED or len(new) * SHARE >= len(counted):
        yield from by_product(new, counted, generation, least)
    else:
        yield from by_index(project_id, what, new, generation, least)


def texts_counted(project_id: int, what: str) -> np.ndarray:
    with connection.cursor() as cursor:
        cursor.execute(COUNTED.format(texts=TEXTS[what]), {"project": project_id})
        return np.array([text for (text,) in cursor.fetchall()], dtype=np.int64)


def by_product(
    new: np.ndarray, counted: np.ndarray, generation: Generation, least: float
) -> Iterator[Candidate]:
    mine, vectors = vectors_of(new.tolist(), generation)
    found = alike_pairs(vectors, least)
    yield from candidates(mine[found.first], mine[found.second], found.cosine)
    others = np.setdiff1d(counted, new)
    for start in range(0, len(others), BLOCK):
        theirs, old = vectors_of(others[start : start + BLOCK].tolist(), generation)
        found = alike_pairs_between(vectors, old, least)
        yield from candidates(mine[found.first], theirs[found.second], found.cosine)


def candidates(one: np.ndarray, other: np.ndarray, cosine: np.ndarray) -> Iterator[Candidate]:
    rows = zip(one.tolist(), other.tolist(), cosine.tolist(), strict=True)
    return (candidate_of(*row) for row in rows)


def by_index(
    project_id: int, what: str, new: np.ndarray, generation: Generation, least: float
) -> Iterator[Candidate]:
    statement = BY_INDEX.format(
        dimensions=generation.dimensions,
        generation=generation.pk,
        texts=TEXTS[what],
        nearest=NEAREST,
    )
    found = Embedding.objects.filter(generation=generation, text__in=new.tolist(), is_empty=False)
    seen: set[tuple[int, int]] = set()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL hnsw.iterative_scan = strict_order")
        cursor.execute(f"SET LOCAL hnsw.ef_search = {NEAREST}")
        for text, vector in found.values_list("text_id", "vector"):
            written = HalfVector(vector).to_text()
            cursor.execute(statement, {"text": text, "vector": written, "project": project_id})
            for other, cosine in cursor.fetchall():
                one = candidate_of(text, other, min(float(cosine), 1.0))
                if one.similarity >= least and one[:2] not in seen:
                    seen.add(one[:2])
                    yield one
