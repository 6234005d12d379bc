"""What may be picked for annotation, and what is known about it, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db import connection
from django.db.models import CharField, Count, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, Concat
from numpy.typing import NDArray

from annotation.domain.errors import DomainError
from annotation.models import Comparison, Item, Project
from curation.domain.selection.costs import reading_minutes
from curation.domain.selection.pool import Pool
from curation.domain.selection.wish import METADATA, Wish, signal_name
from curation.domain.signals.registry import signal_named
from curation.domain.vocabulary import DuplicateKind, SelectionMethod, SignalFamily
from curation.models import DuplicateMember, Generation, ItemTexts, Signals
from curation.selectors.vectors import active_generation, vectors_of

VECTORS_AT_ONCE = 2_000
GROUP_SIGNALS = {
    "topic": (SignalFamily.TOPIC, "topic_label"),
    "language": (SignalFamily.TEXT, "prompt_language"),
}
WIDEST_FIRST = (DuplicateKind.SEMANTIC, DuplicateKind.NEAR, DuplicateKind.EXACT)
TRUTHS = {"true": 1.0, "false": 0.0}
CHARACTERS = """
    SELECT c.id, prompt.n_chars + sum(text.n_chars)
    FROM comparison c
    JOIN item_texts ON item_texts.item_id = c.item_id
    JOIN text prompt ON prompt.id = item_texts.prompt_id
    CROSS JOIN LATERAL unnest(c.response_ids) AS compared(id)
    JOIN response_text ON response_text.response_id = compared.id
    JOIN text ON text.id = response_text.text_id
    WHERE c.project_id = %s AND c.id = ANY(%s)
    GROUP BY c.id, prompt.n_chars
"""


class NoVectors(DomainError):
    """Likeness cannot be told, as nothing is embedded yet."""

    code, status = "no_vectors", 409


@dataclass(frozen=True)
class Candidates:
    """Open comparisons in the order of the queue, their items, and how many are left out."""

    comparisons: NDArray[np.int64]
    items: NDArray[np.int64]
    n_duplicates: int


def open_candidates(project: Project, *, leaves_out_duplicates: bool) -> Candidates:
    """Comparisons that are not settled.

    Those of duplicates can be left out: whoever stands for the group stays.
    """
    found = unsettled(project)
    n_duplicates = 0
    if leaves_out_duplicates:
        stood_for = DuplicateMember.objects.filter(item=OuterRef("item")).exclude(
            group__representative=OuterRef("item")
        )
        n_duplicates = found.filter(Exists(stood_for)).count()
        found = found.exclude(Exists(stood_for))
    rows = list(found.order_by("rank", "id").values_list("id", "item_id"))
    both = np.array(rows, dtype=np.int64).reshape(-1, 2)
    return Candidates(both[:, 0], both[:, 1], n_duplicates)


def unsettled(project: Project) -> QuerySet[Comparison]:
    is_open = Q(consensus__isnull=True) | Q(consensus__is_settled=False)
    return Comparison.objects.filter(is_open, project=project)


def pool_of(project: Project, found: Candidates, wish: Wish) -> Pool:
    """What the wish needs to know of each candidate: of items with more than k responses where
    responses are picked, else of comparisons."""
    columns = [signal_values(project, signal_name(name)) for name in wish.signals]
    comparisons = found.comparisons.tolist()
    values = np.array(
        [[column.get(pk, np.nan) for column in columns] for pk in comparisons], dtype=np.float64
    ).reshape(len(comparisons), len(columns))
    groups = groups_of(project, wish.groups)
    if wish.method == SelectionMethod.RESPONSES:
        items, means = _by_item(found.items, values)
        is_rich = np.isin(items, items_with_more(project, wish.k))
        items, means = items[is_rich], means[is_rich]
        named = [groups.get(item, "") for item in items.tolist()]
        return Pool(items, means, named, np.ones(len(items)))
    named = [groups.get(item, "") for item in found.items.tolist()]
    return Pool(found.comparisons, values, named, minutes_of(project, comparisons))


def items_with_more(project: Project, k: int) -> list[int]:
    """Items with more than k responses."""
    counted = Item.objects.filter(project=project).annotate(n=Count("responses"))
    return list(counted.filter(n__gt=k).values_list("id", flat=True))


def signal_values(project: Project, name: str) -> dict[int, float]:
    """A signal of all comparisons of a project that have it, a flag as 0 or 1."""
    signal = signal_named(name)
    if signal is None:
        return {}
    found = Signals.objects.filter(project=project, family=signal.family)
    told = found.annotate(told=KeyTextTransform(name, "values")).filter(told__isnull=False)
    return {
        pk: TRUTHS[text] if text in TRUTHS else float(text)
        for pk, text in told.values_list("comparison_id", "told")
    }


def groups_of(project: Project, by: str) -> dict[int, str]:
    """The group of each item that has one."""
    if by.startswith(METADATA):
        key = KeyTextTransform(by.removeprefix(METADATA), "metadata")
        items = Item.objects.filter(project=project).annotate(told=key)
        return dict(items.filter(told__isnull=False).values_list("id", "told"))
    if by == "duplicates":
        return duplicate_names(project)
    if by not in GROUP_SIGNALS:
        return {}
    family, name = GROUP_SIGNALS[by]
    rows = Signals.objects.filter(project=project, family=family).annotate(
        told=KeyTextTransform(name, "values")
    )
    return dict(rows.filter(told__isnull=False).values_list("comparison__item_id", "told"))


def duplicate_names(project: Project) -> dict[int, str]:
    """Each duplicate's group by the item that stands for it, of the widest kind that it is in."""
    named: dict[int, str] = {}
    prefix = Value("like ", output_field=CharField())
    for kind in WIDEST_FIRST:
        members = DuplicateMember.objects.filter(kind=kind, group__project=project).annotate(
            name=Concat(prefix, Coalesce("group__representative__external_id", Value("")))
        )
        named = dict(members.values_list("item_id", "name")) | named
    return named


