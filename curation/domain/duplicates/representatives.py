"""Which member stands for a group."""

from collections.abc import Iterable
from typing import NamedTuple

from curation.domain.duplicates.pairs import Key


class Member(NamedTuple):
    """An item as the rule sees it.

    Attributes:
        key: its external id.
        n_judgments: of all its comparisons.
        n_chars: of its prompt.
    """

    key: Key
    n_judgments: int
    n_chars: int


def representative_of(members: Iterable[Member]) -> Key:
    """Take the item with most judgments; among equals the longest prompt, then the least key.

    Judgments come first so that as few as possible of them stand on items that are left out.
    """
    return min(members, key=lambda m: (-m.n_judgments, -m.n_chars, m.key)).key
