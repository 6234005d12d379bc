"""Handing out work: a slot is leased to one annotator until a deadline, and filled once.

A claim waits for nobody: rivals skip a locked slot. Only one person's own tabs queue up, on their
annotator row, so that two of them never lease the same comparison.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from annotation.domain.errors import DomainError, NotAllowed, NotFound
from annotation.domain.vocabulary import Audience, ExclusionReason
from annotation.models import Draft, Exclusion, Slot
from annotation.selectors import queue

MOST_HELD = 3  # the comparison on the screen and two fetched ahead
MOST_SLOTS = 100  # of a comparison; the constraint slot_ordinal_1_to_100 says the same
# The claim is the busiest statement of all, so it is written out: as `selectors.queue` says it, and
# tested to find the same slot.
HELD = """
    SELECT id, comparison_id FROM slot
    WHERE holder_id = %(annotator)s AND project_id = %(project)s AND filled_at IS NULL
      AND lease_ends_at > %(now)s
      AND NOT EXISTS (
          SELECT 1 FROM judgment
          WHERE annotator_id = %(annotator)s AND comparison_id = slot.comparison_id
      )
    ORDER BY id
"""
RENEW = """
    UPDATE slot SET lease_ends_at = %(now)s + project.lease
    FROM project
    WHERE slot.id = %(slot)s AND holder_id = %(annotator)s AND filled_at IS NULL
      AND project.id = project_id AND project.state = 'active'
    RETURNING slot.*
"""
# What an expert knows is read once a statement, and only where a slot for experts comes up; others
# have no row there, so nothing is theirs.
FOR_ME = """
    project_id = %(project)s AND filled_at IS NULL
    AND (audience = 'human' OR expertise = ANY ((
        SELECT array_append(coalesce(profile.expertise, '{}'), '')
        FROM membership JOIN annotator USING (user_id)
        LEFT JOIN profile ON profile.annotator_id = annotator.id
        WHERE annotator.id = %(annotator)s AND membership.project_id = %(project)s AND is_expert
    )::text[]))
    AND NOT EXISTS (
        SELECT 1 FROM judgment
        WHERE annotator_id = %(annotator)s AND comparison_id = slot.comparison_id
    )
    AND NOT EXISTS (
        SELECT 1 FROM exclusion
        WHERE annotator_id = %(annotator)s AND comparison_id = slot.comparison_id
    )
