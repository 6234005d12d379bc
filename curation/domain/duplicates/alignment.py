"""Which words of two texts correspond, in bounded time whatever the texts."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

MOST_CELLS = 1_000_000  # of the table that difflib may fill for one stretch of words
ALL_CELLS = 10 * MOST_CELLS  # of all tables for two texts together
PIECE = re.compile(r"\w+(?:['’]\w+)*|\s+|[^\w\s]")
Match = tuple[int, int, int]  # where it begins in the first, in the second, and how long it is


def matches(first: Sequence[str], second: Sequence[str]) -> list[Match]:
    """List the stretches that two lists of words have in common, in order.

    What is equal at the beginning and at the end is taken off first. Where the rest is too long
    for one table, lines are aligned before the words of those that differ; a stretch that is
    still too long counts as different throughout.

    Returns:
        (begin in first, begin in second, length), none empty, ascending and without overlap.
    """
    head = common_prefix(first, second)
    tail = common_prefix(first[:head:-1], second[:head:-1])
    found = [(0, 0, head)] if head else []
    found += inner(first, second, (head, len(first) - tail, head, len(second) - tail))
    if tail:
        found.append((len(first) - tail, len(second) - tail, tail))
    return found


def common_prefix(first: Sequence[str], second: Sequence[str]) -> int:
    for place, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return place
    return min(len(first), len(second))


Stretch = tuple[int, int, int, int]


def inner(first: Sequence[str], second: Sequence[str], stretch: Stretch) -> list[Match]:
    a, b, c, d = stretch
    if (b - a) * (d - c) <= MOST_CELLS:
        return shifted(table(first[a:b], second[c:d]), a, c)
    found, left = [], ALL_CELLS
    for one, other, is_same in by_lines(first, second, stretch):
        cells = (one[1] - one[0]) * (other[1] - other[0])
        if is_same:
            found.append((one[0], other[0], one[1] - one[0]))
        elif cells <= min(MOST_CELLS, left):
            left -= cells
            cut = table(first[slice(*one)], second[slice(*other)])
            found += shifted(cut, one[0], other[0])
    return found


def table(first: Sequence[str], second: Sequence[str]) -> list[Match]:
    blocks = SequenceMatcher(None, first, second, autojunk=False).get_matching_blocks()
    return [(block.a, block.b, block.size) for block in blocks if block.size]


def shifted(found: list[Match], first: int, second: int) -> list[Match]:
    return [(a + first, b + second, size) for a, b, size in found]


def by_lines(
    first: Sequence[str], second: Sequence[str], stretch: Stretch
) -> Iterator[tuple[tuple[int, int], tuple[int, int], bool]]:
    """Align the lines within a stretch: (range in first, range in second, whether equal)."""
    mine, theirs = lines(first, *stretch[:2]), lines(second, *stretch[2:])
    matcher = SequenceMatcher(
        None,
        [tuple(first[begin:end]) for begin, end in mine],
        [tuple(second[begin:end]) for begin, end in theirs],
    )
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if i1 < i2 and j1 < j2:
            one, other = (mine[i1][0], mine[i2 - 1][1]), (theirs[j1][0], theirs[j2 - 1][1])
            yield one, other, tag == "equal"


def lines(pieces: Sequence[str], begin: int, end: int) -> list[tuple[int, int]]:
    cuts = [place + 1 for place in range(begin, end) if "\n" in pieces[place]]
    edges = [begin, *cuts] if not cuts or cuts[-1] != end else [begin, *cuts[:-1]]
    return list(zip(edges, [*edges[1:], end], strict=True))
