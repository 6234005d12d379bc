"""Which member stands for a group."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from curation.domain.duplicates.pairs import Key
from curation.domain.vocabulary import RepresentativeRule


class Member(NamedTuple):
    """An item as the rule sees it.

    Attributes:
        key: its external id.
        n_judgments: of all its comparisons.
        n_chars: of its prompt.
        imported_at: when it came.
    """

    key: Key
    n_judgments: int
    n_chars: int
    imported_at: datetime | None = None


ORDERS: dict[RepresentativeRule, Callable[[Member], Any]] = {
    RepresentativeRule.JUDGED: lambda m: (-m.n_judgments, -m.n_chars, m.key),
    RepresentativeRule.FIRST: lambda m: (m.imported_at, m.key),
    RepresentativeRule.LONGEST: lambda m: (-m.n_chars, m.key),
}


def representative_of(
    members: Iterable[Member], rule: RepresentativeRule = RepresentativeRule.JUDGED
) -> Key:
    """Take the member that comes first by a rule.

    "judged": most judgments, among equals the longest prompt, then the least key, so that as few
    judgments as possible stand on items that are left out. "first": imported first. "longest": the
    longest prompt. Each orders all items alike, in whatever group they are.
    """
    return min(members, key=ORDERS[rule]).key
