"""Keyset paging: a page is what comes after, or before, a row; never an offset."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

PAGE_SIZE = 50
MOST_SCANNED = 20_000  # rows that a filter without an index of its own looks at for one page


@dataclass(frozen=True)
class Cursor:
    """Where a page begins: behind one row, or in front of one; at the start without either."""

    after: int | None = None
    before: int | None = None


@dataclass(frozen=True)
class Page:
    """Rows of one page. `after` and `before` are the cursors of its neighbours, None at an end.

    `is_partial` says that the page stopped looking before it was full: more may match further on.
    """

    rows: Sequence[Any]
    after: int | None
    before: int | None
    is_partial: bool = False

    def with_rows(self, rows: Sequence[Any]) -> "Page":
        return Page(rows, self.after, self.before, self.is_partial)


def page_of(
    rows: QuerySet,
    cursor: Cursor,
    *,
    newest_first: bool = False,
    matching: Callable[[QuerySet], QuerySet] | None = None,
    size: int = PAGE_SIZE,
) -> Page:
    """Cut one page out of rows in the order of their keys.

    Args:
        rows: every row of the list, unordered, filtered through an index only.
        cursor: where the page begins.
        newest_first: whether keys descend.
        matching: a filter without an index of its own. It is tried on the next `MOST_SCANNED` rows
            only, so that a page takes the same time however rare its rows are.
        size: rows of a full page.
    """
    backwards = cursor.before is not None
    start = cursor.before if backwards else cursor.after
    descends = newest_first != backwards
    ahead = _ahead(rows, start, descends)
    edge = _edge(ahead) if matching else None
    if matching:
        ahead = matching(ahead if edge is None else _until(ahead, edge, descends))
    found = list(ahead[: size + 1])
    more, found = found[size:], found[:size]
    far = found[-1].pk if more else edge
    near = found[0].pk if found else _beside(start, descends)
    if backwards:
        found.reverse()
        return Page(found, near, far, not more and edge is not None)
    back = near if start is not None else None
    return Page(found, far, back, not more and edge is not None)


def _ahead(rows: QuerySet, start: int | None, descends: bool) -> QuerySet:
    if start is not None:
        rows = rows.filter(**{"pk__lt" if descends else "pk__gt": start})
    return rows.order_by("-pk" if descends else "pk")


def _beside(start: int | None, descends: bool) -> int | None:
    """The key from which looking back finds the row at `start` itself again."""
    return None if start is None else start - 1 if descends else start + 1


def _until(rows: QuerySet, edge: int, descends: bool) -> QuerySet:
    return rows.filter(**{"pk__gte" if descends else "pk__lte": edge})


def _edge(rows: QuerySet) -> int | None:
    """The last key of the stretch to look at; None when no row lies beyond it."""
    last_and_next = list(rows.values_list("pk", flat=True)[MOST_SCANNED - 1 : MOST_SCANNED + 1])
    return last_and_next[0] if len(last_and_next) == 2 else None
