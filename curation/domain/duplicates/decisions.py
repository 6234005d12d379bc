"""What people decided about duplicates, as links that grouping must and must not make."""

from collections.abc import Iterable
from dataclasses import dataclass

from curation.domain.duplicates.grouping import Link
from curation.domain.duplicates.pairs import Key
from curation.domain.vocabulary import DuplicateVerb


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision in force.

    Attributes:
        verb: "accept" or "merge": all of `items` are the same; "split": none of `items` is the
            same as any of `others`.
        items, others: item keys.
    """

    verb: str
    items: tuple[Key, ...]
    others: tuple[Key, ...] = ()


def links_of(decisions: Iterable[Decision]) -> tuple[list[Link], list[Link]]:
    """Turn decisions into links between items.

    Args:
        decisions: the oldest first: about a pair, the later one holds.

    Returns:
        Pairs that belong together and pairs that do not, each ascending. Nothing is in both, but
        joining the first may still bring a pair of the second together; `groups_of` then lets the
        second win.
    """
    said: dict[Link, bool] = {}
    for decision in decisions:
        same = decision.verb != DuplicateVerb.SPLIT
        for one, other in couples(decision):
            if one != other:
                said[min(one, other), max(one, other)] = same
    return sorted(k for k, same in said.items() if same), sorted(
        k for k, same in said.items() if not same
    )


def couples(decision: Decision) -> Iterable[Link]:
    if decision.verb == DuplicateVerb.SPLIT:
        return [(one, other) for one in decision.items for other in decision.others]
    ordered = sorted(decision.items)
    return [(one, other) for place, one in enumerate(ordered) for other in ordered[place + 1 :]]
