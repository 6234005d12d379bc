"""What grouping needs of a project: its items by their texts, alike texts, and decisions."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Q, Sum

from annotation.models import Consensus, Item
from curation.domain.duplicates.decisions import Decision, links_of
from curation.domain.duplicates.grouping import Link
from curation.domain.duplicates.pairs import Pair, pair_of
from curation.domain.duplicates.policy import (
    PROMPT,
    PROMPT_AND_RESPONSES,
    RESPONSE,
    Policy,
    Rule,
    policy_of,
)
from curation.domain.vocabulary import DuplicateKind, DuplicateVerb, RepresentativeRule
from curation.models import (
    DuplicateDecision,
    DuplicateMember,
    DuplicatePair,
    DuplicatePolicy,
    ItemTexts,
    ResponseText,
)

PROMPTS = "SELECT prompt_id AS text_id, item_id FROM item_texts WHERE project_id = %(project)s"
RESPONSES = "SELECT text_id, item_id FROM response_text WHERE project_id = %(project)s"
TEXTS = {
    PROMPT: PROMPTS,
    RESPONSE: RESPONSES,
    PROMPT_AND_RESPONSES: f"{PROMPTS} UNION ALL {RESPONSES}",
}
# Items that hold a text of the given ones, or a text that is alike to one of these.
ALIKE = """
    WITH mine AS (
        SELECT DISTINCT text_id FROM ({texts}) AS held WHERE item_id = ANY(%(items)s)
    ), pair AS (
        SELECT first_id, second_id FROM duplicate_pair
        WHERE project_id = %(project)s AND kind = %(kind)s AND similarity >= %(floor)s
    ), alike AS (
        SELECT text_id FROM mine
        UNION SELECT second_id FROM pair JOIN mine ON text_id = first_id
        UNION SELECT first_id FROM pair JOIN mine ON text_id = second_id
    )
    SELECT DISTINCT item_id FROM ({texts}) AS held JOIN alike USING (text_id)
"""
# Items with the same digest of the whole, or with the same folded prompt, or a same response.
EQUAL_WHOLE = """
    SELECT item_id FROM item_texts
    WHERE project_id = %(project)s
      AND {digest} IN (SELECT {digest} FROM item_texts WHERE item_id = ANY(%(items)s))
"""
EQUAL_TEXT = """
    SELECT DISTINCT item_id FROM ({texts}) AS held WHERE text_id IN (
        SELECT other.id FROM text JOIN text AS other USING ({digest}) WHERE text.id IN (
            SELECT text_id FROM ({texts}) AS mine WHERE item_id = ANY(%(items)s)
        )
    )
"""


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """A project's policy: its number (0 for the default), its rules, and who represents a group."""

    number: int
    policy: Policy
    representative: RepresentativeRule


def policy_in_force(project_id: int) -> PolicyInForce:
    """The policy with the highest number, or the default."""
    found = DuplicatePolicy.objects.filter(project=project_id).order_by("-number").first()
    if found is None:
        return PolicyInForce(0, policy_of({}), RepresentativeRule.JUDGED)
    representative = RepresentativeRule(found.representative)
    return PolicyInForce(found.number, policy_of(found.rules), representative)


@dataclass(frozen=True, slots=True)
class Scope:
    """One kind of evidence in one project, and the rule for it."""

    project_id: int
    kind: DuplicateKind
    rule: Rule

    @property
    def is_exact(self) -> bool:
        return self.kind == DuplicateKind.EXACT

    @property
    def digest(self) -> str:
        return "folded" if self.rule.evidence == "folded" else "digest"

    def pairs(self) -> Q:
        """The stored pairs that count."""
        return Q(project=self.project_id, kind=self.kind, similarity__gte=self.rule.floor)


def connected_items(scope: Scope, item_ids: Collection[int]) -> set[int]:
    """Find all items that pairs, equal texts, decisions or groups connect to the given ones."""
    joined = joined_by_decisions(scope)
    found: set[int] = set()
    frontier = set(item_ids)
    while frontier:
        found |= frontier
        reached = alike_items(scope, frontier) | group_mates(scope, frontier)
        reached.update(*(joined.get(item, ()) for item in frontier))
        frontier = reached - found
    return found


def alike_items(scope: Scope, item_ids: Collection[int]) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            alike_statement(scope),
            {
                "project": scope.project_id,
                "kind": scope.kind.value,
                "items": list(item_ids),
                "floor": scope.rule.floor,
            },
        )
        return {item for (item,) in cursor.fetchall()}


