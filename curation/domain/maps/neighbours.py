import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

BLOCK = 1024  # rows at a time, so that memory does not grow with the number of rows


def nearest(rows: Floats, among: Floats, k: int) -> tuple[NDArray[np.int64], Floats]:
    """Find the k most similar of some vectors for each of others, by cosine.

    Args:
        rows: shape (n, d), each of length 1.
        among: shape (m, d), each of length 1, m at least 1.
        k: how many; all m where there are fewer.

    Returns:
        Places in `among` and cosines, both of shape (n, min(k, m)), the most similar first.
    """
    k = min(k, len(among))
    places = np.empty((len(rows), k), dtype=np.int64)
    cosines = np.empty((len(rows), k), dtype=np.float32)
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK] @ among.T
        found = np.argpartition(-block, k - 1, axis=1)[:, :k]
        values = np.take_along_axis(block, found, axis=1)
        order = np.argsort(-values, axis=1, kind="stable")
        places[start : start + BLOCK] = np.take_along_axis(found, order, axis=1)
        cosines[start : start + BLOCK] = np.take_along_axis(values, order, axis=1)
    return places, cosines
