"""Regroups the items that something has touched, and all that is connected to them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.db import connection, transaction
from django.db.models import Min

from annotation.domain.errors import DomainError
from annotation.domain.vocabulary import MOST_TRIES
from annotation.models import Project
from curation.domain.duplicates.grouping import Group
from curation.domain.duplicates.items import ItemDigests, item_groups
from curation.domain.duplicates.pairs import Key, Pair
from curation.domain.duplicates.policy import PROMPT, PROMPT_AND_RESPONSES, RESPONSE, Policy
from curation.domain.duplicates.representatives import Member, representative_of
from curation.domain.vocabulary import DuplicateKind, DuplicateVerb, RepresentativeRule
from curation.models import (
    DuplicateGroup,
    DuplicateMember,
    DuplicatePair,
    DuplicateState,
    RegroupRequest,
)
from curation.selectors import duplicate_links as links
from curation.selectors.duplicate_links import ItemRow, Scope
from curation.services.duplicates import asking

BATCH = 2_000
GROUPS_LOCK = 0x51447570  # "QDup": groups of one project are written by one drain at a time
UNGROUPABLE = (ArithmeticError, LookupError, TypeError, ValueError, DomainError)


def regroup_next(*, now: datetime, project: Project | None = None, limit: int = BATCH) -> int:
    """Regroup up to `limit` touched items of one project with all that is connected to them.

    One transaction; a project that a rival is regrouping is left to it. What is touched meanwhile
    waits for the next call. An item that cannot be grouped keeps its row with the error and is set
    aside after `MOST_TRIES`; it is tried alone, so that it holds up no others.

    Returns:
        How many touched items were taken; 0 when nothing is left to do. Safe to repeat.
    """
    for project_id in waiting_projects(project):
        with transaction.atomic():
            if lock_groups(project_id) and (taken := take(project_id, limit)):
                try:
                    with transaction.atomic():
                        regroup(project_id, [row.item_id for row in taken], now)
                except UNGROUPABLE as error:
                    set_back(taken, error)
                note(project_id, now)
                return len(taken)
    return 0


def rebuild_duplicates(*, project: Project, now: datetime) -> int:
    """Drop a project's groups and pairs and ask for all of them anew; decisions stay.

    Returns:
        How many items wait to be regrouped. Safe to repeat.
    """
    with transaction.atomic():
        asking.hold_rules(project.pk, alone=True)
        lock_groups(project.pk, waits=True)
        policy = links.policy_in_force(project.pk).policy
        DuplicateGroup.objects.filter(project=project).delete()
        DuplicatePair.objects.filter(project=project).delete()
        for kind in (DuplicateKind.NEAR, DuplicateKind.SEMANTIC):
            what = policy.rule(kind).what
            asking.search_all(project_id=project.pk, kind=kind, what=what, now=now)
        return asking.regroup_all(project=project, now=now)


def waiting_projects(project: Project | None) -> list[int]:
    if project is not None:
        return [project.pk]
    found = RegroupRequest.objects.filter(tries__lt=MOST_TRIES)
    oldest = found.values_list("project").annotate(since=Min("queued_at")).order_by("since")
    return [project_id for project_id, _ in oldest]


def lock_groups(project_id: int, *, waits: bool = False) -> bool:
    """Keep rivals from writing a project's groups until this transaction ends."""
    lock = "pg_advisory_xact_lock" if waits else "pg_try_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"select {lock}(%s, %s)", [GROUPS_LOCK, project_id % 2**31])  # noqa: S608
        return waits or cursor.fetchone()[0]


def take(project_id: int, limit: int) -> list[RegroupRequest]:
    """Delete requests and give them, so that whoever asks again from now on adds a new one."""
    waiting = RegroupRequest.objects.filter(project=project_id, tries__lt=MOST_TRIES)
    free = waiting.select_for_update(skip_locked=True, of=("self",)).order_by("tries", "item")
    taken = list(free[:limit])
    if taken and taken[0].tries:
        taken = taken[:1]
    taken = [row for row in taken if row.tries == taken[0].tries]
    RegroupRequest.objects.filter(pk__in=[row.pk for row in taken]).delete()
    return taken


def set_back(taken: Sequence[RegroupRequest], error: Exception) -> None:
    for row in taken:
        row.tries += 1
        row.error = f"{type(error).__name__}: {error}"
    RegroupRequest.objects.bulk_create(taken)


def note(project_id: int, now: datetime) -> None:
    """Say up to when the groups are, and since when items still wait."""
    waiting = RegroupRequest.objects.filter(project=project_id, tries__lt=MOST_TRIES)
    since = waiting.aggregate(since=Min("queued_at"))["since"]
    DuplicateState.objects.update_or_create(
        project_id=project_id, defaults={"grouped_at": now, "regroup_since": since}
    )


def regroup(project_id: int, item_ids: Sequence[int], now: datetime) -> None:
    in_force = links.policy_in_force(project_id)
    for kind in DuplicateKind:
        scope = Scope(project_id, kind, in_force.policy.rule(kind))
        connected = links.connected_items(scope, item_ids)
        found = found_groups(scope, links.item_rows(scope, connected), in_force.representative)
        write(scope, connected, found, now)


@dataclass(frozen=True, slots=True)
class Found:
    """A group as it ought to stand. `likeness` is each member's similarity to the representative,
    None where only others connect the two."""

    key: bytes
    representative: int
    similarity: float
    is_accepted: bool
    likeness: dict[int, float | None]


