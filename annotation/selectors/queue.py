"""The queue as annotators see it: what is theirs to take, and why there may be nothing."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, Min, OuterRef, Q

from annotation.domain.errors import DomainError, NotFound
from annotation.domain.vocabulary import Audience, ProjectState
from annotation.models import (
    Comparison,
    Exclusion,
    Judgment,
    Membership,
    Profile,
    Project,
    Slot,
    User,
)
from annotation.models.queue import SlotQuerySet
from annotation.selectors import access


class JudgeFirst(DomainError):
    """Others' judgments stay hidden until the own one is given."""

    code, status = "judge_first", 409


@dataclass(frozen=True)
class Nothing:
    """Why there is nothing to judge: a word for programs and a sentence for the annotator."""

    reason: str
    sentence: str
    until: datetime | None = None


def open_slots_for(annotator_id: int, project_id: int) -> SlotQuerySet:
    """Open slots that this annotator may ever fill, leased or not.

    Never one of a comparison that they judged, or that they are excluded from because they skipped
    it or wrote one of its responses; experts' slots only for experts, and those that want an
    expertise only for experts who name it in their profile.
    """
    here = {"annotator_id": annotator_id, "comparison_id": OuterRef("comparison_id")}
    is_expert = Membership.objects.filter(
        project_id=project_id, user__annotator=annotator_id, is_expert=True
    )
    knows_it = Profile.objects.filter(
        annotator_id=annotator_id, expertise__contains=[OuterRef("expertise")]
    )
    return Slot.objects.open().filter(
        Q(audience=Audience.HUMAN) | Q(Exists(is_expert), Q(expertise="") | Exists(knows_it)),
        ~Exists(Judgment.objects.filter(**here)),
        ~Exists(Exclusion.objects.filter(**here)),
        project_id=project_id,
    )


def held_slots(annotator_id: int, project_id: int, now: datetime) -> SlotQuerySet:
    """Slots that this annotator is working on, by id."""
    return (
        open_slots_for(annotator_id, project_id)
        .filter(holder_id=annotator_id, lease_ends_at__gt=now, project__state=ProjectState.ACTIVE)
        .order_by("id")
    )


def refuse_while_judging(
    annotator_id: int, project_id: int, comparison_id: int, now: datetime
) -> None:
    """Let nobody, whatever their role, look at a comparison that they are about to judge.

    Raises:
        JudgeFirst: they hold a slot of it.
    """
    held = held_slots(annotator_id, project_id, now)
    if held.filter(comparison_id=comparison_id).exists():
        raise JudgeFirst("You are judging this comparison now; submit or skip it first.")


def claimable_slots(annotator_id: int, project_id: int, now: datetime) -> SlotQuerySet:
    """Slots that this annotator could lease now, the next one first."""
    return (
        open_slots_for(annotator_id, project_id)
        .free_at(now)
        .filter(project__state=ProjectState.ACTIVE)
        .order_by("rank", "id")
    )


def slot_for(user: User, slot_id: int) -> Slot:
    """Find a slot, with its comparison and project, for somebody who judges in its project.

    Raises:
        NotFound: no such slot, or not in a project of theirs.
    """
    found = Slot.objects.select_related("comparison", "project").filter(
        id=slot_id, project__in=access.projects_of(user)
    )
    for slot in found:
        slot.comparison.project = slot.project
        return slot
    raise NotFound("There is no such slot, or you are not a member of its project.")


def why_nothing(annotator_id: int, project_id: int, now: datetime) -> Nothing:
    """Say why `claim_slot` found nothing for this annotator. The reasons, first match first:

    `paused`, `nothing_imported`, `all_leased` (until the first lease ends), `held_enough`,
    `none_for_role`, `all_done`.
    """
    project = Project.objects.get(id=project_id)
    if project.state != ProjectState.ACTIVE:
        return Nothing("paused", f"This project is {project.state}; no work is given out.")
    if not Comparison.objects.filter(project_id=project_id).exists():
        return Nothing("nothing_imported", "Nothing has been imported into this project yet.")
    mine = open_slots_for(annotator_id, project_id)
    leased = mine.exclude(holder_id=annotator_id).filter(lease_ends_at__gt=now)
    until = leased.aggregate(until=Min("lease_ends_at"))["until"]
    if mine.filter(holder_id=annotator_id, lease_ends_at__gt=now).exists():
        return Nothing("held_enough", "Submit or hand back what you have first.")
    if until:
        return Nothing(
            "all_leased",
            "Others are working on everything that is left; some of it may come free again.",
            until,
        )
    if _only_experts_slots_are_left(annotator_id, project_id):
        return Nothing("none_for_role", "What is left here is for experts in certain fields.")
    return Nothing("all_done", "All done: nothing here waits for you any more.")


def _only_experts_slots_are_left(annotator_id: int, project_id: int) -> bool:
    here = {"annotator_id": annotator_id, "comparison_id": OuterRef("comparison_id")}
    open_to_others = Slot.objects.open().filter(
        ~Exists(Judgment.objects.filter(**here)), project_id=project_id, audience=Audience.EXPERT
    )
    return open_to_others.exists()
