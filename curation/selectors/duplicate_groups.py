"""A project's groups of duplicates, listed."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from annotation.domain.vocabulary import MOST_TRIES
from annotation.models import Project
from curation.domain.vocabulary import DuplicateKind
from curation.models import (
    DuplicateGroup,
    DuplicateMember,
    DuplicateRequest,
    DuplicateState,
    Embedding,
    RegroupRequest,
)
from curation.selectors.vectors import active_generation

GROUPS_AT_ONCE = 500


def groups_in(project: Project, kind: str = "") -> QuerySet[DuplicateGroup]:
    """A project's groups, of one kind where it is named."""
    found = DuplicateGroup.objects.filter(project=project).select_related("representative")
    return found.filter(kind=kind) if kind else found


def members_of(groups: Sequence[DuplicateGroup]) -> dict[int, list[str]]:
    """The external ids of groups' items, ascending, by group."""
    names: dict[int, list[str]] = defaultdict(list)
    rows = DuplicateMember.objects.filter(group__in=groups).order_by("item__external_id")
    for group, name in rows.values_list("group_id", "item__external_id"):
        names[group].append(name)
    return names


def group_json(group: DuplicateGroup, items: Sequence[str]) -> dict[str, Any]:
    return {
        "group": name_of(group),
        "kind": group.kind,
        "items": list(items),
        "similarity": round(group.similarity, 4),
        "representative": group.representative.external_id,
        "is_accepted": group.is_accepted,
    }


def name_of(group: DuplicateGroup) -> str:
    """What a group is called outside: equal groups have equal names, however they came about."""
    return f"g-{bytes(group.key).hex()[:20]}"


def every_group(project: Project, kind: str = "") -> Iterator[dict[str, Any]]:
    """All groups, by kind and first item, a few hundred in memory."""
    rows = groups_in(project, kind).order_by("kind", "representative__external_id", "id")
    ordered = list(rows.values_list("pk", flat=True))
    for start in range(0, len(ordered), GROUPS_AT_ONCE):
        some = rows.in_bulk(ordered[start : start + GROUPS_AT_ONCE])
        names = members_of(list(some.values()))
        for pk in ordered[start : start + GROUPS_AT_ONCE]:
            if pk in some:
                yield group_json(some[pk], names[pk])


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many texts have yet to be looked for, and items to be regrouped, in a project."""

    texts: int
    items: int
    state: DuplicateState | None

    @property
    def is_nothing(self) -> bool:
        return not self.texts and not self.items


def waiting_in(project: Project) -> Waiting:
    return Waiting(
        texts_waiting(project),
        items_waiting(project),
        DuplicateState.objects.filter(pk=project.pk).first(),
    )


def texts_waiting(project: Project) -> int:
    """Requests that can be worked on: a semantic one once its text has its vector."""
    waiting = DuplicateRequest.objects.filter(project=project, tries__lt=MOST_TRIES)
    vectors = Embedding.objects.filter(text=OuterRef("text"), generation=active_generation())
    return waiting.filter(~Q(kind=DuplicateKind.SEMANTIC) | Exists(vectors)).count()


def items_waiting(project: Project) -> int:
    return RegroupRequest.objects.filter(project=project, tries__lt=MOST_TRIES).count()
