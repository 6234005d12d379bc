"""What the signals of comparisons are worked out from, read for a batch at a time."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from annotation.domain.vocabulary import VOTERS, AnnotatorKind
from annotation.models import Comparison, Item, Judgment, Response
from curation.domain.signals.votes import Said
from curation.models import Generation, ItemTexts, PromptPoint, ResponseText, Topic
from curation.selectors.vectors import vectors_of

MOST_JUDGED = 50_000  # judgments that novelty looks back over

JUDGED_PROMPTS = """
    SELECT DISTINCT item_texts.prompt_id, last.comparison_id
    FROM (
        SELECT judgment.comparison_id FROM judgment
        JOIN annotator ON annotator.id = judgment.annotator_id AND annotator.kind = 'human'
        WHERE judgment.project_id = %s ORDER BY judgment.id DESC LIMIT %s
    ) last
    JOIN comparison ON comparison.id = last.comparison_id
    JOIN item_texts ON item_texts.item_id = comparison.item_id
"""


@dataclass(frozen=True)
class Judgments:
    """The judgments in force on a comparison, by who gave them."""

    people: list[Said]
    judges: list[Said]


@dataclass(frozen=True)
class Judged:
    """The prompts that people have judged in a project.

    Attributes:
        rows: row of `vectors` of each prompt's text.
        vectors: (n, d), of length 1.
        comparisons: per text the comparisons through which it was judged.
    """

    rows: dict[int, int]
    vectors: NDArray[np.float32]
    comparisons: dict[int, set[int]]

    def row_of_own(self, text: int | None, comparison: int) -> int | None:
        """The row that nothing but this comparison has put there; None if there is none."""
        if text is None or self.comparisons.get(text) != {comparison}:
            return None
        return self.rows.get(text)


def comparisons_of(comparison_ids: Sequence[int]) -> list[Comparison]:
    fields = ("id", "project_id", "item_id", "other_item_id", "response_ids")
    return list(Comparison.objects.filter(pk__in=comparison_ids).only(*fields).order_by("pk"))


def response_contents(comparisons: Sequence[Comparison]) -> dict[int, Any]:
    """The contents of all responses compared, unread, by response."""
    found = Response.objects.filter(
        item__in=item_ids_of(comparisons), pk__in=responses_of(comparisons)
    )
    return dict(found.values_list("pk", "content"))


def prompts_of(comparisons: Sequence[Comparison]) -> dict[int, Any]:
    """The messages of each comparison's first item, unread, by item."""
    found = Item.objects.filter(pk__in={comparison.item_id for comparison in comparisons})
    return dict(found.values_list("pk", "messages"))


def item_ids_of(comparisons: Sequence[Comparison]) -> set[int]:
    both = ((comparison.item_id, comparison.other_item_id) for comparison in comparisons)
    return {item for pair in both for item in pair if item is not None}


def responses_of(comparisons: Sequence[Comparison]) -> set[int]:
    return {response for comparison in comparisons for response in comparison.response_ids}


def prompt_text_ids(comparisons: Sequence[Comparison]) -> dict[int, int]:
    """The text of each first item's prompt, by item."""
    found = ItemTexts.objects.filter(item__in={comparison.item_id for comparison in comparisons})
    return dict(found.values_list("item_id", "prompt_id"))


def response_text_ids(comparisons: Sequence[Comparison]) -> dict[int, int]:
    """The text of each response compared, by response."""
    found = ResponseText.objects.filter(response__in=responses_of(comparisons))
    return dict(found.values_list("response_id", "text_id"))


def vectors_by_text(
    text_ids: Collection[int], generation: Generation
) -> dict[int, NDArray[np.float32]]:
    ids, vectors = vectors_of(sorted(text_ids), generation)
    return dict(zip(ids.tolist(), vectors, strict=True))


def judged_prompts(project_id: int, generation: Generation) -> Judged:
    """The distinct prompts of the last `MOST_JUDGED` judgments of people in a project."""
    comparisons: dict[int, set[int]] = defaultdict(set)
    with connection.cursor() as cursor:
        cursor.execute(JUDGED_PROMPTS, [project_id, MOST_JUDGED])
        for text, comparison in cursor.fetchall():
            comparisons[text].add(comparison)
    ids, vectors = vectors_of(sorted(comparisons), generation)
    return Judged({text: row for row, text in enumerate(ids.tolist())}, vectors, dict(comparisons))


def judgments_of(comparison_ids: Sequence[int]) -> dict[int, Judgments]:
    """The judgments in force on each comparison, oldest first; one without has none."""
    said: dict[int, Judgments] = {pk: Judgments([], []) for pk in comparison_ids}
    found = Judgment.objects.in_force().filter(
        comparison_id__in=comparison_ids, annotator__kind__in=VOTERS
    )
    for row in found.order_by("judged_at", "pk").values_list(
        "comparison_id",
        "annotator__kind",
        "annotator_id",
        "outcome",
        "ranking",
        "shown_order",
        "active_seconds",
    ):
        comparison, kind, annotator, outcome, ranking, order, seconds = row
        both = said[comparison]
        of_kind = both.people if kind == AnnotatorKind.HUMAN else both.judges
        of_kind.append(Said(annotator, outcome, ranking, order or (), seconds))
    return said


def topics_of(comparisons: Sequence[Comparison]) -> dict[int, tuple[int, str]]:
    """Number and label of the topic of each comparison's prompt; one without is left out."""
    texts = prompt_text_ids(comparisons)
    projects = {comparison.project_id for comparison in comparisons}
    points = PromptPoint.objects.filter(prompt_map__in=projects, text__in=set(texts.values()))
    number = {(m, t): n for m, t, n in points.values_list("prompt_map_id", "text_id", "topic")}
    topics = Topic.objects.filter(prompt_map__in=projects)
    label = {(m, n): name for m, n, name in topics.values_list("prompt_map_id", "number", "label")}
    found = {}
    for comparison in comparisons:
        topic = number.get((comparison.project_id, texts.get(comparison.item_id, 0)))
        if topic is not None:
            found[comparison.pk] = (topic, label.get((comparison.project_id, topic), ""))
    return found