"""
LEASE_NEXT = f"""
    WITH next AS MATERIALIZED (
        SELECT slot.id FROM slot
        WHERE {FOR_ME}
          AND (lease_ends_at IS NULL OR lease_ends_at <= %(now)s)
          AND comparison_id <> ALL(%(held)s::bigint[])
          AND (rank, slot.id) >= (%(rank)s, %(from)s)
        ORDER BY rank, slot.id LIMIT 1
        FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE slot SET holder_id = %(annotator)s, lease_ends_at = %(now)s + project.lease,
                    lease_epoch = lease_epoch + 1
    FROM next, project
    WHERE slot.id = next.id AND project.id = project_id AND project.state = 'active'
    RETURNING slot.*
"""  # noqa: S608 - both parts are constants
PLACE_BOOKMARK = f"""
    INSERT INTO bookmark (annotator_id, project_id, rank, slot_id, placed_at)
    SELECT %(annotator)s, %(project)s, rank, slot.id, %(now)s FROM slot
    WHERE {FOR_ME} ORDER BY rank, slot.id LIMIT 1
    ON CONFLICT (annotator_id, project_id) DO UPDATE
    SET rank = EXCLUDED.rank, slot_id = EXCLUDED.slot_id, placed_at = EXCLUDED.placed_at
"""  # noqa: S608 - both parts are constants
BOOKMARK = """
    SELECT rank, slot_id FROM bookmark
    WHERE annotator_id = %(annotator)s AND project_id = %(project)s
      AND placed_at > %(now)s - interval '5 minutes' AND placed_at <= %(now)s
"""
START = {"rank": -(2**31), "from": 0}
LOCK_COMPARISONS = "SELECT id FROM comparison WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
OPEN_MORE = """
    INSERT INTO slot (project_id, comparison_id, ordinal, rank, audience, lease_epoch)
    SELECT c.project_id, c.id, taken.last + n, c.rank, %s, 0
    FROM comparison c
    CROSS JOIN LATERAL (
        SELECT coalesce(max(ordinal), 0) AS last FROM slot WHERE comparison_id = c.id
    ) taken
    CROSS JOIN generate_series(1, %s) n
    WHERE c.id = ANY(%s) AND taken.last + n <= %s
    ORDER BY c.rank, c.id, n
"""


class SlotLost(DomainError):
    """The lease is over and the slot is somebody else's, or it never was this annotator's."""

    code, status = "slot_lost", 409


def lock_annotator(annotator_id: int) -> None:
    """Make everything else that this annotator does wait for the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM annotator WHERE id = %s FOR NO KEY UPDATE", [annotator_id])


def claim_slot(
    *, project_id: int, annotator_id: int, now: datetime, besides: Collection[int] = ()
) -> Slot | None:
    """Lease a free slot, or renew one that this annotator already holds.

    `besides` are ids of slots that the annotator already has on the screen or ahead: another one is
    wanted. None when nothing is left for them, or when they hold as many as they may;
    `selectors.queue.why_nothing` tells which.
    """
    claim: dict[str, Any] = {"annotator": annotator_id, "project": project_id, "now": now}
    with transaction.atomic():
        lock_annotator(annotator_id)
        # A statement of its own: one that waited for the lock would not see what came meanwhile.
        held = list(Slot.objects.raw(HELD, claim))
        claim["held"] = [slot.comparison_id for slot in held]
        claim["slot"] = next((slot.id for slot in held if slot.id not in besides), None)
        if claim["slot"] and (slot := _only(RENEW, claim)):
            return slot
        return None if len(held) >= MOST_HELD else _lease_next(claim)


def _lease_next(claim: dict[str, Any]) -> Slot | None:
    """Search from the bookmark, or from the start when it is old or nothing lies behind it.

    Whoever has judged thousands of comparisons whose other slots are still open would otherwise
    walk past all of those at each claim.
    """
    with connection.cursor() as cursor:
        cursor.execute(BOOKMARK, claim)
        marked = cursor.fetchone()
        if marked:
            slot = _only(LEASE_NEXT, claim | dict(zip(START, marked, strict=True)))
            return slot or _only(LEASE_NEXT, claim | START)
        cursor.execute(PLACE_BOOKMARK, claim)
        return _only(LEASE_NEXT, claim | START)


def renew_lease(*, slot_id: int, annotator_id: int, now: datetime) -> Slot:
    """Extend a lease, also one that ran out while nobody else took the slot. Safe to repeat.

    Raises:
        SlotLost: the slot is filled or somebody else's.
    """
    with transaction.atomic():
        lock_annotator(annotator_id)
        slot = _own_open_slot(slot_id, annotator_id)
        held = queue.held_slots(annotator_id, slot.project_id, now).exclude(id=slot_id)
        others = list(held.values_list("comparison_id", flat=True))
        if slot.comparison_id in others or len(others) >= MOST_HELD:
            raise SlotLost("You are working on this or on enough others in another window.")
        slot.lease_ends_at = now + slot.project.lease
        slot.save(update_fields=["lease_ends_at"])
        return slot


def release_slot(
    *, slot_id: int, annotator_id: int, now: datetime, lease_epoch: int | None = None
) -> None:
    """Hand a slot back, for anybody to take. Safe to repeat; an answer may still follow.

    With `lease_epoch`, only that lease ends: a message that comes late does not end a newer one.

    Raises:
        SlotLost: the slot is somebody else's.
    """
    with transaction.atomic():
        slot = _own_slot(slot_id, annotator_id)
        is_live = slot.filled_at is None and slot.lease_ends_at and slot.lease_ends_at > now
        if is_live and lease_epoch in (None, slot.lease_epoch):
            slot.lease_ends_at = now
            slot.save(update_fields=["lease_ends_at"])


def skip_comparison(*, slot_id: int, annotator_id: int, now: datetime, reason: str = "") -> None:
    """Hand a slot back and never be asked about its comparison again. Safe to repeat.

    Whoever changes their mind before the slot is somebody else's may still answer.

    Raises:
        NotAllowed: the project does not let its annotators skip.
        SlotLost: the slot is filled or somebody else's.
    """
    with transaction.atomic():
        lock_annotator(annotator_id)
        slot = Slot.objects.filter(id=slot_id).first()
        if slot and _has_skipped(slot, annotator_id):
            return
        slot = _own_open_slot(slot_id, annotator_id)
        if not slot.project.allows_skip:
            raise NotAllowed("This project does not let its annotators skip.")
        Exclusion.objects.create(
            comparison_id=slot.comparison_id,
            annotator_id=annotator_id,
            reason=ExclusionReason.SKIPPED,
            note=reason,
            created_at=now,
        )
        Draft.objects.filter(slot_id=slot_id, annotator_id=annotator_id).delete()
        slot.lease_ends_at = now
        slot.save(update_fields=["lease_ends_at"])


def open_slots(
    *, comparison_ids: Collection[int], n_more: int = 1, audience: Audience = Audience.HUMAN
) -> int:
    """Ask for `n_more` judgments of each comparison. Returns how many slots were opened.

    A comparison has 100 slots at most; what goes beyond is not opened.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        # Two who open slots of one comparison would number them alike.
        cursor.execute(LOCK_COMPARISONS, [list(comparison_ids)])
        cursor.execute(OPEN_MORE, [audience, n_more, list(comparison_ids), MOST_SLOTS])
        return int(cursor.rowcount)


def _has_skipped(slot: Slot, annotator_id: int) -> bool:
    return Exclusion.objects.filter(
        comparison_id=slot.comparison_id, annotator_id=annotator_id
    ).exists()


def _only(sql: str, values: dict[str, object]) -> Slot | None:
    return next(iter(Slot.objects.raw(sql, values)), None)


def _locked(slots: queue.SlotQuerySet) -> queue.SlotQuerySet:
    related = slots.select_related("comparison", "project")
    return related.select_for_update(of=("self",), no_key=True)


def _own_slot(slot_id: int, annotator_id: int) -> Slot:
    slot = _locked(Slot.objects.filter(id=slot_id)).first()
    if slot is None:
        raise NotFound("There is no such slot.")
    if slot.holder_id != annotator_id:
        raise SlotLost("This comparison was given to somebody else in the meantime.")
    return slot


def _own_open_slot(slot_id: int, annotator_id: int) -> Slot:
    slot = _own_slot(slot_id, annotator_id)
    if slot.filled_at is not None:
        raise SlotLost("This comparison has its judgment already.")
    return slot
