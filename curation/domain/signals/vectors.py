"""The signals of a comparison's vectors."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from curation.domain.signals.pairs import over_pairs, rounded
from curation.domain.signals.signal import Values

Vector = NDArray[np.float32]


def vector_signals(
    prompt: Vector | None, responses: Sequence[Vector | None], nearest: float | None, model: str
) -> Values:
    """Work out the signals of the family "vectors".

    Args:
        prompt: (d,) of length 1; None where the text is empty or not embedded yet.
        responses: the same for each response compared, in stored order.
        nearest: greatest cosine to the prompts judged already; None where there are none.
        model: name of what made the vectors.

    Returns:
        What needs a vector that is missing is null. Cosines are in [-1, 1].
    """
    values: Values = {
        "embedding_model": model,
        "response_cosine": None,
        "prompt_response_cosine": None,
        "prompt_response_cosine_difference": None,
        "novelty": None if prompt is None else rounded(novelty(nearest)),
    }
    vectors = [vector for vector in responses if vector is not None]
    if len(vectors) < len(responses):
        return values
    values |= over_pairs("response_cosine", [cosine(a, b) for a, b in combinations(vectors, 2)])
    if prompt is not None:
        to_prompt = [cosine(prompt, vector) for vector in vectors]
        values["prompt_response_cosine"] = rounded(sum(to_prompt) / len(to_prompt))
        if len(to_prompt) == 2:
            values["prompt_response_cosine_difference"] = rounded(to_prompt[0] - to_prompt[1])
    return values


def cosine(left: Vector, right: Vector) -> float:
    """Cosine of two vectors of length 1, half precision's errors clipped."""
    return float(np.clip(left @ right, -1.0, 1.0))


def novelty(nearest: float | None) -> float:
    """1 less the greatest cosine to what is judged, in [0, 2]; 1 where nothing is judged."""
    return 1.0 if nearest is None else 1.0 - nearest


def nearest_cosines(
    prompts: NDArray[np.float32], judged: NDArray[np.float32], own: Sequence[int | None]
) -> list[float | None]:
    """Find each prompt's greatest cosine to the judged ones.

    Args:
        prompts: (n, d) of length 1.
        judged: (m, d) of length 1, distinct texts.
        own: per prompt the row of `judged` that only its own comparison has brought there, which
            does not count; None where every row counts.

    Returns:
        n cosines in [-1, 1]; None where no row counts.
    """
    if not len(judged) or not len(prompts):
        return [None] * len(prompts)
    cosines = prompts @ judged.T
    for row, column in enumerate(own):
        if column is not None:
            cosines[row, column] = -np.inf
    best = cosines.max(axis=1)
    return [None if np.isneginf(one) else float(np.clip(one, -1.0, 1.0)) for one in best]
