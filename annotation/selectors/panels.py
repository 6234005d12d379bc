"""One comparison as the person who judges it sees it: nothing that tells who wrote what."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotation.domain.content import Message, text_of
from annotation.domain.errors import NotFound
from annotation.domain.vocabulary import CriterionKind
from annotation.models import (
    Annotator,
    Comparison,
    Criterion,
    Draft,
    Item,
    Judgment,
    Project,
    Response,
    Slot,
)
from annotation.selectors.questions import criteria_asked, responses_of

STRENGTH_WORDS = {
    1: ("better",),
    2: ("slightly better", "much better"),
    3: ("slightly better", "better", "much better"),
    4: ("slightly better", "better", "much better", "far better"),
}


@dataclass(frozen=True)
class Turn:
    role: str
    text: str


@dataclass(frozen=True)
class Card:
    """A response at its place on the page; `earlier` are the turns before its last answer."""

    id: int
    label: str
    text: str
    earlier: Sequence[Turn]


@dataclass(frozen=True)
class Step:
    """One answer on the scale between two responses."""

    value: str
    words: str
    mark: str


@dataclass(frozen=True)
class Row:
    """A criterion as asked: one choice between two responses, or a number for each."""

    key: str
    name: str
    description: str
    is_choice: bool
    is_rating: bool
    numbers: Sequence[int]


@dataclass(frozen=True)
class Panel:
    """What is judged and what is asked. `draft` is an answer to begin with, or None."""

    slot: Slot
    project: Project
    context: str
    turns: Sequence[Turn]
    other_turns: Sequence[Turn]
    cards: Sequence[Card]
    rows: Sequence[Row]
    draft: Mapping[str, Any] | None
    corrects: int | None = None

    @property
    def is_pair(self) -> bool:
        return len(self.cards) == 2

    @property
    def scale(self) -> list[Step]:
        return scale_of(self.project) if self.is_pair else []

    @property
    def places(self) -> range:
        return range(1, len(self.cards) + 1)


def panel_of(slot: Slot, annotator: Annotator) -> Panel:
    """Build the panel of a slot, its responses shuffled unless a draft knows their order."""
    found = Draft.objects.filter(slot=slot, annotator=annotator)
    draft = found.values_list("payload", flat=True).first()
    return _panel(slot, slot.comparison, draft)


def correction_panel(judgment: Judgment) -> Panel:
    """Build the panel of an own judgment again, filled with what it says."""
    slot = Slot.objects.select_related("project", "comparison").get(judgments=judgment)
    return _panel(slot, slot.comparison, answer_said(judgment), judgment.id)


def held_slot(slot_id: int, annotator: Annotator) -> Slot:
    """Find an open slot that this annotator was given.

    Raises:
        NotFound: it is filled, or somebody else's.
    """
    slots = Slot.objects.open().select_related("project", "comparison")
    if slot := slots.filter(id=slot_id, holder=annotator).first():
        return slot
    raise NotFound("This comparison is not yours any more.")


def answer_said(judgment: Judgment) -> dict[str, Any]:
    """A judgment in the form in which it was submitted."""
    rationale = getattr(judgment, "rationale", None)
    spans = rationale.spans.all() if rationale else ()
    return {
        "outcome": judgment.outcome,
        "ranking": judgment.ranking,
        "strength": judgment.strength,
        "criteria": judgment.criteria,
        "confidence": judgment.confidence,
        "is_unsafe": judgment.is_unsafe,
        "reason": judgment.reason,
        "shown_order": judgment.shown_order,
        "rationale": {
            "text": rationale.text if rationale else "",
            "tags": rationale.tags if rationale else [],
            "spans": [
                {
                    "response": span.response_id,
                    "start": span.start,
                    "end": span.end,
                    "label": span.label,
                    "criterion": span.criterion,
                }
                for span in spans
            ],
        },
    }


def scale_of(project: Project) -> list[Step]:
    """The answers between two responses, from much better on the left to much on the right."""
    words = STRENGTH_WORDS[project.strength_levels]
    left = [Step(f"1:{n}", f"Response 1 is {words[n - 1]}", "1") for n in range(len(words), 0, -1)]
    tie = [Step("tie", "Both are equally good", "=")] if project.allows_tie else []
    right = [Step(f"2:{n}", f"Response 2 is {words[n - 1]}", "2") for n in range(1, len(words) + 1)]
    return left + tie + right


def _panel(
    slot: Slot, comparison: Comparison, draft: Mapping[str, Any] | None, corrects: int | None = None
) -> Panel:
    item_ids = [comparison.item_id, *filter(None, [comparison.other_item_id])]
    prompts = dict(Item.objects.filter(id__in=item_ids).values_list("id", "messages"))
    responses = _in_order(responses_of(comparison), (draft or {}).get("shown_order"))
    is_pair = len(responses) == 2
    return Panel(
        slot=slot,
        project=slot.project,
        context=comparison.context,
        turns=_turns(prompts[comparison.item_id]),
        other_turns=_turns(prompts.get(comparison.other_item_id or 0, [])),
        cards=[_card(response, place, is_pair) for place, response in enumerate(responses)],
        rows=[_row(criterion, len(responses)) for criterion in criteria_asked(slot.project_id)],
        draft=draft,
        corrects=corrects,
    )


def _in_order(responses: list[Response], order: Any) -> list[Response]:
    by_id = {response.id: response for response in responses}
    if isinstance(order, list) and sorted(map(str, order)) == sorted(map(str, by_id)):
        return [by_id[int(response)] for response in order]
    return random.sample(responses, len(responses))


def _turns(messages: Sequence[Message]) -> list[Turn]:
    return [Turn(message["role"], text_of(message["content"])) for message in messages]


def _card(response: Response, place: int, is_pair: bool) -> Card:
    label = str(place + 1) if is_pair else "ABCDEFGHI"[place]
    earlier = _turns(response.messages)[:-1]
    return Card(response.id, label, text_of(response.content), earlier)


def _row(criterion: Criterion, n_responses: int) -> Row:
    is_rating = criterion.kind == CriterionKind.RATING
    first, last = (criterion.scale_min, criterion.scale_max) if is_rating else (1, n_responses)
    return Row(
        key=criterion.key,
        name=criterion.name,
        description=criterion.description,
        is_choice=not is_rating and n_responses == 2,
        is_rating=is_rating,
        numbers=range(first, last + 1),
    )
