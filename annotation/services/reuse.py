"""Takes over judgments of a comparison for another one of the very same texts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Coalesce

from annotation.domain.errors import InvalidField
from annotation.domain.vocabulary import VOTERS, AnnotatorKind
from annotation.models import Annotator, Comparison, Judgment, Project, Rationale, Slot, Span, User
from annotation.services import audit
from annotation.services.importing import annotators


def reuse_judgments(
    *,
    user: User,
    source: Comparison,
    target: Comparison,
    responses: Mapping[int, int],
    now: datetime,
) -> int:
    """Copy the judgments in force of a comparison onto another one, each by its own annotator.

    Whoever has judged the target is left out, so nobody counts twice and repeating it adds
    nothing; users' feedback stays where it is. People's judgments fill free slots. A copy keeps its
    time and says in its metadata where it is from; like every judgment it can be corrected by its
    annotator but not deleted.

    Args:
        responses: the target's response for each of the source's.

    Returns:
        How many were copied.

    Raises:
        InvalidField: the responses of the two do not match.
    """
    if (sorted(responses), sorted(responses.values())) != (
        sorted(source.response_ids),
        sorted(target.response_ids),
    ):
        raise InvalidField("The two comparisons are not of the same responses.", field="source")
    with transaction.atomic():
        Comparison.objects.select_for_update(no_key=True).get(pk=target.pk)
        said = Judgment.objects.in_force().filter(comparison=source, annotator__kind__in=VOTERS)
        judged = set(target.judgments.values_list("annotator_id", flat=True))
        copied = 0
        for judgment in said.select_related("annotator", "rationale").order_by("pk"):
            annotator = annotator_in(target.project, judgment.annotator, now)
            if annotator.pk not in judged:
                judged.add(annotator.pk)
                copy(judgment, annotator, source, target, responses, now)
                copied += 1
        if copied:
            finish(user, source, target, copied, now)
    return copied


def annotator_in(project: Project, annotator: Annotator, now: datetime) -> Annotator:
    """The same annotator in another project: a pseudonym has a namesake of its own there."""
    if annotator.project_id in (None, project.pk):
        return annotator
    name = (AnnotatorKind(annotator.kind), annotator.name)
    models = {name: annotator.model_name}
    return annotators.pseudonyms(project=project, models=models, now=now)[name]


def copy(
    judgment: Judgment,
    annotator: Annotator,
    source: Comparison,
    target: Comparison,
    responses: Mapping[int, int],
    now: datetime,
) -> None:
    known = set(target.project.criteria.values_list("key", flat=True))
    origin = {"project": source.project.slug, "item": source.item.external_id}
    made = Judgment.objects.create(
        project_id=target.project_id,
        comparison=target,
        annotator=annotator,
        slot=slot_for(annotator, target, now),
        guidelines_id=judgment.guidelines_id if source.project_id == target.project_id else None,
        outcome=judgment.outcome,
        ranking=tiers_of(judgment.ranking, responses),
        strength=judgment.strength,
        criteria={
            key: answer_of(answer, responses)
            for key, answer in judgment.criteria.items()
            if key in known
        },
        confidence=judgment.confidence,
        is_unsafe=judgment.is_unsafe,
        reason=judgment.reason,
        shown_order=judgment.shown_order and [responses[one] for one in judgment.shown_order],
        active_seconds=judgment.active_seconds,
        metadata={**judgment.metadata, "reused_from": origin},
        judged_at=judgment.judged_at,
    )
    copy_rationale(judgment, made, responses)


def slot_for(annotator: Annotator, target: Comparison, now: datetime) -> Slot | None:
    """Fill a free slot, if this is a person and there is one."""
    if annotator.kind != AnnotatorKind.HUMAN:
        return None
    free = Slot.objects.free_at(now).filter(comparison=target).order_by("ordinal")
    slot = free.select_for_update(skip_locked=True, of=("self",)).first()
    if slot is not None:
        slot.holder, slot.filled_at, slot.lease_ends_at = annotator, now, None
        slot.save(update_fields=["holder", "filled_at", "lease_ends_at"])
    return slot


def tiers_of(ranking: list[list[int]], responses: Mapping[int, int]) -> list[list[int]]:
    return [sorted(responses[one] for one in tier) for tier in ranking]


def answer_of(answer: Mapping[str, Any], responses: Mapping[int, int]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    if "ranking" in answer:
        named["ranking"] = tiers_of(answer["ranking"], responses)
    if "ratings" in answer:
        named["ratings"] = {str(responses[int(k)]): rate for k, rate in answer["ratings"].items()}
    return named


def copy_rationale(judgment: Judgment, made: Judgment, responses: Mapping[int, int]) -> None:
    rationale = getattr(judgment, "rationale", None)
    if rationale is None:
        return
    why = Rationale.objects.create(judgment=made, text=rationale.text, tags=rationale.tags)
    Span.objects.bulk_create(
        Span(
            rationale=why,
            response_id=responses[span.response_id],
            start=span.start,
            end=span.end,
            label=span.label,
            criterion=span.criterion,
        )
        for span in rationale.spans.all()
    )


def finish(user: User, source: Comparison, target: Comparison, copied: int, now: datetime) -> None:
    """Mark the comparison for the consensus drain, and write the audit link."""
    Comparison.objects.filter(pk=target.pk).update(
        stale_since=Coalesce("stale_since", Value(now)), stale_tries=0, stale_error=""
    )
    audit.record_event(
        actor=user,
        action="judgments_reused",
        subject=f"comparison:{target.pk}",
        detail={"from": source.pk, "judgments": copied},
        now=now,
    )
