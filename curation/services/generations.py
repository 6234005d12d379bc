"""Generations of vectors: made when the model changes, switched when complete, cleared when old."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from django.db import OperationalError, connection, transaction

from annotation.domain.vocabulary import MOST_TRIES
from curation.domain.vocabulary import GenerationState
from curation.models import Embedding, EmbeddingRequest, Generation
from curation.services import readiness

BUILDING, ACTIVE, RETIRED = (
    GenerationState.BUILDING,
    GenerationState.ACTIVE,
    GenerationState.RETIRED,
)
AT_ONCE = 5_000  # vectors of a retired generation that are deleted in one transaction

REQUEST_TEXTS = """
    INSERT INTO embedding_request (text_id, generation_id, n_chars, queued_at, tries, error)
    SELECT text.id, generation.id, text.n_chars, %s, 0, ''
    FROM generation, text
    WHERE generation.state IN ('active', 'building') AND text.id = ANY(%s)
    ORDER BY 1, 2
    ON CONFLICT (text_id, generation_id) DO NOTHING
"""
REQUEST_MISSING = """
    INSERT INTO embedding_request (text_id, generation_id, n_chars, queued_at, tries, error)
    SELECT text.id, %(generation)s, text.n_chars, %(now)s, 0, ''
    FROM text
    WHERE NOT EXISTS (
        SELECT FROM embedding
        WHERE embedding.text_id = text.id AND embedding.generation_id = %(generation)s
    )
    ORDER BY 1
    ON CONFLICT (text_id, generation_id) DO NOTHING
"""
# Half precision has no more than 4,000 dimensions in an index, which the model's check keeps to.
# Foreign keys that have yet to be checked would stand in the way of any change to the table.
INDEX = """
    SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED;
    CREATE INDEX IF NOT EXISTS embedding_hnsw_{id} ON embedding
    USING hnsw ((vector::halfvec({dimensions})) halfvec_cosine_ops)
    WHERE generation_id = {id}
"""
DROP_INDEX = """
    SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED;
    DROP INDEX IF EXISTS embedding_hnsw_{id}
"""


class Model(Protocol):
    """What is asked of an encoder here, so that what only reads items need not load one."""

    @property
    def revision(self) -> str: ...
    @property
    def dimensions(self) -> int: ...
    @property
    def max_tokens(self) -> int: ...
    @property
    def recipe(self) -> Mapping[str, Any]: ...


def hold_still() -> None:
    """Keep the list of generations as it is until this transaction ends.

    Otherwise a text could be added behind the back of a generation that is just being made.
    """
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE generation IN SHARE MODE")


def request_vectors(*, text_ids: Sequence[int], now: datetime) -> None:
    """Ask for the vectors of texts just written, under every generation in use."""
    with connection.cursor() as cursor:
        cursor.execute(REQUEST_TEXTS, [now, list(text_ids)])


def generation_for(*, model: Model, name: str, now: datetime) -> Generation:
    """Find the generation of the model that the settings name, or make it.

    The first one is in force at once. Beside another that is in force it is being built, and all
    texts are asked to be embedded; one that was being built before is given up. Safe to repeat.
    """
    found = generation_of(model)
    if found is None or found.state == RETIRED or is_unwanted_beside(found):
        with transaction.atomic():
            lock_list()
            found = generation_of(model) or made(model, name, now)
            if found.state == RETIRED:
                put_to_use(found, now)
            retire_other_building(found)
    return found


def generation_of(model: Model) -> Generation | None:
    """Find a model's generation. The same files under another name make the same vectors."""
    return Generation.objects.filter(revision=model.revision, recipe=dict(model.recipe)).first()


def is_unwanted_beside(wanted: Generation) -> bool:
    """Tell whether another generation is being built that the settings no longer name."""
    return Generation.objects.filter(state=BUILDING).exclude(pk=wanted.pk).exists()


def lock_list() -> None:
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE generation IN SHARE ROW EXCLUSIVE MODE")


def made(model: Model, name: str, now: datetime) -> Generation:
    return Generation.objects.create(
        name=name,
        revision=model.revision,
        dimensions=model.dimensions,
        max_tokens=model.max_tokens,
        recipe=dict(model.recipe),
        state=RETIRED,
        created_at=now,
    )


def put_to_use(generation: Generation, now: datetime) -> None:
    """Give a generation its index and its requests, and the state that it now has."""
    retire_other_building(generation)
    is_first = not Generation.objects.filter(state=ACTIVE).exists()
    generation.state = ACTIVE if is_first else BUILDING
    generation.activated_at = now if is_first else None
    generation.save(update_fields=["state", "activated_at"])
    with connection.cursor() as cursor:
        cursor.execute(INDEX.format(id=generation.pk, dimensions=generation.dimensions))
        cursor.execute(REQUEST_MISSING, {"generation": generation.pk, "now": now})


def retire_other_building(wanted: Generation) -> None:
    unwanted = Generation.objects.filter(state=BUILDING).exclude(pk=wanted.pk)
    unwanted.update(state=RETIRED)


def switch_when_complete(*, now: datetime) -> bool:
    """Put the generation that is being built in force once all its texts are embedded.

    Texts that were set aside do not hold it up. What rests on vectors is asked for anew.

    Returns:
        Whether it was switched. Safe to repeat.
    """
    if not Generation.objects.filter(state=BUILDING).exists():
        return False
    with transaction.atomic():
        lock_list()
        building = Generation.objects.filter(state=BUILDING).first()
        waiting = EmbeddingRequest.objects.filter(generation=building, tries__lt=MOST_TRIES)
        if building is None or waiting.exists():
            return False
        readiness.take_turns()
        Generation.objects.filter(state=ACTIVE).update(state=RETIRED)
        building.state, building.activated_at = ACTIVE, now
        building.save(update_fields=["state", "activated_at"])
        readiness.announce_everything(now=now)
    return True


def clear_next_retired(*, limit: int = AT_ONCE) -> int:
    """Delete some vectors and requests of retired generations, their indexes first.

    The row of the generation stays: it says how its vectors were made.

    Returns:
        How many rows are gone; 0 when nothing is left to do. Safe to repeat.
    """
    retired = Generation.objects.filter(state=RETIRED)
    for generation in retired:
        if not has_rows(generation):
            continue
        with transaction.atomic():
            if drop_index(generation):
                return delete_some(EmbeddingRequest, generation, limit) or delete_some(
                    Embedding, generation, limit
                )
    return 0


def has_rows(generation: Generation) -> bool:
    return any(
        model.objects.filter(generation=generation).exists()
        for model in (EmbeddingRequest, Embedding)
    )


def drop_index(generation: Generation) -> bool:
    """Drop a retired generation's index; not now where searches hold it for long."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '2s'")
            cursor.execute(DROP_INDEX.format(id=generation.pk))
            cursor.execute("SET LOCAL lock_timeout = DEFAULT")
    except OperationalError:
        return False
    return True


def delete_some(
    model: type[Embedding] | type[EmbeddingRequest], generation: Generation, limit: int
) -> int:
    rows = model.objects.filter(generation=generation)
    some = rows.select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True)
    return model.objects.filter(pk__in=list(some[:limit])).delete()[0]
