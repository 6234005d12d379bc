"""Which few responses of an item stand for the others and differ among themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from annotation.domain.vocabulary import ResponseFormat
from annotation.models import Consensus, Project
from curation.domain.selection.aepo import Subset, pick_subset
from curation.domain.selection.wish import Wish
from curation.domain.signals.registry import IMPORTED_PREFIX
from curation.models import Generation, ImportedSignal, ResponseText
from curation.selectors.candidates import needed_generation
from curation.selectors.vectors import vectors_of

ITEMS_AT_ONCE = 200


@dataclass(frozen=True)
class Chosen:
    """The chosen responses of an item, ascending, out of how many, and how they were found."""

    item: int
    responses: tuple[int, ...]
    n: int
    subset: Subset

    @property
    def reason(self) -> str:
        how = "the best of all choices" if self.subset.is_exact else "the best choice found"
        k = len(self.responses)
        return f"{k} of {self.n} responses, {how} by {self.subset.value:.3f}"


def chosen_responses(items: Sequence[int], wish: Wish) -> list[Chosen]:
    """Choose k responses of each item, in the order given.

    An item with fewer than k responses that have a vector, or a quality where one is asked for, is
    left out. Equal texts count as equal responses, so the second of them adds nothing.

    Raises:
        NoVectors: nothing is embedded yet.
    """
    generation = needed_generation()
    found: list[Chosen] = []
    for start in range(0, len(items), ITEMS_AT_ONCE):
        found += _chosen(items[start : start + ITEMS_AT_ONCE], wish, generation)
    return found


def compared(chosen: Chosen, project: Project) -> list[tuple[int, ...]]:
    """What is compared of the chosen responses: all at once in a ranking project, else pairs."""
    if project.response_format == ResponseFormat.RANKING:
        return [chosen.responses]
    return list(combinations(chosen.responses, 2))


def _chosen(items: Sequence[int], wish: Wish, generation: Generation) -> list[Chosen]:
    rows = ResponseText.objects.filter(item__in=items).order_by("response_id")
    by_item: dict[int, list[tuple[int, int]]] = {item: [] for item in items}
    for item, response, text in rows.values_list("item_id", "response_id", "text_id"):
        by_item[item].append((response, text))
    texts = sorted({text for pairs in by_item.values() for _, text in pairs})
    known, vectors = vectors_of(texts, generation)
    place_of = dict(zip(known.tolist(), range(len(known)), strict=True))
    quality = _quality_of(items, wish.quality)
    chosen = []
    for item, pairs in by_item.items():
        usable = [
            (response, place_of[text])
            for response, text in pairs
            if text in place_of and (not wish.quality or response in quality)
        ]
        if len(usable) >= wish.k:
            chosen.append(_pick(item, usable, vectors, quality, wish))
    return chosen


def _pick(
    item: int,
    usable: Sequence[tuple[int, int]],
    vectors: NDArray[np.float32],
    quality: dict[int, float],
    wish: Wish,
) -> Chosen:
    theirs = vectors[[place for _, place in usable]]
    subset = pick_subset(
        (theirs @ theirs.T).astype(np.float64),
        wish.k,
        weight=wish.subset_weight,
        quality=np.array([quality[pk] for pk, _ in usable]) if wish.quality else None,
    )
    return Chosen(item, tuple(usable[place][0] for place in subset.places), len(usable), subset)


def _quality_of(items: Sequence[int], quality: str) -> dict[int, float]:
    """By response: its mean share of wins so far, or what was imported about it."""
    if not quality:
        return {}
    if quality.startswith(IMPORTED_PREFIX):
        name = quality.removeprefix(IMPORTED_PREFIX)
        imported = ImportedSignal.objects.filter(item__in=items, name=name, response__isnull=False)
        return dict(imported.values_list("response_id", "value"))
    shares: dict[int, list[float]] = {}
    found = Consensus.objects.filter(comparison__item__in=items, n_votes__gt=0)
    for scores in found.values_list("scores", flat=True):
        for response, share in scores.items():
            shares.setdefault(int(response), []).append(share)
    return {response: fmean(known) for response, known in shares.items()}
