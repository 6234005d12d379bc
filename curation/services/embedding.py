"""Turns texts into vectors: a batch at a time, each text once, safe to kill at any moment."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.expressions import RawSQL
from pgvector import HalfVector

from annotation.domain.errors import DomainError
from annotation.domain.vocabulary import MOST_TRIES
from annotation.models import Project
from curation.domain.embedding.encoder import Encoded, Encoder, default_model
from curation.domain.embedding.errors import UnusableModel, UnusableVector
from curation.domain.vocabulary import GenerationState
from curation.models import Embedding, EmbeddingRequest, Generation, ItemTexts, ResponseText, Text
from curation.selectors.texts import texts_of
from curation.services import generations, readiness

PACKAGED = "all-MiniLM-L6-v2"  # how the model that installs with Quorum is called
MOST_TEXTS = 512
MOST_CHARS = 256_000  # some seconds of work for one core
UNREADABLE = (UnusableVector, RuntimeError, ValueError)

TEXTS_OF_PROJECT = """
    SELECT prompt_id FROM item_texts WHERE project_id = %(project)s
    UNION SELECT text_id FROM response_text WHERE project_id = %(project)s
"""
FORGET = f"DELETE FROM embedding WHERE text_id IN ({TEXTS_OF_PROJECT})"  # noqa: S608
REQUEST_MISSING = f"""
    INSERT INTO embedding_request (text_id, generation_id, n_chars, queued_at, tries, error)
    SELECT text.id, generation.id, text.n_chars, %(now)s, 0, ''
    FROM generation, text
    WHERE generation.state IN ('active', 'building') AND text.id IN ({TEXTS_OF_PROJECT})
      AND NOT EXISTS (
          SELECT FROM embedding
          WHERE embedding.text_id = text.id AND embedding.generation_id = generation.id
      )
    ORDER BY 1, 2
    ON CONFLICT (text_id, generation_id) DO NOTHING
