"""Batches of token runs: like lengths together, as many tokens as pay."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

GAIN = 1.05  # a doubled batch has to be this much faster per token to be kept on doubling


class Budget:
    """How many tokens a batch may hold: doubled while that pays, halved when memory runs out.

    Args:
        tokens: of the first batch.
        most: never more than this; equal to `tokens` the budget stays as it is.
    """

    def __init__(self, tokens: int, most: int) -> None:
        self.tokens, self.most = tokens, most
        self._best = 0.0
        self._is_warm = False

    def learn(self, tokens: int, seconds: float) -> None:
        """Take in how long a batch took; the first of each size is a warm-up, not counted."""
        if self.tokens >= self.most or tokens < self.tokens / 2:
            return
        if not self._is_warm:
            self._is_warm = True
            return
        rate = tokens / max(seconds, 1e-9)
        if rate > self._best * GAIN:
            self._best, self._is_warm = rate, False
            self.tokens = min(2 * self.tokens, self.most)
        else:
            self.most = self.tokens

    def halve(self) -> None:
        """Take in that a batch did not fit into memory: it is never as large again."""
        self.tokens = self.most = max(1, self.tokens // 2)


def plan(lengths: NDArray[np.int64], budget: Budget) -> Iterator[NDArray[np.int64]]:
    """Group runs of tokens into batches of like length, the longest first.

    Args:
        lengths: tokens of each run, shape (m,), at least 1.
        budget: asked anew for each batch. Padding counts; a run above it is a batch of its own.

    Yields:
        Indices into `lengths`, longest first; together every index once.
    """
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        stop = start + max(1, budget.tokens // int(lengths[order[start]]))
        yield order[start:stop]
        start = stop
