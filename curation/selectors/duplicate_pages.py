"""Groups of duplicates as people compare them: texts side by side, with what differs marked."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from annotation.domain.errors import InvalidField
from annotation.models import Project
from curation.domain.duplicates.differences import Stretch, differences
from curation.models import (
    DuplicateDecision,
    DuplicateGroup,
    DuplicateMember,
    DuplicatePair,
    ItemTexts,
)
from curation.selectors.duplicate_groups import groups_in, name_of
from curation.selectors.duplicate_links import judgments_of, names_of
from curation.selectors.texts import texts_of

GROUPS_SHOWN = 10
CARDS_SHOWN = 12
ITEMS_NAMED = 20
DECISIONS_SHOWN = 20
MOST_COMPARED = 20_000  # characters of a text that are compared word by word
SAME_SHOWN = 300  # characters of a stretch that both texts have
ORDERS = {"size": "-n_items", "certainty": "similarity"}

WORDS = {
    "cosine": "vectors alike (cosine)",
    "wording": "wording in common",
    "numbers": "numbers in common",
    "told": "comments in common",
    "told_numbers": "numbers in the comments in common",
    "body": "code in common",
    "examples": "shape of the examples in common",
    "contradicted": "a word that matters differs",
    "turns": "turns of the conversation alike",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a text. `n_left_out` characters in its middle are not shown."""

    text: str
    is_changed: bool
    n_left_out: int = 0
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """Items of a group with one prompt. `keys` spells their ids for a form.

    `here` is the prompt with what the representative's has not, `there` the other way round.
    """

    items: Sequence[tuple[int, str]]
    n_items: int
    keys: str
    is_representative: bool
    n_judgments: int
    similarity: float | None
    score: float | None
    evidence: Sequence[tuple[str, float]]
    here: Sequence[Part]
    there: Sequence[Part]


@dataclass(frozen=True, slots=True)
class GroupView:
    id: int
    name: str
    kind: str
    representative: str
    similarity: float
    n_items: int
    n_judgments: int
    is_accepted: bool
    cards: Sequence[Card]
    keys: str
    n_cards_left_out: int


@dataclass(frozen=True, slots=True)
class GroupPage:
    groups: Sequence[GroupView]
    after: str


def groups_page(project: Project, kind: str, order: str, after: str) -> GroupPage:
    """Show some groups, the biggest or the least certain first, behind a cursor."""
    rows = groups_in(project, kind)
    column = ORDERS[order]
    if after:
        rows = rows.filter(behind(column, after))
    found = list(rows.order_by(column, "pk")[: GROUPS_SHOWN + 1])
    page, more = found[:GROUPS_SHOWN], found[GROUPS_SHOWN:]
    cursor = f"{getattr(page[-1], column.lstrip('-'))!r}_{page[-1].pk}" if more else ""
    return GroupPage(views_of(page), cursor)


def behind(column: str, cursor: str) -> Q:
    value, _, pk = cursor.partition("_")
    try:
        at, number = float(value), int(pk)
    except ValueError as error:
        raise InvalidField(
            "This page does not exist; start at the first.", field="after"
        ) from error
    name = column.lstrip("-")
    side = "lt" if column.startswith("-") else "gt"
    return Q(**{f"{name}__{side}": at}) | Q(**{name: at, "pk__gt": number})


def views_of(groups: Sequence[DuplicateGroup]) -> list[GroupView]:
    """Read all that some groups show. A handful of queries, whatever their number."""
    members: dict[int, list[DuplicateMember]] = defaultdict(list)
    rows = DuplicateMember.objects.filter(group__in=groups).select_related("item")
    for row in rows.order_by("item__external_id"):
        members[row.group_id].append(row)
    items = [row.item_id for of_group in members.values() for row in of_group]
    prompts = dict(ItemTexts.objects.filter(pk__in=items).values_list("pk", "prompt_id"))
    judged = judgments_of(items)
    return [view_of(group, members[group.pk], prompts, judged) for group in groups]


