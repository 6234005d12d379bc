"""What embedding gives."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Encoded:
    """Vectors of n texts, in the order of the texts.

    Attributes:
        vectors: shape (n, dimensions), float32, of length 1; zero where `is_empty`. Never NaN.
        is_empty: shape (n,), bool: the text holds nothing that the model can read.
        n_tokens: shape (n,), int64: tokens of the text, without those that the model adds.
        n_chunks: shape (n,), int64: pieces that the text was cut into; 0 for an empty one.
    """

    vectors: NDArray[np.float32]
    is_empty: NDArray[np.bool_]
    n_tokens: NDArray[np.int64]
    n_chunks: NDArray[np.int64]

    def take(self, places: NDArray[np.int64]) -> "Encoded":
        """Those at some places, in the order named; a place may be named more than once."""
        return Encoded(*(getattr(self, each.name)[places] for each in fields(self)))
