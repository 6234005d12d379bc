"""The wanted judgments of a project follow its overlap."""

from collections.abc import Sequence

from django.db import connection, transaction

from annotation.models import Project

# Each comparison short of slots gets the lowest free ordinals.
OPEN_MISSING = """
    INSERT INTO slot (project_id, comparison_id, ordinal, rank, audience, lease_epoch)
    SELECT c.project_id, c.id, free.ordinal, c.rank, 'human', 0
    FROM comparison c
    CROSS JOIN LATERAL (SELECT count(*) AS n FROM slot WHERE comparison_id = c.id) taken
    CROSS JOIN LATERAL (
        SELECT ordinal FROM generate_series(1, 100) AS ordinal
        WHERE NOT EXISTS (
            SELECT 1 FROM slot WHERE comparison_id = c.id AND slot.ordinal = ordinal.ordinal
        )
        ORDER BY ordinal LIMIT greatest(%(overlap)s - taken.n, 0)
    ) free
    WHERE c.project_id = %(project)s AND taken.n < %(overlap)s
    ON CONFLICT DO NOTHING
"""
# Only slots that nobody ever held go: a lapsed lease may still be answered.
CLOSE_SURPLUS = """
    DELETE FROM slot WHERE id IN (
        SELECT id FROM (
            SELECT id, holder_id, filled_at,
                   row_number() OVER (
                       PARTITION BY comparison_id
                       ORDER BY (filled_at IS NULL), (holder_id IS NULL), ordinal
                   ) AS place
            FROM slot WHERE project_id = %(project)s
        ) placed
        WHERE place > %(overlap)s AND filled_at IS NULL AND holder_id IS NULL
    ) AND filled_at IS NULL AND holder_id IS NULL
"""
# One more where all that are there are filled, up to the most that the project wants. Where routes
# decide, a comparison without any slot is one that no people are to judge, and the new one is for
# whom the last one was made, as hastily: that follows the route in force.
OPEN_FURTHER = """
    INSERT INTO slot (project_id, comparison_id, ordinal, rank, audience, expertise, lease_epoch)
    SELECT c.project_id, c.id, taken.last + 1, coalesce(routed.rank, c.rank),
           coalesce(routed.audience, 'human'), coalesce(routed.expertise, ''), 0
    FROM comparison c
    JOIN project p ON p.id = c.project_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS n, count(*) FILTER (WHERE filled_at IS NULL) AS n_open,
               coalesce(max(ordinal), 0) AS last
        FROM slot WHERE comparison_id = c.id
    ) taken
    LEFT JOIN LATERAL (
        SELECT rank, audience, expertise FROM slot
        WHERE comparison_id = c.id AND p.is_routed
        ORDER BY id DESC LIMIT 1
    ) routed ON true
    WHERE c.id = ANY(%(comparisons)s) AND taken.n_open = 0
      AND taken.n >= p.overlap AND taken.n < p.max_overlap AND taken.last < 100
      AND (taken.n > 0 OR NOT p.is_routed)
    ON CONFLICT DO NOTHING
"""


def is_routed(project_id: int) -> bool:
    """Whether routes open the slots of a project now, whatever was read of it before."""
    return Project.objects.filter(pk=project_id, is_routed=True).exists()


def open_further(*, comparison_ids: Sequence[int]) -> int:
    """Open one more slot on each of these comparisons that has none left, up to `max_overlap`.

    Safe to repeat: while the new slot is open, no other is added.

    Returns:
        How many slots were opened.
    """
    with connection.cursor() as cursor:
        cursor.execute(OPEN_FURTHER, {"comparisons": list(comparison_ids)})
        return cursor.rowcount


def fit_slots(*, project: Project) -> int:
    """Open the slots that the project's overlap wants, and close free ones beyond it.

    Slots that are filled, or that somebody holds or held, stay. Where routes open the slots,
    nothing is done. Safe to repeat.

    Returns:
        How many slots were opened, negative when some were closed.
    """
    if is_routed(project.pk):
        return 0
    values = {"project": project.pk, "overlap": project.overlap}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CLOSE_SURPLUS, values)
        closed = cursor.rowcount
        cursor.execute(OPEN_MISSING, values)
        return cursor.rowcount - closed
