"""What people decide about duplicates. Facts: rebuilding groups never loses one."""

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import transaction

from annotation.domain.errors import DomainError, InvalidField, NotFound
from annotation.models import Item, Project, User
from annotation.services import audit
from curation.domain.vocabulary import DuplicateKind, DuplicateVerb
from curation.models import DuplicateDecision, DuplicateGroup, DuplicateMember
from curation.services.duplicates import asking

MOST_ITEMS = 2_000  # in one decision


class GroupChanged(DomainError):
    """The group is not what it was when it was looked at."""

    code, status = "group_changed", 409


def accept_group(
    *, user: User, project: Project, group_id: int, items: Collection[int], now: datetime
) -> DuplicateDecision:
    """Say that exactly the items seen in a group are the same.

    Raises:
        GroupChanged: it no longer holds just these items.
    """
    group = group_of(project, group_id)
    if set(items) != set(members_of(group)):
        raise GroupChanged("This group has changed since you looked at it; look again.")
    return decide(
        user=user,
        project=project,
        kind=DuplicateKind(group.kind),
        verb=DuplicateVerb.ACCEPT,
        items=sorted(items),
        now=now,
    )


def split_group(
    *, user: User, project: Project, group_id: int, items: Collection[int], now: datetime
) -> DuplicateDecision:
    """Say that some items of a group are not the same as any of its others.

    Raises:
        GroupChanged: one of the items is no longer in it.
        InvalidField: it would take out none, or all.
    """
    group = group_of(project, group_id)
    out, members = set(items), set(members_of(group))
    if not out <= members:
        raise GroupChanged("This group has changed since you looked at it; look again.")
    if not out or out == members:
        raise InvalidField("Choose some of the items, not none and not all.", field="items")
    return decide(
        user=user,
        project=project,
        kind=DuplicateKind(group.kind),
        verb=DuplicateVerb.SPLIT,
        items=sorted(out),
        others=sorted(members - out),
        now=now,
    )


def merge_groups(
    *, user: User, project: Project, group_ids: Collection[int], now: datetime
) -> DuplicateDecision:
    """Say that the items of several groups of one kind are all the same.

    Raises:
        NotFound: one of the groups is gone.
        InvalidField: fewer than two groups, or groups of several kinds.
    """
    groups = [group_of(project, group_id) for group_id in sorted(set(group_ids))]
    kinds = {group.kind for group in groups}
    if len(groups) < 2 or len(kinds) > 1:
        raise InvalidField("Choose two or more groups of one kind.", field="groups")
    items = [item for group in groups for item in members_of(group)]
    return decide(
        user=user,
        project=project,
        kind=DuplicateKind(kinds.pop()),
        verb=DuplicateVerb.MERGE,
        items=sorted(items),
        now=now,
    )


def decide(
    *,
    user: User,
    project: Project,
    kind: DuplicateKind,
    verb: DuplicateVerb,
    items: Sequence[int],
    now: datetime,
    others: Sequence[int] = (),
    note: str = "",
) -> DuplicateDecision:
    """Record a decision and have the items regrouped. Later decisions overrule earlier ones.

    Raises:
        InvalidField: items are not of this project, too few or too many, or on both sides.
    """
    check(project, verb, items, others)
    with transaction.atomic():
        decision = DuplicateDecision.objects.create(
            project=project,
            kind=kind,
            verb=verb,
            items=sorted(set(items)),
            others=sorted(set(others)),
            note=note,
            decided_by=user,
            decided_at=now,
        )
        took_effect(user, decision, f"duplicates_{verb.value}", now)
    return decision


def undo(*, user: User, project: Project, decision_id: int, now: datetime) -> DuplicateDecision:
    """Take a decision back, whoever made it. Safe to repeat.

    Raises:
        NotFound: there is no such decision in the project.
    """
    with transaction.atomic():
        found = DuplicateDecision.objects.select_for_update().filter(
            project=project, pk=decision_id
        )
        decision = found.first()
        if decision is None:
            raise NotFound("There is no such decision in this project.")
        if decision.undone_at is None:
            decision.undone_at = now
            decision.save(update_fields=["undone_at"])
            took_effect(user, decision, "duplicates_undone", now)
    return decision


def took_effect(user: User, decision: DuplicateDecision, action: str, now: datetime) -> None:
    """Write the audit link, and have its items regrouped."""
    items = [*decision.items, *decision.others]
    audit.record_event(
        actor=user,
        action=action,
        subject=f"project:{decision.project.slug}",
        detail={
            "decision": decision.pk,
            "kind": decision.kind,
            "verb": decision.verb,
            "items": decision.items,
            "others": decision.others,
        },
        now=now,
    )
    asking.regroup_items(project_id=decision.project_id, item_ids=items, now=now)


def check(
    project: Project, verb: DuplicateVerb, items: Sequence[int], others: Sequence[int]
) -> None:
    named = {*items, *others}
    if len(named) > MOST_ITEMS:
        raise InvalidField(f"One decision takes at most {MOST_ITEMS} items.", field="items")
    if set(items) & set(others):
        raise InvalidField("An item cannot differ from itself.", field="others")
    is_split = verb == DuplicateVerb.SPLIT
    if not items or is_split != bool(others) or (not is_split and len(set(items)) < 2):
        raise InvalidField("Name the items that it is about.", field="items")
    if Item.objects.filter(project=project, pk__in=named).count() != len(named):
        raise InvalidField("An item is not of this project.", field="items")


def group_of(project: Project, group_id: int) -> DuplicateGroup:
    group = DuplicateGroup.objects.filter(project=project, pk=group_id).first()
    if group is None:
        raise NotFound("This group is gone: its items were regrouped meanwhile; look again.")
    return group


def members_of(group: DuplicateGroup) -> list[int]:
    return list(DuplicateMember.objects.filter(group=group).values_list("item_id", flat=True))
