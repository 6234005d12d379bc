"""A pair of texts, or of items, that may say the same."""

from typing import Any, NamedTuple

# A digest or an external id: whatever sorts, is hashable, and does not depend on the order in
# which things were imported (so never a database id). All keys of one call are of one type.
Key = Any


class Pair(NamedTuple):
    """Two different nodes and how alike they are.

    Attributes:
        first, second: keys, `first` before `second`.
        score: in [0, 1], what the policy's threshold and linkage look at.
        similarity: Jaccard or cosine, for people to read.
    """

    first: Key
    second: Key
    score: float
    similarity: float


def pair_of(one: Key, other: Key, score: float, similarity: float) -> Pair:
    """Put two nodes in order."""
    first, second = (one, other) if one < other else (other, one)
    return Pair(first, second, score, similarity)
