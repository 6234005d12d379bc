"""The queue of comparisons to be routed. The database fills it beside the facts themselves."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection

from annotation.domain.vocabulary import MOST_TRIES
from annotation.models import Project
from curation.domain.routing.facts import OWN_FACTS
from curation.domain.signals.registry import signal_named
from curation.domain.vocabulary import SignalFamily

# An update, not nothing, where the row is there: a drain may be about to delete it. What people
# have settled is left out, unless chance had asked them: how likely that was may have changed.
ASK_ALL = """
    INSERT INTO routing_request (comparison_id, project_id, queued_at, tries, error)
    SELECT c.id, c.project_id, %(now)s, 0, ''
    FROM comparison c LEFT JOIN consensus ON consensus.comparison_id = c.id AND is_settled
    WHERE c.project_id = %(project)s AND (consensus.comparison_id IS NULL OR NOT EXISTS (
        SELECT FROM judgment JOIN annotator ON annotator.id = annotator_id
        WHERE judgment.comparison_id = c.id AND annotator.kind = 'human'
    ) OR EXISTS (
        SELECT FROM routing_decision drawn
        WHERE drawn.comparison_id = c.id AND drawn.propensity > 0 AND drawn.propensity < 1
    ))
    ORDER BY c.id
    ON CONFLICT (comparison_id) DO UPDATE
    SET queued_at = excluded.queued_at, tries = 0, error = ''
"""
# A comparison just made waits until what the policy asks of it is worked out, but not for ever.
TAKE = """
    SELECT comparison_id FROM routing_request request
    JOIN comparison c ON c.id = request.comparison_id
    WHERE request.project_id = %(project)s AND tries < %(most_tries)s AND (
        c.created_at < %(patience)s OR (
            NOT EXISTS (
                SELECT FROM signal_request waiting
                WHERE waiting.comparison_id = c.id AND waiting.family = ANY(%(families)s)
                  AND waiting.tries < %(most_tries)s
            ) AND NOT (%(reads_items)s AND (
                EXISTS (SELECT FROM intake WHERE intake.item_id = c.item_id)
                OR EXISTS (
                    SELECT FROM regroup_request waiting
                    WHERE waiting.item_id = c.item_id AND waiting.tries < %(most_tries)s
                )
            ))
        )
    )
    ORDER BY tries, queued_at, comparison_id LIMIT %(limit)s
    FOR UPDATE OF request SKIP LOCKED
"""
SET_BACK = """
    UPDATE routing_request SET tries = tries + 1, error = %(error)s
    WHERE comparison_id = ANY(%(ids)s)
"""
DELETE = "DELETE FROM routing_request WHERE comparison_id = ANY(%(ids)s)"
DELETE_ALL = "DELETE FROM routing_request WHERE project_id = %(project)s"
FORETOLD_FROM = (SignalFamily.TEXT, SignalFamily.VECTORS, SignalFamily.IMPORTED)


def ask_all(*, project: Project, now: datetime) -> int:
    """Have every comparison of a project routed that people have not settled. Safe to repeat.

    Returns:
        How many now wait for the drain.
    """
    return _run(ASK_ALL, project=project.pk, now=now)


def take(*, project: Project, names: Collection[str], patience: datetime, limit: int) -> list[int]:
    """Lock requests that no rival is working on and that are ready, those that wait longest first.

    Args:
        names: of the facts that the policy needs.
        patience: comparisons made before this are ready whatever is known of them.
    Returns:
        Ids of their comparisons.
    """
    values: dict[str, Any] = {
        "project": project.pk,
        "most_tries": MOST_TRIES,
        "patience": patience,
        "families": sorted(families_behind(names)),
        "reads_items": "is_duplicate" in names,
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(TAKE, values)
        return [pk for (pk,) in cursor.fetchall()]


def families_behind(names: Collection[str]) -> set[str]:
    """The families of signals that some facts rest on, those that difficulty rests on included."""
    signals = (signal_named(name) for name in names if name not in OWN_FACTS)
    families = {signal.family for signal in signals if signal}
    if SignalFamily.DIFFICULTY in families:
        families |= set(FORETOLD_FROM)
    return {family.value for family in families}


def set_back(*, comparison_ids: Collection[int], error: Exception) -> None:
    """Count a try of comparisons that could not be routed, and remember why."""
    told = f"{type(error).__name__}: {error}"[:2000]
    _run(SET_BACK, ids=list(comparison_ids), error=told)


def finish(*, comparison_ids: Collection[int]) -> None:
    _run(DELETE, ids=list(comparison_ids))


def forget_all(*, project: Project) -> None:
    """Let nothing of a project wait to be routed."""
    _run(DELETE_ALL, project=project.pk)


def _run(statement: str, **values: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
