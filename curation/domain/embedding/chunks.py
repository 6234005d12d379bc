"""Long texts: windows over their tokens, and one vector from those of the windows."""

import numpy as np
from numpy.typing import NDArray


def windows(n_tokens: int, size: int, overlap: int) -> list[tuple[int, int]]:
    """Cut a run of tokens into windows that overlap.

    Args:
        n_tokens: tokens of the text, 0 or more.
        size: most tokens in a window, above `overlap`.
        overlap: tokens that a window shares with the one before it.

    Returns:
        (start, stop) of each, ascending; all but the last of `size` tokens, the last with more
        than `overlap`; one window when the text fits, none when it is empty.
    """
    if n_tokens <= size:
        return [(0, n_tokens)] if n_tokens else []
    starts = range(0, n_tokens - overlap, size - overlap)
    return [(start, min(start + size, n_tokens)) for start in starts]


def pooled(
    vectors: NDArray[np.float32], weights: NDArray[np.int64], owners: NDArray[np.int64], n: int
) -> NDArray[np.float32]:
    """Pool the vectors of windows into one of length 1 for each text.

    Args:
        vectors: of the windows, shape (m, d), finite.
        weights: tokens in each window, shape (m,), at least 1.
        owners: which text each window is of, shape (m,), in 0..n-1.
        n: number of texts.

    Returns:
        Means weighted by tokens and scaled to length 1, shape (n, d). A text without a window, or
        whose windows cancel out, gets the zero vector.
    """
    sums = np.zeros((n, vectors.shape[1]), dtype=np.float64)
    np.add.at(sums, owners, vectors.astype(np.float64) * weights[:, None])
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.divide(sums, lengths, out=sums, where=lengths > 0).astype(np.float32)
