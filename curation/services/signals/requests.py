"""Asks for signals: rows in the queue that the drains work off."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from annotation.models import Comparison, Consensus, Project
from curation.domain.signals.registry import VERSIONS
from curation.domain.vocabulary import SignalFamily
from curation.models import ImportedSignal

AT_ONCE = 5_000  # outdated rows that are asked for at a time

# An update, not nothing, where the row is there: a drain may be about to delete it.
ASK = """
    INSERT INTO signal_request (comparison_id, family, queued_at, tries, error)
    SELECT id, family, %(now)s, 0, ''
    FROM unnest(%(comparisons)s::bigint[]) AS id, unnest(%(families)s::text[]) AS family
    ORDER BY id, family
    ON CONFLICT (family, comparison_id) DO UPDATE
    SET queued_at = excluded.queued_at, tries = 0, error = ''
"""
# What was set aside under an older version is tried again under a newer one only by a rebuild.
ASK_OUTDATED = """
    INSERT INTO signal_request (comparison_id, family, queued_at, tries, error)
    SELECT comparison_id, family, %(now)s, 0, '' FROM signals
    WHERE family = %(family)s AND version < %(version)s
      AND (%(project)s::bigint IS NULL OR project_id = %(project)s)
      AND NOT EXISTS (
          SELECT FROM signal_request asked
          WHERE asked.family = signals.family AND asked.comparison_id = signals.comparison_id
      )
    ORDER BY comparison_id LIMIT %(limit)s
    ON CONFLICT (family, comparison_id) DO NOTHING
"""
WORKED_OUT_HERE = tuple(family for family in SignalFamily if family != SignalFamily.DIFFICULTY)


def ask(
    *, comparison_ids: Collection[int], families: Sequence[SignalFamily], now: datetime
) -> None:
    """Ask for some families of signals of some comparisons. Safe to repeat."""
    if not comparison_ids or not families:
        return
    wanted: dict[str, Any] = {
        "comparisons": sorted(comparison_ids),
        "families": [family.value for family in families],
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(ASK, wanted)


def ask_outdated(*, now: datetime, project: Project | None = None) -> int:
    """Ask for signals that an older version of the code has made, up to `AT_ONCE` of a family.

    Returns:
        How many were asked for that were not asked for before.
    """
    asked = 0
    with connection.cursor() as cursor:
        for family in WORKED_OUT_HERE:
            wanted: dict[str, Any] = {
                "family": family.value,
                "version": VERSIONS[family],
                "project": project.pk if project else None,
                "limit": AT_ONCE,
                "now": now,
            }
            cursor.execute(ASK_OUTDATED, wanted)
            asked += cursor.rowcount
    return asked


def rebuild(
    *, project: Project, now: datetime, families: Sequence[SignalFamily] = WORKED_OUT_HERE
) -> int:
    """Ask for families of signals of all comparisons of a project, what was set aside included.

    Safe to repeat.

    Returns:
        How many requests now wait for the drains.
    """
    n_asked = 0
    for family in families:
        comparison_ids = comparisons_with(project, family)
        ask(comparison_ids=comparison_ids, families=[family], now=now)
        n_asked += len(comparison_ids)
    return n_asked


def comparisons_with(project: Project, family: SignalFamily) -> list[int]:
    """The comparisons that may have signals of a family."""
    found = Comparison.objects.filter(project=project)
    if family in (SignalFamily.VOTES, SignalFamily.JUDGES):
        found = found.filter(pk__in=Consensus.objects.filter(project=project).values("pk"))
    if family == SignalFamily.IMPORTED:
        items = ImportedSignal.objects.filter(project=project).values("item")
        found = found.filter(item__in=items) | found.filter(other_item__in=items)
    return list(found.values_list("pk", flat=True))
