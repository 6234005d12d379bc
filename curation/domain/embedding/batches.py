"""Batches of token runs that cost little padding."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def plan(lengths: NDArray[np.int64], budget: int) -> Iterator[NDArray[np.int64]]:
    """Group runs of tokens into batches of like length, the longest first.

    Args:
        lengths: tokens of each run, shape (m,), at least 1.
        budget: most tokens of a batch, padding counted; a run above it is a batch of its own.

    Yields:
        Indices into `lengths`, longest first; together every index once.
    """
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        most = max(1, budget // int(lengths[order[start]]))
        yield order[start : start + most]
        start += most
