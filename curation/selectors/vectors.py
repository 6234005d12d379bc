"""Vectors of texts, as arrays."""

from collections.abc import Sequence

import numpy as np
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
    rows = list(found.values_list("text_id", "vector"))
    ids = np.array([row[0] for row in rows], dtype=np.int64)
    if not rows:
        return ids, np.empty((0, generation.dimensions), dtype=np.float32)
    return ids, np.stack([row[1].to_numpy() for row in rows]).astype(np.float32)
