"""Items whose prompts are most like that of another, by the cosine of their vectors."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from annotation.domain.errors import DomainError, NotFound
from annotation.models import Item, Project
from annotation.selectors.items import excerpt_of
from curation.models import Embedding, Generation, ItemTexts
from curation.selectors.vectors import active_generation

MOST_SIMILAR = 100
EXACT_UP_TO = 5_000  # prompts of a project that are compared one by one, which misses none
WIDTH = 200  # candidates that the index keeps in sight: recall against time
MOST_SCANNED = 100_000  # vectors that a search may pass that are not of the project

# The first can use the generation's own index, whose expression and condition it repeats; the
# second must not, as it compares all.
BY_INDEX = """
    SELECT item_texts.item_id, 1 - (vector::halfvec({d}) <=> %(vector)s::halfvec({d}))
    FROM embedding JOIN item_texts ON item_texts.prompt_id = embedding.text_id
    WHERE embedding.generation_id = {generation} AND item_texts.project_id = %(project)s
      AND item_texts.item_id <> %(item)s AND NOT embedding.is_empty
    ORDER BY vector::halfvec({d}) <=> %(vector)s::halfvec({d})
    LIMIT %(limit)s
"""
ONE_BY_ONE = """
    WITH here AS MATERIALIZED (
        SELECT item_texts.item_id, vector::halfvec({d}) AS vector
        FROM item_texts JOIN embedding
        ON embedding.text_id = item_texts.prompt_id AND embedding.generation_id = {generation}
        WHERE item_texts.project_id = %(project)s AND item_texts.item_id <> %(item)s
          AND NOT embedding.is_empty
    )
    SELECT item_id, 1 - (vector <=> %(vector)s::halfvec({d})) FROM here
    ORDER BY vector <=> %(vector)s::halfvec({d}), item_id
    LIMIT %(limit)s
"""
BY_INDEX_WITH = f"""
    SET LOCAL hnsw.iterative_scan = strict_order;
    SET LOCAL hnsw.ef_search = {WIDTH};
    SET LOCAL hnsw.max_scan_tuples = {MOST_SCANNED};
"""


class NoVectorYet(DomainError):
    """The item's prompt has not been embedded, or cannot be."""

    code, status = "no_vector_yet", 409


@dataclass(frozen=True)
class Similar:
    """An item and how like its prompt is: the cosine, in [-1, 1]."""

    item: Item
    cosine: float

    @property
    def excerpt(self) -> str:
        return excerpt_of(self.item)


def item_called(project: Project, external_id: str) -> Item:
    """Find an item by its own id.

    Raises:
        NotFound: there is none.
    """
    return only(list(Item.objects.filter(project=project, external_id=external_id)))


def item_of(project: Project, item_id: int) -> Item:
    """Find an item of a project by its key.

    Raises:
        NotFound: there is none.
    """
    return only(list(Item.objects.filter(project=project, pk=item_id)))


def only(found: Sequence[Item]) -> Item:
    if not found:
        raise NotFound("There is no such item in this project.")
    return found[0]


def similar_items(item: Item, *, limit: int = 10, least: float = -1.0) -> list[Similar]:
    """Find the items of the same project with the likeliest prompts, the likeliest first.

    A small project is searched whole; in a large one the index may miss one now and then. Prompts
    without words are like no other.

    Args:
        limit: at most so many, up to MOST_SIMILAR.
        least: only cosines from this on, in [-1, 1].

    Raises:
        NoVectorYet: the item's prompt has no vector to compare.
    """
    generation = active_generation()
    vector = vector_of_prompt(item, generation)
    assert generation is not None  # noqa: S101 - there is a vector
    found = nearest(item, generation, vector, min(limit, MOST_SIMILAR))
    items = Item.objects.in_bulk([pk for pk, _ in found])
    near = [Similar(items[pk], max(-1.0, min(1.0, cosine))) for pk, cosine in found]
    return [one for one in near if one.cosine >= least]


def vector_of_prompt(item: Item, generation: Generation | None) -> str:
    """The vector of an item's prompt as pgvector spells it."""
    texts = ItemTexts.objects.filter(item=item).first()
    found = texts and Embedding.objects.filter(text=texts.prompt_id, generation=generation).first()
    if generation is None or not found:
        raise NoVectorYet(
            "This item's prompt has not been embedded yet. It will be within a few minutes of its "
            "import; the project's Curation page shows how far the embedding is."
        )
    if found.is_empty:
        raise NoVectorYet("This item's prompt holds no words, so nothing is like it.")
    return str(list(found.vector))


def nearest(item: Item, generation: Generation, vector: str, limit: int) -> list[tuple[int, float]]:
    """Read the nearest items with their cosines, the nearest first."""
    is_small = has_few_prompts(item.project_id)
    statement = (ONE_BY_ONE if is_small else BY_INDEX).format(
        d=generation.dimensions, generation=generation.pk
    )
    wanted = {"vector": vector, "project": item.project_id, "item": item.pk, "limit": limit}
    with transaction.atomic(), connection.cursor() as cursor:
        if not is_small:
            cursor.execute(BY_INDEX_WITH)
        cursor.execute(statement, wanted)
        return cursor.fetchall()


def has_few_prompts(project_id: int) -> bool:
    prompts = ItemTexts.objects.filter(project=project_id).values("pk")
    return prompts[: EXACT_UP_TO + 1].count() <= EXACT_UP_TO
