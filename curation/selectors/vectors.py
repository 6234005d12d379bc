"""Vectors of texts, as arrays."""

from collections.abc import Sequence

import numpy as np
from django.db.models import BinaryField, F, Func
from numpy.typing import NDArray

from curation.domain.vocabulary import GenerationState
from curation.models import Embedding, Generation


def active_generation() -> Generation | None:
    """The generation that searches use; None before the first is complete."""
    return Generation.objects.filter(state=GenerationState.ACTIVE).first()


def vectors_of(
    text_ids: Sequence[int], generation: Generation
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Read the vectors of texts under one generation, those of empty texts left out.

    Returns:
        Ids of the texts that have a vector, ascending, shape (n,); and the vectors, shape
        (n, dimensions), each of length 1 up to half precision.
    """
    found = Embedding.objects.filter(
        generation=generation, text__in=text_ids, is_empty=False
    ).order_by("text_id")
    sent = Func(F("vector"), function="halfvec_send", output_field=BinaryField())
    rows = list(found.values_list("text_id", sent))
    ids = np.array([text_id for text_id, _ in rows], dtype=np.int64)
    # As pgvector sends it: a header of two 16-bit numbers, then the elements, big-endian.
    halves = np.frombuffer(b"".join(vector for _, vector in rows), dtype=">f2")
    return ids, halves.reshape(len(rows), generation.dimensions + 2)[:, 2:].astype(np.float32)