def alike_statement(scope: Scope) -> str:
    texts = TEXTS[scope.rule.what]
    if not scope.is_exact:
        return ALIKE.format(texts=texts)
    if scope.rule.what == PROMPT_AND_RESPONSES:
        return EQUAL_WHOLE.format(digest=scope.digest)
    return EQUAL_TEXT.format(texts=texts, digest=scope.digest)


def group_mates(scope: Scope, item_ids: Collection[int]) -> set[int]:
    mine = DuplicateMember.objects.filter(item__in=item_ids, kind=scope.kind).values("group")
    return set(DuplicateMember.objects.filter(group__in=mine).values_list("item_id", flat=True))


def decisions_in_force(scope: Scope) -> list[DuplicateDecision]:
    """Decisions that nobody has undone, oldest first."""
    found = DuplicateDecision.objects.filter(
        project=scope.project_id, kind=scope.kind, undone_at__isnull=True
    )
    return list(found.order_by("id"))


def joined_by_decisions(scope: Scope) -> dict[int, set[int]]:
    joined: dict[int, set[int]] = defaultdict(set)
    for decision in decisions_in_force(scope):
        if decision.verb != DuplicateVerb.SPLIT:
            for item in decision.items:
                joined[item].update(decision.items)
    return joined


def links_in_force(scope: Scope, names: Mapping[int, str]) -> tuple[list[Link], list[Link]]:
    """Give which of some items, by external id, must and must not be grouped."""
    return links_of(
        Decision(
            decision.verb,
            tuple(names[item] for item in decision.items if item in names),
            tuple(names[item] for item in decision.others if item in names),
        )
        for decision in decisions_in_force(scope)
    )


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item as grouping sees it. `responses` are digests, read only where they count."""

    id: int
    name: str
    imported_at: datetime
    prompt_id: int
    prompt: bytes
    n_chars: int
    whole: bytes
    responses: tuple[bytes, ...]


def item_rows(scope: Scope, item_ids: Collection[int]) -> list[ItemRow]:
    """Read items, by external id. Those that are not read yet are left out."""
    responses = response_digests(scope, item_ids)
    found = ItemTexts.objects.filter(item__in=item_ids, project=scope.project_id).values_list(
        "item_id",
        "item__external_id",
        "item__created_at",
        "prompt_id",
        f"prompt__{scope.digest}",
        "prompt__n_chars",
        scope.digest,
    )
    return [
        ItemRow(id, name, at, text, bytes(prompt), n, bytes(whole), responses.get(id, ()))
        for id, name, at, text, prompt, n, whole in found.order_by("item__external_id")
    ]


def response_digests(scope: Scope, item_ids: Collection[int]) -> dict[int, tuple[bytes, ...]]:
    is_whole = scope.is_exact and scope.rule.what == PROMPT_AND_RESPONSES
    if scope.rule.what == PROMPT or is_whole:
        return {}
    digests: dict[int, list[bytes]] = defaultdict(list)
    found = ResponseText.objects.filter(item__in=item_ids)
    for item, digest in found.values_list("item_id", f"text__{scope.digest}"):
        digests[item].append(bytes(digest))
    return {item: tuple(sorted(of_item)) for item, of_item in digests.items()}


def pairs_among(scope: Scope, rows: Iterable[ItemRow]) -> list[Pair]:
    """Read the pairs of texts, by digest, that count among some items."""
    rows = list(rows)
    wanted: set[int] = set()
    if scope.rule.what != RESPONSE:
        wanted |= {row.prompt_id for row in rows}
    if scope.rule.what != PROMPT:
        answers = ResponseText.objects.filter(item__in=[row.id for row in rows])
        wanted |= set(answers.values_list("text_id", flat=True))
    found = DuplicatePair.objects.filter(scope.pairs(), first__in=wanted, second__in=wanted)
    columns = ("first__digest", "second__digest", "score", "similarity")
    return [
        pair_of(bytes(first), bytes(second), score, similarity)
        for first, second, score, similarity in found.values_list(*columns)
    ]


def judgments_of(item_ids: Sequence[int]) -> dict[int, int]:
    """Count the judgments of items, as far as they are in their comparisons' consensus."""
    counted = Consensus.objects.filter(comparison__item__in=item_ids)
    totals = counted.values_list("comparison__item").annotate(n=Sum("n_judgments"))
    return dict(totals.order_by())


def names_of(item_ids: Collection[int]) -> dict[int, str]:
    return dict(Item.objects.filter(pk__in=item_ids).values_list("pk", "external_id"))


def every_item(project_id: int) -> set[int]:
    return set(ItemTexts.objects.filter(project=project_id).values_list("pk", flat=True))
