"""Where two texts differ, word by word, for showing them side by side."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from curation.domain.duplicates.alignment import PIECE, matches


class Stretch(NamedTuple):
    """Part of a text, and whether the other text has it too."""

    text: str
    is_changed: bool


def differences(first: str, second: str) -> tuple[list[Stretch], list[Stretch]]:
    """Cut two texts into what they share and what only one has.

    A megabyte takes seconds at most: long stretches that have little in common are given as
    different throughout instead of being searched.

    Returns:
        The stretches of the first and of the second text; joined they are the texts themselves.
        Equal texts give one stretch, an empty one none.
    """
    mine, theirs = PIECE.findall(first), PIECE.findall(second)
    found = matches(mine, theirs)
    return (
        stretches(mine, [(a, size) for a, _, size in found]),
        stretches(theirs, [(b, size) for _, b, size in found]),
    )


def stretches(pieces: Sequence[str], shared: Iterable[tuple[int, int]]) -> list[Stretch]:
    marked = list(marks(len(pieces), shared))
    return [
        Stretch("".join(piece for piece, _ in run), changed)
        for changed, run in groupby(zip(pieces, marked, strict=True), key=lambda pair: pair[1])
    ]


def marks(n: int, shared: Iterable[tuple[int, int]]) -> Iterator[bool]:
    at = 0
    for begin, size in shared:
        yield from [True] * (begin - at)
        yield from [False] * size
        at = begin + size
    yield from [True] * (n - at)
