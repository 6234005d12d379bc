"""Judgments as lists: an annotator's own history, or everything said in a project."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from annotation.domain.vocabulary import Outcome
from annotation.domain.wording import letters_of, verdict_sentence
from annotation.models import Comparison, Judgment, Project, Response
from annotation.selectors.items import excerpt_of
from annotation.selectors.paging import Cursor, Page, page_of


@dataclass(frozen=True)
class HistoryRow:
    """A judgment in a list."""

    id: int
    comparison_id: int
    excerpt: str
    who: str
    annotator_id: int
    kind: str
    sentence: str
    seconds: float | None
    is_late: bool
    is_superseded: bool
    judged_at: datetime


def judgments_page(
    project: Project, cursor: Cursor, *, annotator_id: int | None = None, outcome: str = ""
) -> Page:
    """Find a page of judgments, the newest first. An outcome scans a bounded stretch."""
    said = Judgment.objects.filter(project=project)
    if annotator_id is not None:
        said = said.filter(annotator_id=annotator_id)
    said = said.select_related("annotator", "comparison__item", "superseded_by")
    page = page_of(
        said,
        cursor,
        newest_first=True,
        matching=(lambda rows: rows.filter(outcome=Outcome(outcome))) if outcome else None,
    )
    return page.with_rows(_rows(project, page.rows))


def annotator_name(project: Project, annotator_id: int) -> str:
    """Name an annotator who has judged in a project; "" for anybody else, whatever their name."""
    said = Judgment.objects.filter(project=project, annotator_id=annotator_id)
    return said.values_list("annotator__name", flat=True).first() or ""


def _rows(project: Project, judgments: Sequence[Judgment]) -> list[HistoryRow]:
    letters = _letters(judgments)
    return [
        HistoryRow(
            id=judgment.id,
            comparison_id=judgment.comparison_id,
            excerpt=excerpt_of(judgment.comparison.item),
            who=judgment.annotator.name,
            annotator_id=judgment.annotator_id,
            kind=judgment.annotator.kind,
            sentence=verdict_sentence(
                judgment.outcome,
                judgment.ranking,
                judgment.strength,
                judgment.reason,
                letters[judgment.comparison_id],
                project.strength_levels,
            ),
            seconds=judgment.active_seconds,
            is_late=judgment.is_late,
            is_superseded=hasattr(judgment, "superseded_by"),
            judged_at=judgment.judged_at,
        )
        for judgment in judgments
    ]


def _letters(judgments: Sequence[Judgment]) -> dict[int, dict[int, str]]:
    """Name each comparison's responses as its own page does: by item, then by position."""
    comparisons = {judgment.comparison_id: judgment.comparison for judgment in judgments}
    wanted = {response for one in comparisons.values() for response in one.response_ids}
    found = Response.objects.filter(id__in=wanted).order_by("position").only("id", "item_id")
    responses = {response.id: response for response in found}
    return {id: letters_of(_as_shown(one, responses)) for id, one in comparisons.items()}


def _as_shown(comparison: Comparison, responses: dict[int, Response]) -> list[int]:
    """Ids of the compared responses in the order of their positions, the own item's first."""
    compared = [one for id, one in responses.items() if id in comparison.response_ids]
    compared.sort(key=lambda response: response.item_id != comparison.item_id)
    return [response.id for response in compared]
