"""Putting comparisons before others in the queue, and asking for some of an item's responses."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from annotation.models import Comparison, Item, Project, Slot
from annotation.services import queue
from annotation.services.importing import copying
from annotation.services.importing.items import add_comparisons, add_slots
from annotation.services.rounds import keep_authors_away

# An answer locks its slot before the comparison, so this does too.
LOCK_SLOTS = """
    SELECT id FROM slot WHERE comparison_id = ANY(%(ids)s) AND filled_at IS NULL
    ORDER BY id FOR NO KEY UPDATE
"""
RANK_COMPARISONS = """
    WITH wanted AS (
        SELECT * FROM unnest(%(ids)s::bigint[], %(ranks)s::int[]) AS listed(id, rank)
    ), locked AS MATERIALIZED (
        SELECT c.id, c.rank AS before, wanted.rank FROM comparison c JOIN wanted USING (id)
        WHERE c.project_id = %(project)s ORDER BY c.id FOR NO KEY UPDATE OF c
    )
    UPDATE comparison SET rank = locked.rank FROM locked WHERE comparison.id = locked.id
    RETURNING comparison.id, locked.before
"""
RANK_SLOTS = """
    UPDATE slot SET rank = c.rank FROM comparison c
    WHERE c.id = comparison_id AND c.id = ANY(%(ids)s) AND c.project_id = %(project)s
      AND filled_at IS NULL AND slot.rank <> c.rank
"""
# Whoever places a bookmark at this moment has searched the queue as it was: wait for them, and
# keep others waiting until the new order is there to be seen.
LOCK_BOOKMARKS = "LOCK TABLE bookmark IN SHARE ROW EXCLUSIVE MODE"
FORGET_BOOKMARKS = "DELETE FROM bookmark WHERE project_id = %(project)s"

Pair = tuple[int, tuple[int, ...]]  # an item, and ascending ids of its responses


def rank_comparisons(*, project: Project, ranks: Mapping[int, int]) -> dict[int, int]:
    """Give comparisons and their open slots new ranks; the lowest is handed out first.

    The next claim of anybody sees the new order. Safe to repeat.

    Args:
        ranks: by comparison id; ids of other projects are passed over.
    Returns:
        The rank of each comparison before.
    """
    listed: dict[str, Any] = {
        "project": project.pk,
        "ids": list(ranks),
        "ranks": list(ranks.values()),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK_SLOTS, listed)
        cursor.execute(RANK_COMPARISONS, listed)
        before = dict(cursor.fetchall())
        cursor.execute(RANK_SLOTS, listed)
        cursor.execute(LOCK_BOOKMARKS)
        cursor.execute(FORGET_BOOKMARKS, listed)
    return before


def open_first_slots(*, comparison_ids: Collection[int]) -> list[int]:
    """Open a slot on each comparison that has none open. Returns the ids of the new slots.

    Safe to repeat: while a slot is open, no other is added.
    """
    with transaction.atomic():
        is_open = Slot.objects.open().filter(comparison_id__in=comparison_ids)
        bare = set(comparison_ids) - set(is_open.values_list("comparison_id", flat=True))
        known = set(Slot.objects.filter(comparison_id__in=bare).values_list("id", flat=True))
        queue.open_slots(comparison_ids=sorted(bare))
        opened = Slot.objects.filter(comparison_id__in=bare).exclude(id__in=known)
        return sorted(opened.values_list("id", flat=True))


def close_slots(*, slot_ids: Collection[int]) -> int:
    """Take back slots that nobody ever held. Returns how many; safe to repeat."""
    closed, _ = Slot.objects.open().filter(id__in=slot_ids, holder__isnull=True).delete()
    return closed


def plan_comparisons(*, project: Project, pairs: Sequence[Pair], now: datetime) -> dict[Pair, int]:
    """Find the comparisons of these responses, and make those that are not planned yet.

    A new one gets as many slots as the project's overlap asks for; nobody is asked about an answer
    of their own. Safe to repeat.

    Args:
        pairs: two to nine responses each.
    Returns:
        The comparison of each pair.
    """
    with transaction.atomic():
        copying.lock_project(project.pk)
        items = {item for item, _ in pairs}
        planned = Comparison.objects.filter(
            project=project, item__in=items, context="", other_item__isnull=True
        )
        rows = planned.values_list("item_id", "response_ids", "id")
        found = {(item, tuple(responses)): pk for item, responses, pk in rows}
        missing = [pair for pair in dict.fromkeys(pairs) if pair not in found]
        made = copying.next_ids(Comparison, len(missing))
        new = dict(zip(missing, made, strict=True))
        add_comparisons(project, [(pk, *pair) for pair, pk in new.items()], now)
        add_slots(project, made)
        _keep_authors_away(new, now)
    return {pair: (found | new)[pair] for pair in pairs}


def _keep_authors_away(new: Mapping[Pair, int], now: datetime) -> None:
    items = Item.objects.filter(id__in={item for item, _ in new})
    rows = items.values_list("responses__id", "responses__author_id")
    keep_authors_away({pk: responses for (_, responses), pk in new.items()}, dict(rows), now)