def view_of(
    group: DuplicateGroup,
    members: Sequence[DuplicateMember],
    prompts: Mapping[int, int],
    judged: Mapping[int, int],
) -> GroupView:
    by_prompt: dict[int, list[DuplicateMember]] = defaultdict(list)
    for row in members:
        by_prompt[prompts[row.item_id]].append(row)
    first = prompts[group.representative_id]
    shown = sorted(by_prompt, key=lambda text: (text != first, by_prompt[text][0].item.external_id))
    some = shown[:CARDS_SHOWN]
    said, pairs = texts_of(some), pairs_with(group, first, some)
    return GroupView(
        id=group.pk,
        name=name_of(group),
        kind=group.kind,
        representative=group.representative.external_id,
        similarity=group.similarity,
        n_items=group.n_items,
        n_judgments=sum(judged.get(row.item_id, 0) for row in members),
        is_accepted=group.is_accepted,
        cards=[
            card_of(
                by_prompt[text], text == first, said[first], said[text], pairs.get(text), judged
            )
            for text in some
        ],
        keys=",".join(str(row.item_id) for row in members),
        n_cards_left_out=len(shown) - len(some),
    )


def pairs_with(group: DuplicateGroup, text: int, others: Sequence[int]) -> dict[int, DuplicatePair]:
    found = DuplicatePair.objects.filter(project=group.project_id, kind=group.kind).filter(
        Q(first=text, second__in=others) | Q(second=text, first__in=others)
    )
    return {one.second_id if one.first_id == text else one.first_id: one for one in found}


def card_of(
    members: Sequence[DuplicateMember],
    is_representative: bool,
    first: str,
    text: str,
    pair: DuplicatePair | None,
    judged: Mapping[int, int],
) -> Card:
    there, here = compared(first, text)
    return Card(
        items=[(row.item_id, row.item.external_id) for row in members[:ITEMS_NAMED]],
        n_items=len(members),
        keys=",".join(str(row.item_id) for row in members),
        is_representative=is_representative,
        n_judgments=sum(judged.get(row.item_id, 0) for row in members),
        similarity=pair.similarity if pair else None,
        score=pair.score if pair else None,
        evidence=[(WORDS.get(name, name), part) for name, part in pair.evidence.items()]
        if pair
        else [],
        here=here,
        there=[] if first == text else there,
    )


def compared(first: str, text: str) -> tuple[list[Part], list[Part]]:
    """Mark what differs in two texts, as far as they are compared."""
    theirs, mine = differences(first[:MOST_COMPARED], text[:MOST_COMPARED])
    return parts_of(theirs, first), parts_of(mine, text)


def parts_of(stretches: Sequence[Stretch], text: str) -> list[Part]:
    parts = [part_of(stretch) for stretch in stretches]
    behind_end = len(text) - MOST_COMPARED
    return [*parts, Part("", False, behind_end)] if behind_end > 0 else parts


def part_of(stretch: Stretch) -> Part:
    most = SAME_SHOWN * (8 if stretch.is_changed else 1)
    left_out = len(stretch.text) - 2 * most
    if left_out <= 0:
        return Part(stretch.text, stretch.is_changed)
    return Part(stretch.text[:most], stretch.is_changed, left_out, stretch.text[-most:])


@dataclass(frozen=True, slots=True)
class DecisionView:
    """A decision in words, with the items that it names."""

    id: int
    kind: str
    verb: str
    items: Sequence[str]
    others: Sequence[str]
    n_items: int
    who: str
    decided_at: datetime
    undone_at: datetime | None


def last_decisions(project: Project) -> list[DecisionView]:
    """The newest decisions, those since undone included."""
    found = DuplicateDecision.objects.filter(project=project).select_related("decided_by")
    rows = list(found.order_by("-id")[:DECISIONS_SHOWN])
    names = names_of({item for row in rows for item in named_in(row)})
    return [
        DecisionView(
            id=row.pk,
            kind=row.kind,
            verb=row.verb,
            items=[names[item] for item in row.items[:ITEMS_NAMED] if item in names],
            others=[names[item] for item in row.others[:ITEMS_NAMED] if item in names],
            n_items=len(row.items),
            who=row.decided_by.username if row.decided_by else "",
            decided_at=row.decided_at,
            undone_at=row.undone_at,
        )
        for row in rows
    ]


def named_in(decision: DuplicateDecision) -> list[int]:
    return [*decision.items[:ITEMS_NAMED], *decision.others[:ITEMS_NAMED]]