def found_groups(
    scope: Scope, rows: Sequence[ItemRow], representative: RepresentativeRule
) -> list[Found]:
    """Work out the groups of items, of which all are there that are connected."""
    named = {row.name: row for row in rows}
    pairs = None if scope.is_exact else links.pairs_among(scope, rows)
    must, cannot = links.links_in_force(scope, {row.id: row.name for row in rows})
    digests = [digests_of(scope, row) for row in rows]
    groups = item_groups(digests, scope.rule, pairs, must=must, cannot=cannot)
    judged = links.judgments_of([named[key].id for group in groups for key in group.members])
    accepted = accepted_sets(scope)
    known = {} if pairs is None else alike_prompts(pairs)
    return [
        described(scope, group, named, judged, representative, accepted, known) for group in groups
    ]


def digests_of(scope: Scope, row: ItemRow) -> ItemDigests:
    if scope.is_exact and scope.rule.what == PROMPT_AND_RESPONSES:
        return ItemDigests(row.name, row.whole)  # covers the responses' own conversations too
    return ItemDigests(row.name, row.prompt, row.responses)


def accepted_sets(scope: Scope) -> set[frozenset[int]]:
    decisions = links.decisions_in_force(scope)
    return {frozenset(d.items) for d in decisions if d.verb == DuplicateVerb.ACCEPT}


def alike_prompts(pairs: Sequence[Pair]) -> dict[tuple[Key, Key], float]:
    return {(pair.first, pair.second): pair.similarity for pair in pairs}


def described(
    scope: Scope,
    group: Group,
    named: Mapping[str, ItemRow],
    judged: Mapping[int, int],
    rule: RepresentativeRule,
    accepted: set[frozenset[int]],
    known: Mapping[tuple[Key, Key], float],
) -> Found:
    rows = [named[key] for key in group.members]
    members = [
        Member(row.name, judged.get(row.id, 0), row.n_chars, row.imported_at) for row in rows
    ]
    first = named[representative_of(members, rule)]
    return Found(
        key=key_of(group),
        representative=first.id,
        similarity=group.similarity,
        is_accepted=frozenset(row.id for row in rows) in accepted,
        likeness={row.id: likeness(scope, first, row, known) for row in rows},
    )


def key_of(group: Group) -> bytes:
    """Digest the external ids of a group's members: 32 bytes."""
    return sha256(json.dumps(sorted(group.members), separators=(",", ":")).encode()).digest()


def likeness(
    scope: Scope, one: ItemRow, other: ItemRow, known: Mapping[tuple[Key, Key], float]
) -> float | None:
    if one.id == other.id:
        return 1.0
    if scope.is_exact:
        mine, theirs = digests_of(scope, one), digests_of(scope, other)
        is_equal = (mine.prompt, mine.responses) == (theirs.prompt, theirs.responses)
        return 1.0 if is_equal or scope.rule.what == RESPONSE else None
    if scope.rule.what == PROMPT and one.prompt == other.prompt:
        return 1.0
    ends = (min(one.prompt, other.prompt), max(one.prompt, other.prompt))
    return known.get(ends) if scope.rule.what == PROMPT else None


def write(scope: Scope, item_ids: set[int], found: Sequence[Found], now: datetime) -> None:
    """Put groups in the place of those that the items are in; what is the same stays."""
    mine = DuplicateMember.objects.filter(item__in=item_ids, kind=scope.kind).values("group")
    standing = {
        bytes(group.key): group
        for group in DuplicateGroup.objects.filter(pk__in=mine).prefetch_related("members")
    }
    wanted = {group.key: group for group in found}
    changed = [key for key in standing if not is_same(standing[key], wanted.get(key))]
    DuplicateGroup.objects.filter(pk__in=[standing[key].pk for key in changed]).delete()
    fresh = [group for key, group in wanted.items() if key not in standing or key in changed]
    made = DuplicateGroup.objects.bulk_create(
        DuplicateGroup(
            project_id=scope.project_id,
            kind=scope.kind,
            key=group.key,
            representative_id=group.representative,
            similarity=group.similarity,
            n_items=len(group.likeness),
            is_accepted=group.is_accepted,
            grouped_at=now,
        )
        for group in fresh
    )
    DuplicateMember.objects.bulk_create(
        DuplicateMember(group=row, item_id=item, kind=scope.kind, similarity=similarity)
        for row, group in zip(made, fresh, strict=True)
        for item, similarity in group.likeness.items()
    )


def is_same(standing: DuplicateGroup, wanted: Found | None) -> bool:
    return wanted is not None and (
        standing.representative_id,
        standing.similarity,
        standing.is_accepted,
        {member.item_id: member.similarity for member in standing.members.all()},
    ) == (wanted.representative, wanted.similarity, wanted.is_accepted, wanted.likeness)


def groups_under(
    project_id: int, policy: Policy, representative: RepresentativeRule
) -> dict[DuplicateKind, list[Found]]:
    """Work out a project's groups under a policy from the pairs that are stored; writes nothing."""
    found = {}
    for kind in DuplicateKind:
        scope = Scope(project_id, kind, policy.rule(kind))
        rows = links.item_rows(scope, links.every_item(project_id))
        found[kind] = found_groups(scope, rows, representative)
    return found
