"""Says which vectors are complete: asks for the signals and the duplicates that rest on them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q

from annotation.models import Comparison
from curation.domain.vocabulary import DuplicateKind, SignalFamily
from curation.models import Embedding, Generation, ItemTexts, ResponseText

READY = 0x51526479  # "QRdy"

# An update, not nothing, where the row is there: a drain may be about to delete it.
ASK_SIGNALS = """
    INSERT INTO signal_request (comparison_id, family, queued_at)
    SELECT id, %(family)s, %(now)s FROM unnest(%(comparisons)s::bigint[]) AS id ORDER BY id
    ON CONFLICT (family, comparison_id) DO UPDATE
    SET queued_at = excluded.queued_at, tries = 0, error = ''
"""
ASK_DUPLICATES = """
    INSERT INTO duplicate_request (project_id, kind, text_id, queued_at, tries, error)
    SELECT project, %(kind)s, text, %(now)s, 0, ''
    FROM unnest(%(projects)s::bigint[], %(texts)s::bigint[]) AS wanted(project, text)
    ORDER BY project, text
    ON CONFLICT (project_id, kind, text_id) DO UPDATE
    SET queued_at = excluded.queued_at, tries = 0, error = ''
"""
ASK_ALL_SIGNALS = """
    INSERT INTO signal_request (comparison_id, family, queued_at)
    SELECT id, %(family)s, %(now)s FROM comparison ORDER BY id
    ON CONFLICT (family, comparison_id) DO UPDATE
    SET queued_at = excluded.queued_at, tries = 0, error = ''
"""
ASK_ALL_DUPLICATES = """
    INSERT INTO duplicate_request (project_id, kind, text_id, queued_at, tries, error)
    SELECT DISTINCT project_id, %(kind)s, prompt_id, %(now)s::timestamptz, 0, '' FROM item_texts
    ORDER BY 1, 3
    ON CONFLICT (project_id, kind, text_id) DO UPDATE
    SET queued_at = excluded.queued_at, tries = 0, error = ''
"""


def take_turns() -> None:
    """Let those who say what is complete do it one after another, until each has committed.

    Otherwise two workers that embed two texts of an item at once would each miss the other's.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [READY])


def announce_items(*, item_ids: Collection[int], generation: Generation, now: datetime) -> None:
    """Ask for what rests on the vectors of some items, as far as these are there.

    Call `take_turns` before, behind the last write of what is told here.
    """
    items = list(ItemTexts.objects.filter(item__in=item_ids))
    embedded = embedded_of({item.prompt_id for item in items}, generation)
    pairs = {(one.project_id, one.prompt_id) for one in items if one.prompt_id in embedded}
    ask_duplicates(kind=DuplicateKind.SEMANTIC, pairs=pairs, now=now)
    ask_signals(comparison_ids=ready_comparisons(item_ids, generation), now=now)


def announce_texts(*, text_ids: Collection[int], generation: Generation, now: datetime) -> None:
    """Ask for what rests on the vectors of some texts, all of which are there.

    Call `take_turns` before, behind the last write of what is told here.
    """
    prompts = ItemTexts.objects.filter(prompt__in=text_ids)
    pairs = set(prompts.values_list("project_id", "prompt_id"))
    ask_duplicates(kind=DuplicateKind.SEMANTIC, pairs=pairs, now=now)
    answers = ResponseText.objects.filter(text__in=text_ids)
    item_ids = {*prompts.values_list("pk", flat=True), *answers.values_list("item_id", flat=True)}
    ask_signals(comparison_ids=ready_comparisons(item_ids, generation), now=now)


def announce_everything(*, now: datetime) -> None:
    """Ask for all that rests on vectors, of all projects: another generation is in force."""
    with connection.cursor() as cursor:
        cursor.execute(ASK_ALL_SIGNALS, {"family": SignalFamily.VECTORS.value, "now": now})
        cursor.execute(ASK_ALL_DUPLICATES, {"kind": DuplicateKind.SEMANTIC.value, "now": now})


def ask_duplicates(
    *, kind: DuplicateKind, pairs: Collection[tuple[int, int]], now: datetime
) -> None:
    """Ask for the duplicates of texts by one kind of evidence; pairs of project and text."""
    if not pairs:
        return
    projects, texts = zip(*pairs, strict=True)
    wanted: dict[str, Any] = {
        "kind": kind.value,
        "projects": list(projects),
        "texts": list(texts),
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(ASK_DUPLICATES, wanted)


def ask_signals(*, comparison_ids: Sequence[int], now: datetime) -> None:
    if not comparison_ids:
        return
    wanted: dict[str, Any] = {
        "family": SignalFamily.VECTORS.value,
        "comparisons": comparison_ids,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(ASK_SIGNALS, wanted)


def ready_comparisons(item_ids: Collection[int], generation: Generation) -> list[int]:
    """Find comparisons of some items, joint ones included, all of whose items are embedded."""
    touched = Comparison.objects.filter(Q(item__in=item_ids) | Q(other_item__in=item_ids))
    found = list(touched.values_list("pk", "item_id", "other_item_id"))
    ready = embedded_items({item for _, *items in found for item in items if item}, generation)
    return [pk for pk, item, other in found if item in ready and (not other or other in ready)]


def embedded_items(item_ids: Collection[int], generation: Generation) -> set[int]:
    """Find the items whose prompt and responses all have their vectors."""
    prompts = ItemTexts.objects.filter(item__in=item_ids).values_list("item_id", "prompt_id")
    answers = ResponseText.objects.filter(item__in=item_ids).values_list("item_id", "text_id")
    stands_in = [*prompts, *answers]
    embedded = embedded_of({text for _, text in stands_in}, generation)
    missing = {item for item, text in stands_in if text not in embedded}
    return {item for item, _ in prompts} - missing


def embedded_of(text_ids: Collection[int], generation: Generation) -> set[int]:
    found = Embedding.objects.filter(generation=generation, text__in=text_ids)
    return set(found.values_list("text_id", flat=True))
