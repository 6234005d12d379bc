"""The wanted judgments of comparisons that something other than the overlap decides on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from annotation.domain.profiles import TAG_MAX, tag_of
from annotation.domain.vocabulary import Audience
from annotation.models import Project
from annotation.services import slots
from annotation.services.importing import copying

# In the order in which others lock: a change of the project first, then slots, then comparisons.
HOLD_PROJECT = "SELECT FROM project WHERE id = %(project)s FOR KEY SHARE"
LOCK_SLOTS = """
    SELECT id FROM slot WHERE comparison_id = ANY(%(ids)s) AND filled_at IS NULL
    ORDER BY id FOR UPDATE
"""
LOCK_COMPARISONS = """
    SELECT id FROM comparison WHERE id = ANY(%(ids)s) ORDER BY id FOR NO KEY UPDATE
"""
WANTED = """
    WITH wanted AS (
        SELECT c.id, listed.overlap, listed.audience, listed.expertise,
               greatest(least(c.rank::bigint + listed.rank, 2147483647), -2147483648)::int AS rank
        FROM unnest(
            %(ids)s::bigint[], %(overlaps)s::int[], %(audiences)s::text[], %(expertises)s::text[],
            %(ranks)s::int[]
        ) AS listed(id, overlap, audience, expertise, rank)
        JOIN comparison c ON c.id = listed.id AND c.project_id = %(project)s
    )
"""
# A slot without a holder is open and nobody ever had it. Those that somebody has or had count.
CLOSE_SURPLUS = f"""
    {WANTED}, placed AS (
        SELECT slot.id, wanted.overlap, row_number() OVER (
            PARTITION BY comparison_id ORDER BY (holder_id IS NULL), ordinal
        ) AS place
        FROM slot JOIN wanted ON wanted.id = comparison_id
    )
    DELETE FROM slot USING placed
    WHERE slot.id = placed.id AND place > overlap AND holder_id IS NULL
"""  # noqa: S608 - all parts are constants
RETARGET = f"""
    {WANTED}
    UPDATE slot SET audience = wanted.audience, expertise = wanted.expertise, rank = wanted.rank
    FROM wanted
    WHERE comparison_id = wanted.id AND holder_id IS NULL
      AND (slot.audience, slot.expertise, slot.rank)
          <> (wanted.audience, wanted.expertise, wanted.rank)
"""  # noqa: S608 - all parts are constants
OPEN_MISSING = f"""
    {WANTED}
    INSERT INTO slot (project_id, comparison_id, ordinal, rank, audience, expertise, lease_epoch)
    SELECT %(project)s, wanted.id, free.ordinal, wanted.rank, wanted.audience, wanted.expertise, 0
    FROM wanted
    CROSS JOIN LATERAL (
        SELECT count(*) AS n FROM slot WHERE comparison_id = wanted.id
    ) taken
    CROSS JOIN LATERAL (
        SELECT ordinal FROM generate_series(1, 100) AS ordinal
        WHERE NOT EXISTS (
            SELECT FROM slot WHERE comparison_id = wanted.id AND slot.ordinal = ordinal.ordinal
        )
        ORDER BY ordinal LIMIT greatest(wanted.overlap - taken.n, 0)
    ) free
    ORDER BY wanted.rank, wanted.id, free.ordinal
"""  # noqa: S608 - all parts are constants
FORGET_ROUTES = """
    UPDATE slot SET audience = 'human', expertise = '', rank = c.rank FROM comparison c
    WHERE c.id = comparison_id AND slot.project_id = %(project)s AND holder_id IS NULL
      AND (slot.audience, slot.expertise, slot.rank) <> ('human', '', c.rank)
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who is to judge a comparison among people, and how many of them; an overlap of 0 is nobody.

    `rank` is added to the comparison's own.
    """

    overlap: int
    audience: Audience = Audience.HUMAN
    expertise: str = ""
    rank: int = 0


NOBODY = Wanted(0)


def apply_routes(*, project: Project, wanted: Mapping[int, Wanted]) -> None:
    """Open, close and retarget slots, so that each comparison has those that are wanted.

    Slots that are filled, or that somebody holds or held, stay as they are and count; so there are
    never more than wanted unless more had been given out before. Safe to repeat, also in parallel.

    Args:
        wanted: by comparison id; ids of other projects are passed over.
    """
    ids = sorted(wanted)
    values: dict[str, Any] = {
        "project": project.pk,
        "ids": ids,
        "overlaps": [wanted[pk].overlap for pk in ids],
        "audiences": [wanted[pk].audience.value for pk in ids],
        "expertises": [tag_of(wanted[pk].expertise)[:TAG_MAX] for pk in ids],
        "ranks": [wanted[pk].rank for pk in ids],
    }
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in (HOLD_PROJECT, LOCK_SLOTS, LOCK_COMPARISONS):
            cursor.execute(statement, values)
        for statement in (CLOSE_SURPLUS, RETARGET, OPEN_MISSING):
            cursor.execute(statement, values)


def hold_imports(*, project: Project) -> None:
    """Wait for the imports that are being written, and keep others waiting, in the caller's
    transaction: each writes its comparisons with slots or without, never in between."""
    copying.lock_project(project.pk)


def begin_routing(*, project: Project) -> None:
    """Let routes open the slots of a project from now on; those that there are stay for now.

    Safe to repeat.
    """
    with transaction.atomic():
        hold_imports(project=project)
        Project.objects.filter(pk=project.pk).update(is_routed=True)


def end_routing(*, project: Project) -> None:
    """Give a project back to its overlap: slots are opened and closed as it wants them.

    Safe to repeat.
    """
    with transaction.atomic():
        hold_imports(project=project)
        Project.objects.filter(pk=project.pk).update(is_routed=False)
        with connection.cursor() as cursor:
            cursor.execute(FORGET_ROUTES, {"project": project.pk})
        slots.fit_slots(project=project)
