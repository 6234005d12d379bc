"""What counts as a duplicate in a project: changed by a new row, seen before it is saved."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from annotation.domain.errors import DomainError, InvalidField
from annotation.models import Project, User
from annotation.services import audit
from curation.domain.duplicates.policy import Rule, policy_json, policy_of
from curation.domain.vocabulary import DuplicateKind, RepresentativeRule
from curation.models import DuplicatePair, DuplicatePolicy, DuplicateState, ItemTexts
from curation.selectors.duplicate_links import policy_in_force
from curation.services.duplicates import asking, regrouping

MOST_PREVIEWED = 20_000  # items, and pairs, that a page works through
SEARCHED = (DuplicateKind.NEAR, DuplicateKind.SEMANTIC)


class TooMuchToPreview(DomainError):
    """The project is too large to be grouped while somebody waits."""

    code, status = "too_much_to_preview", 409


@dataclass(frozen=True, slots=True)
class Preview:
    """What a policy would give for one kind, beside what stands now.

    `is_partial` says that pairs would be looked for anew, of which only those known are counted.
    """

    kind: str
    n_groups: int
    n_items: int
    n_groups_now: int
    is_partial: bool


def set_policy(
    *,
    user: User | None,
    project: Project,
    rules: Mapping[str, Any],
    representative: str,
    now: datetime,
) -> DuplicatePolicy:
    """Put a policy in force; the project is regrouped, and searched again where that is needed.

    Raises:
        InvalidField: a rule does not read.
    """
    policy, chosen = policy_of(rules), representative_named(representative)
    with transaction.atomic():
        asking.hold_rules(project.pk, alone=True)
        before = policy_in_force(project.pk).policy
        made = DuplicatePolicy.objects.create(
            project=project,
            number=next_number(project),
            rules=policy_json(policy),
            representative=chosen,
            created_by=user,
            created_at=now,
        )
        for kind in SEARCHED:
            rule = policy.rule(kind)
            if needs_search(before.rule(kind), rule):
                DuplicatePair.objects.filter(project=project, kind=kind).delete()
                asking.search_all(project_id=project.pk, kind=kind, what=rule.what, now=now)
        DuplicateState.objects.filter(project=project).update(policy=made.number)
        asking.regroup_all(project=project, now=now)
        audit.record_event(
            actor=user,
            action="duplicate_policy_changed",
            subject=f"project:{project.slug}",
            detail={"number": made.number, "rules": made.rules, "representative": chosen.value},
            now=now,
        )
    return made


def next_number(project: Project) -> int:
    last = DuplicatePolicy.objects.filter(project=project).aggregate(last=Max("number"))["last"]
    return (last or 0) + 1


def representative_named(word: str) -> RepresentativeRule:
    try:
        return RepresentativeRule(word)
    except ValueError as error:
        known = ", ".join(RepresentativeRule)
        raise InvalidField(
            f"The representative is one of: {known}.", field="representative"
        ) from error


def needs_search(before: Rule, after: Rule) -> bool:
    """Whether pairs may be missing, or scored by another evidence."""
    return (
        after.what != before.what or after.evidence != before.evidence or after.floor < before.floor
    )


def preview(*, project: Project, rules: Mapping[str, Any], representative: str) -> list[Preview]:
    """Work out how many groups a policy would give; writes nothing.

    Raises:
        InvalidField: a rule does not read.
        TooMuchToPreview: the project has too many items or pairs.
    """
    policy, chosen = policy_of(rules), representative_named(representative)
    sizes = (ItemTexts.objects, DuplicatePair.objects)
    if any(rows.filter(project=project).count() > MOST_PREVIEWED for rows in sizes):
        raise TooMuchToPreview(
            f"A preview works through at most {MOST_PREVIEWED} items and pairs; "
            "this project has more. Save the policy to see what it gives."
        )
    standing = policy_in_force(project.pk)
    wanted = regrouping.groups_under(project.pk, policy, chosen)
    now = regrouping.groups_under(project.pk, standing.policy, standing.representative)
    return [
        Preview(
            kind=kind.value,
            n_groups=len(wanted[kind]),
            n_items=sum(len(group.likeness) for group in wanted[kind]),
            n_groups_now=len(now[kind]),
            is_partial=kind in SEARCHED
            and needs_search(standing.policy.rule(kind), policy.rule(kind)),
        )
        for kind in DuplicateKind
    ]
