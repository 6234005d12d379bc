"""Texts with marked stretches: cut into segments that each carry the labels lying on them."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Mark:
    """A stretch of a text, in code points from `start` up to, not including, `end`."""

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class Segment:
    """A piece of a text and the labels of every mark that covers it; empty where none does."""

    text: str
    labels: tuple[str, ...]


def segments_of(text: str, marks: Iterable[Mark]) -> list[Segment]:
    """Cut a text at every start and end of a mark.

    Args:
        text: any text.
        marks: any number, overlapping or not; what lies outside of the text is ignored.
    Returns:
        Segments that join to exactly `text`; none is empty.
    """
    marks = [mark for mark in marks if mark.start < min(mark.end, len(text))]
    edges = {0, len(text)} | {edge for mark in marks for edge in (mark.start, mark.end)}
    cuts = sorted(edge for edge in edges if 0 <= edge <= len(text))
    return [
        Segment(
            text[start:end],
            tuple(dict.fromkeys(m.label for m in marks if m.start <= start and end <= m.end)),
        )
        for start, end in zip(cuts, cuts[1:], strict=False)
    ]