def minutes_of(project: Project, comparison_ids: Sequence[int]) -> NDArray[np.float64]:
    """What reading each comparison costs, shape (n,)."""
    with connection.cursor() as cursor:
        cursor.execute(CHARACTERS, [project.pk, list(comparison_ids)])
        known = {pk: float(n_chars) for pk, n_chars in cursor.fetchall()}
    return reading_minutes(np.array([known.get(pk, np.nan) for pk in comparison_ids]))


class PromptVectors:
    """Vectors of the candidates' prompts under the active generation, read when they are needed."""

    def __init__(self, item_of: dict[int, int]) -> None:
        self.item_of = item_of

    def of(self, ids: NDArray[np.int64]) -> NDArray[np.floating]:
        """Vectors of prompts, shape (len(ids), dimensions), 0 where there is none yet.

        Raises:
            NoVectors: no generation is complete, or none of these has a vector.
        """
        items = [self.item_of[pk] for pk in ids.tolist()]
        generation = needed_generation()
        prompts = dict(
            ItemTexts.objects.filter(item__in=set(items)).values_list("item_id", "prompt_id")
        )
        known = _vectors_by_text(sorted(set(prompts.values())), generation)
        vectors = np.zeros((len(items), generation.dimensions), dtype=np.float16)
        for place, item in enumerate(items):
            if (text := prompts.get(item)) in known:
                vectors[place] = known[text]
        if len(vectors) and not vectors.any():
            raise no_vectors()
        return vectors


def needed_generation() -> Generation:
    generation = active_generation()
    if generation is None:
        raise no_vectors()
    return generation


def no_vectors() -> NoVectors:
    return NoVectors(
        "Nothing here is embedded yet: wait until it is, or pick without diversity.",
        field="weight",
    )


def _vectors_by_text(
    text_ids: Sequence[int], generation: Generation
) -> dict[int, NDArray[np.float16]]:
    known: dict[int, NDArray[np.float16]] = {}
    for start in range(0, len(text_ids), VECTORS_AT_ONCE):
        found, vectors = vectors_of(text_ids[start : start + VECTORS_AT_ONCE], generation)
        known |= dict(zip(found.tolist(), vectors.astype(np.float16), strict=True))
    return known


def _by_item(
    items: NDArray[np.int64], values: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Items in the order of their first comparison, each with the means of its known values."""
    _, first, codes = np.unique(items, return_index=True, return_inverse=True)
    sums, counts = (np.zeros((len(first), values.shape[1])) for _ in range(2))
    np.add.at(sums, codes, np.nan_to_num(values))
    np.add.at(counts, codes, ~np.isnan(values))
    means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    order = np.argsort(first, kind="stable")
    return items[first[order]], means[order]