"""  # noqa: S608


class NothingEmbedded(DomainError):
    """Every text of a batch failed: it is the model or the device, not the texts."""

    code = "nothing_embedded"


class NamedModel:
    """The model that a name stands for. What is asked of it is worked out once in a process."""

    def __init__(self, name: str) -> None:
        self.name = name
        device = settings.EMBEDDING_DEVICE or None
        self.encoder = Encoder(default_model() if name == PACKAGED else name, device)

    @cached_property
    def revision(self) -> str:
        return self.encoder.revision

    @cached_property
    def dimensions(self) -> int:
        return self.encoder.dimensions

    @cached_property
    def max_tokens(self) -> int:
        return self.encoder.max_tokens

    @cached_property
    def recipe(self) -> dict[str, Any]:
        return self.encoder.recipe

    def encode(self, texts: Sequence[str]) -> Encoded:
        return self.encoder.encode(texts)


@cache
def model_named(name: str) -> NamedModel:
    """The model of a name, one in each process, loaded when first needed."""
    return NamedModel(name)


def model_of_settings() -> NamedModel:
    return model_named(settings.EMBEDDING_MODEL or PACKAGED)


@dataclass
class Batch:
    """Texts that are embedded together, and what became of them."""

    vectors: list[Embedding] = field(default_factory=list)
    broken: list[EmbeddingRequest] = field(default_factory=list)


def embed_next_batch(*, now: datetime, project: Project | None = None) -> int:
    """Embed a batch of waiting texts of like length, the one that waits longest among them.

    Workers hold their rows locked while they embed and skip those of others, so no text is
    embedded twice, and a killed worker leaves its rows to the next. New texts of the generation in
    force come before those of one that is being built. A text that cannot be embedded keeps its
    row with the error and is set aside after `MOST_TRIES`.

    Returns:
        How many texts were taken; 0 when nothing is left to do. Safe to repeat.
    """
    wanted = model_of_settings()
    if is_idle(wanted.name):
        return 0
    generation = generations.generation_for(model=wanted, name=wanted.name, now=now)
    for used, model in in_use(generation, wanted):
        with transaction.atomic():
            taken = take_requests(used, project)
            if taken:
                batch = embed(model, taken, used, now)
                save(batch, taken, used, now)
                return len(taken)
    return 0


def is_idle(name: str) -> bool:
    """Tell that there is nothing to do, without loading the model."""
    if EmbeddingRequest.objects.filter(tries__lt=MOST_TRIES).exists():
        return False
    used = Generation.objects.exclude(state=GenerationState.RETIRED)
    return not Text.objects.exists() or [generation.name for generation in used] == [name]


def in_use(wanted: Generation, model: NamedModel) -> Iterator[tuple[Generation, NamedModel]]:
    """Generations to embed for, that in force first, as far as their models can be loaded."""
    if wanted.state == GenerationState.BUILDING:
        active = Generation.objects.filter(state=GenerationState.ACTIVE).first()
        if active and is_loadable(active.name, active.revision):
            yield active, model_named(active.name)
    yield wanted, model


@cache
def is_loadable(name: str, revision: str) -> bool:
    """Tell whether a name still stands for the model that it stood for."""
    try:
        return model_named(name).revision == revision
    except UnusableModel:
        return False


def take_requests(generation: Generation, project: Project | None) -> list[EmbeddingRequest]:
    """Lock the text that waits longest, and those that come next by length.

    Like lengths fill a batch without padding; the longest waiting one keeps any from starving.
    """
    waiting = EmbeddingRequest.objects.filter(generation=generation, tries__lt=MOST_TRIES)
    if project is not None:
        waiting = waiting.filter(text_of_project(project))
    free = waiting.select_for_update(skip_locked=True, of=("self",), no_key=True)
    oldest = free.order_by("pk").first()
    if oldest is None:
        return []
    behind = RawSQL("(tries, n_chars) >= (%s, %s)", (oldest.tries, oldest.n_chars))  # noqa: S611
    most = min(MOST_TEXTS, MOST_CHARS // max(oldest.n_chars, 1) + 1)
    others = free.alias(is_behind=behind).exclude(pk=oldest.pk)
    longer = list(others.filter(is_behind=True).order_by("tries", "n_chars")[: most - 1])
    shorter = others.filter(is_behind=False).order_by("-tries", "-n_chars")
    return within_limit([oldest, *longer, *shorter[: most - 1 - len(longer)]])


def text_of_project(project: Project) -> Q:
    here = {"project": project}
    return Exists(ItemTexts.objects.filter(prompt=OuterRef("text"), **here)) | Exists(
        ResponseText.objects.filter(text=OuterRef("text"), **here)
    )


def within_limit(requests: Sequence[EmbeddingRequest]) -> list[EmbeddingRequest]:
    """Keep the first, and as many of the next as can be embedded in one go."""
    total = np.cumsum([request.n_chars for request in requests])
    return list(requests[: max(1, int((total <= MOST_CHARS).sum()))])


def embed(
    model: NamedModel, requests: Sequence[EmbeddingRequest], generation: Generation, now: datetime
) -> Batch:
    """Embed the texts of some requests, those left out that have their vector already."""
    batch = Batch()
    said = texts_of([request.text_id for request in requests])
    done = readiness.embedded_of(said, generation)
    left = [one for one in requests if one.text_id in said and one.text_id not in done]
    for some, encoded in encode_each(model, left, said, batch):
        for place, request in enumerate(some):
            vector = encoded.vectors[place]
            batch.vectors.append(
                Embedding(
                    text_id=request.text_id,
                    generation=generation,
                    vector=HalfVector(vector.astype(np.float16)),
                    is_empty=bool(encoded.is_empty[place]),
                    n_tokens=int(encoded.n_tokens[place]),
                    n_chunks=int(encoded.n_chunks[place]),
                    embedded_at=now,
                )
            )
    if len(batch.broken) == len(left) > 1:
        raise NothingEmbedded(batch.broken[0].error)
    return batch


def encode_each(
    model: NamedModel,
    requests: Sequence[EmbeddingRequest],
    said: dict[int, str],
    batch: Batch,
) -> Iterator[tuple[Sequence[EmbeddingRequest], Encoded]]:
    """Encode texts together; where that fails, by halves, until the text at fault is alone."""
    if not requests:
        return
    try:
        yield requests, model.encode([said[request.text_id] for request in requests])
    except UNREADABLE as error:
        if len(requests) == 1:
            batch.broken.append(set_back(requests[0], error))
            return
        half = len(requests) // 2
        yield from encode_each(model, requests[:half], said, batch)
        yield from encode_each(model, requests[half:], said, batch)


def set_back(request: EmbeddingRequest, error: Exception) -> EmbeddingRequest:
    request.tries += 1
    request.error = f"{type(error).__name__}: {error}"[:2_000]
    return request


def save(
    batch: Batch, taken: Sequence[EmbeddingRequest], generation: Generation, now: datetime
) -> None:
    """Write the vectors, take the requests away, and ask for what rests on these vectors."""
    Embedding.objects.bulk_create(batch.vectors, ignore_conflicts=True)
    EmbeddingRequest.objects.bulk_update(batch.broken, ["tries", "error"])
    kept = {request.pk for request in batch.broken}
    EmbeddingRequest.objects.filter(pk__in=[one.pk for one in taken if one.pk not in kept]).delete()
    readiness.take_turns()
    generation.refresh_from_db()
    if generation.state == GenerationState.ACTIVE:
        text_ids = [vector.text_id for vector in batch.vectors]
        readiness.announce_texts(text_ids=text_ids, generation=generation, now=now)


def retry_texts(*, project: Project) -> int:
    """Take up again the texts of a project that were set aside. Safe to repeat."""
    aside = EmbeddingRequest.objects.filter(tries__gte=MOST_TRIES).filter(text_of_project(project))
    return aside.update(tries=0, error="")


def forget_vectors(*, project: Project) -> int:
    """Delete the vectors of a project's texts; `request_missing` asks for them anew.

    Returns:
        How many vectors are gone.
    """
    with connection.cursor() as cursor:
        cursor.execute(FORGET, {"project": project.pk})
        return cursor.rowcount


def request_missing(*, project: Project, now: datetime) -> int:
    """Ask for every vector that a project's texts should have and have not. Safe to repeat.

    Returns:
        How many were not waiting already.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        generations.hold_still()
        cursor.execute(REQUEST_MISSING, {"project": project.pk, "now": now})
        return cursor.rowcount
