"""Asks for the duplicates of texts, and for items to be regrouped."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection

from annotation.models import Project
from curation.domain.duplicates.policy import PROMPT, PROMPT_AND_RESPONSES, RESPONSE
from curation.domain.vocabulary import DuplicateKind

# An update, not nothing, where the row is there: a drain may be about to delete it.
REGROUP = """
    INSERT INTO regroup_request (item_id, project_id, queued_at)
    SELECT item_id, project_id, %(now)s::timestamptz FROM item_texts
    WHERE project_id = %(project)s {which} ORDER BY 1
    ON CONFLICT (item_id) DO UPDATE
    SET queued_at = excluded.queued_at, tries = 0, error = ''
"""
OF_ITEMS = "AND item_id = ANY(%(items)s)"
OF_TEXTS = """
    AND (prompt_id = ANY(%(texts)s) OR item_id IN (
        SELECT item_id FROM response_text
        WHERE project_id = %(project)s AND text_id = ANY(%(texts)s)
    ))
"""
SEARCH = """
    INSERT INTO duplicate_request (project_id, kind, text_id, queued_at, tries, error)
    SELECT DISTINCT %(project)s::bigint, %(kind)s, text_id, %(now)s::timestamptz, 0, ''
    FROM ({texts}) AS wanted ORDER BY 3
    ON CONFLICT (project_id, kind, text_id) DO UPDATE
    SET queued_at = excluded.queued_at, tries = 0, error = ''
"""
PROMPTS = "SELECT prompt_id AS text_id FROM item_texts WHERE project_id = %(project)s"
RESPONSES = "SELECT text_id FROM response_text WHERE project_id = %(project)s"
TEXTS = {
    PROMPT: PROMPTS,
    RESPONSE: RESPONSES,
    PROMPT_AND_RESPONSES: f"{PROMPTS} UNION {RESPONSES}",
}
OF_PAIRS = """
    AND item_id IN (
        SELECT item_id FROM duplicate_member JOIN duplicate_group
        ON duplicate_group.id = group_id
        WHERE project_id = %(project)s AND duplicate_member.kind = %(kind)s
    )
"""
OF_ANSWERED = """
    SELECT text_id FROM response_text JOIN item_texts USING (item_id)
    WHERE item_texts.project_id = %(project)s AND prompt_id = ANY(%(prompts)s)
"""


SEARCH_LOCK = 0x51447053  # "QDpS": searches share it; whoever changes what they look for does not


def hold_rules(project_id: int, *, alone: bool = False) -> None:
    """Keep what is searched for in a project as it is until this transaction ends.

    Args:
        alone: for whoever changes it: waits for all searches to end.
    """
    lock = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {lock}(%s, %s)", [SEARCH_LOCK, project_id % 2**31])  # noqa: S608


def regroup_items(*, project_id: int, item_ids: Collection[int], now: datetime) -> None:
    ask(REGROUP.format(which=OF_ITEMS), project=project_id, items=list(item_ids), now=now)


def regroup_texts(*, project_id: int, text_ids: Collection[int], now: datetime) -> None:
    """Ask for all items of a project that have one of some texts."""
    ask(REGROUP.format(which=OF_TEXTS), project=project_id, texts=list(text_ids), now=now)


def regroup_pairs(*, project_id: int, kind: DuplicateKind, now: datetime) -> None:
    """Ask for the items that are in a group of one kind now."""
    ask(REGROUP.format(which=OF_PAIRS), project=project_id, kind=kind.value, now=now)


def regroup_all(*, project: Project, now: datetime) -> int:
    """Ask for every item of a project that has been read; give how many."""
    return ask(REGROUP.format(which=""), project=project.pk, now=now)


def search_all(*, project_id: int, kind: DuplicateKind, what: str, now: datetime) -> int:
    """Ask for the duplicates of all texts of a project that count; give how many."""
    statement = SEARCH.format(texts=TEXTS[what])
    return ask(statement, project=project_id, kind=kind.value, now=now)


def search_responses(
    *, project_id: int, kind: DuplicateKind, prompt_ids: Collection[int], now: datetime
) -> int:
    """Ask for the duplicates of the responses to some prompts; give how many."""
    statement = SEARCH.format(texts=OF_ANSWERED)
    prompts = list(prompt_ids)
    return ask(statement, project=project_id, kind=kind.value, prompts=prompts, now=now)


def ask(statement: str, **values: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.rowcount
