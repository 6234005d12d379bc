"""Items as pages list and show them."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, Func, OuterRef, QuerySet, TextField
from django.db.models.functions import Cast

from annotation.domain.content import text_of
from annotation.domain.errors import NotFound
from annotation.domain.vocabulary import VOTERS
from annotation.models import Comparison, Consensus, Item, Judgment, Project, Response, Slot
from annotation.selectors.paging import Cursor, Page, page_of
from annotation.selectors.totals import is_disputed

EXCERPT = 240  # characters
MOST_NAMED = 5_000  # items that a search by the beginning of their id finds
STATES = ("open", "unjudged", "judged", "settled", "disputed")


@dataclass(frozen=True)
class ItemRow:
    """An item in a list. `state` is one of STATES, or "" for an item without comparisons."""

    id: int
    external_id: str
    excerpt: str
    n_responses: int
    n_comparisons: int
    n_judgments: int
    n_settled: int
    n_open_slots: int
    state: str


@dataclass(frozen=True)
class ComparisonRow:
    """A comparison of an item: which of its responses, and how far it is."""

    id: int
    responses: str
    context: str
    n_judgments: int
    n_open_slots: int
    state: str


@dataclass(frozen=True)
class ItemPage:
    """An item with everything that its own page shows."""

    item: Item
    responses: list[Response]
    comparisons: list[ComparisonRow]
    metadata: list[tuple[str, str]]


@dataclass(frozen=True)
class Tallies:
    """What is known of some comparisons, each by comparison id."""

    judgments: dict[int, int]
    open_slots: dict[int, int]
    consensus: dict[int, Consensus]


def items_page(
    project: Project, cursor: Cursor, *, id_prefix: str = "", text: str = "", state: str = ""
) -> Page:
    """Find a page of items. The text and the state have no index: they scan a bounded stretch.
    A prefix finds the first MOST_NAMED items whose id begins with it."""
    items = Item.objects.filter(project=project)
    if id_prefix:
        items = items.filter(pk__in=_beginning_with(items, id_prefix))

    def matching(found: QuerySet) -> QuerySet:
        return _in_state(_saying(found, text), project, state)

    page = page_of(items, cursor, matching=matching if text or state else None)
    return page.with_rows(_rows(project, page.rows))


def _beginning_with(items: QuerySet, prefix: str) -> list[int]:
    """Ids of the first items by external id. They are fetched, not joined: a planner that sees
    both orders at once walks all items in the order of their keys."""
    named = items.filter(external_id__startswith=prefix).order_by("external_id")
    return list(named.values_list("pk", flat=True)[:MOST_NAMED])


def _saying(items: QuerySet, text: str) -> QuerySet:
    if not text:
        return items
    said = Func(
        F("messages"),
        function="jsonb_path_query_array",
        template="%(function)s(%(expressions)s, '$[*].content[*].text')",
    )
    escaped = json.dumps(text, ensure_ascii=False)[1:-1]
    return items.alias(said=Cast(said, TextField())).filter(said__icontains=escaped)


def _in_state(items: QuerySet, project: Project, state: str) -> QuerySet:
    if not state:
        return items
    comparisons = Comparison.objects.filter(item_id=OuterRef("pk"))
    if state == "unjudged":
        return items.exclude(Exists(comparisons.filter(Exists(_of(Judgment)))))
    if state == "judged":
        return items.filter(Exists(comparisons.filter(Exists(_of(Judgment)))))
    if state == "open":
        return items.filter(Exists(comparisons.filter(Exists(_of(Slot).filter(filled_at=None)))))
    consensus = _of(Consensus).filter(is_settled=state == "settled")
    if state == "disputed":
        consensus = consensus.filter(n_votes__gte=max(2, project.settle_min_votes))
    return items.filter(Exists(comparisons.filter(Exists(consensus))))


def _of(model: Any) -> QuerySet:
    return model.objects.filter(comparison_id=OuterRef("pk"))


def _rows(project: Project, items: Sequence[Item]) -> list[ItemRow]:
    ids = [item.id for item in items]
    responses = _counts(Response.objects.filter(item_id__in=ids), "item_id")
    comparisons = defaultdict(list)
    found = Comparison.objects.filter(item_id__in=ids).values_list("item_id", "id")
    for item_id, comparison_id in found:
        comparisons[item_id].append(comparison_id)
    known = tallies_of([comparison_id for _, comparison_id in found])
    return [
        _row(project, item, responses.get(item.id, 0), comparisons[item.id], known)
        for item in items
    ]


def _row(
    project: Project, item: Item, n_responses: int, comparison_ids: list[int], known: Tallies
) -> ItemRow:
    states = [_state(project, one, known) for one in comparison_ids]
    return ItemRow(
        id=item.id,
        external_id=item.external_id,
        excerpt=excerpt_of(item),
        n_responses=n_responses,
        n_comparisons=len(comparison_ids),
        n_judgments=sum(known.judgments.get(one, 0) for one in comparison_ids),
        n_settled=states.count("settled"),
        n_open_slots=sum(known.open_slots.get(one, 0) for one in comparison_ids),
        state=_worst(states),
    )


def _worst(states: list[str]) -> str:
    """The state of an item: what most wants a look among those of its comparisons."""
    order = ("disputed", "judged", "open", "unjudged", "settled")
    if "settled" in states and {"open", "unjudged"} & set(states) and "disputed" not in states:
        return "judged"
    return next((state for state in order if state in states), "")


def _state(project: Project, comparison_id: int, known: Tallies) -> str:
    consensus = known.consensus.get(comparison_id)
    if consensus and consensus.is_settled:
        return "settled"
    if consensus and is_disputed(consensus.n_votes, False, project.settle_min_votes):
        return "disputed"
    if known.judgments.get(comparison_id):
        return "judged"
    return "open" if known.open_slots.get(comparison_id) else "unjudged"


def tallies_of(comparison_ids: list[int]) -> Tallies:
    judgments = Judgment.objects.filter(
        comparison_id__in=comparison_ids, supersedes=None, annotator__kind__in=VOTERS
    )
    slots = Slot.objects.open().filter(comparison_id__in=comparison_ids)
    return Tallies(
        judgments=_counts(judgments, "comparison_id"),
        open_slots=_counts(slots, "comparison_id"),
        consensus=Consensus.objects.in_bulk(comparison_ids),
    )


def _counts(rows: QuerySet, key: str) -> dict[int, int]:
    return dict(rows.order_by().values_list(key).annotate(n=Count("id")))


def excerpt_of(item: Item) -> str:
    """The end of a conversation, which is what the responses answer, cut to a line or two."""
    text = text_of(item.messages[-1]["content"]) if item.messages else ""
    return text if len(text) <= EXCERPT else text[:EXCERPT] + "…"


def item_page(project: Project, item_id: int) -> ItemPage:
    """Find an item of a project with its responses and its comparisons."""
    item = Item.objects.filter(project=project, id=item_id).first()
    if item is None:
        raise NotFound("There is no such item in this project.")
    responses = list(item.responses.all())
    numbers = {response.id: str(response.position + 1) for response in responses}
    comparisons = list(item.comparisons.order_by("id"))
    known = tallies_of([comparison.id for comparison in comparisons])
    return ItemPage(
        item,
        responses,
        [_comparison_row(project, one, numbers, known) for one in comparisons],
        [(key, _told(value)) for key, value in item.metadata.items()],
    )


def _told(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _comparison_row(
    project: Project, comparison: Comparison, numbers: dict[int, str], known: Tallies
) -> ComparisonRow:
    return ComparisonRow(
        id=comparison.id,
        responses=", ".join(numbers.get(id, "?") for id in comparison.response_ids),
        context=comparison.context,
        n_judgments=known.judgments.get(comparison.id, 0),
        n_open_slots=known.open_slots.get(comparison.id, 0),
        state=_state(project, comparison.id, known),
    )
