"""Two texts that seem to be alike, before the texts themselves are looked at."""

from typing import NamedTuple


class Candidate(NamedTuple):
    """Two texts of a project, `first` < `second`; `similarity` is a Jaccard or a cosine."""

    first: int
    second: int
    similarity: float


def candidate_of(one: int, other: int, similarity: float) -> Candidate:
    return Candidate(min(one, other), max(one, other), similarity)
