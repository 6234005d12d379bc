"""Taking answers. One transaction holds everything that an answer changes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from annotation.domain.answers import Answer, RationaleAnswer
from annotation.domain.errors import DomainError, NotFound
from annotation.models import (
    Comparison,
    Draft,
    Judgment,
    Lapse,
    Rationale,
    Slot,
    Span,
)
from annotation.services import queue
from annotation.services.inserting import insert_rows


class AlreadyJudged(DomainError):
    """This annotator has judged this comparison."""

    code, status = "already_judged", 409


class KeyReused(DomainError):
    """The client key came before, with a different answer."""

    code, status = "key_reused", 422


class NotInForce(DomainError):
    """A later judgment has superseded this one."""

    code, status = "not_in_force", 409


def submit_judgment(
    *, slot_id: int, annotator_id: int, answer: Answer, client_key: UUID, now: datetime
) -> Judgment:
    """Keep an answer and fill its slot. Safe to repeat with the same key, also in parallel.

    An answer that comes after its slot was given to somebody else is kept with `is_late`, and the
    slot stays theirs.

    Raises:
        NotFound: no such slot.
        KeyReused: the key came before with another answer.
        AlreadyJudged: this annotator has judged the comparison under another key.
        SlotLost: the slot was never leased to this annotator, or they skipped it.
    """
    with transaction.atomic():
        queue.lock_annotator(annotator_id)
        slot = Slot.objects.select_for_update(no_key=True).filter(id=slot_id).first()
        if slot is None:
            raise NotFound("There is no such slot.")
        about_this = Q(client_key=client_key) | Q(comparison_id=slot.comparison_id)
        earlier = list(Judgment.objects.filter(about_this, annotator_id=annotator_id))
        if repeated := _repeated(earlier, client_key, answer, slot.comparison_id):
            return repeated
        if earlier:
            raise AlreadyJudged("You have judged this comparison already.")
        is_late = _is_late(slot, annotator_id, now)
        judgment = append_judgment(
            answer=answer,
            project_id=slot.project_id,
            comparison_id=slot.comparison_id,
            annotator_id=annotator_id,
            slot_id=slot_id,
            is_late=is_late,
            client_key=client_key,
            judged_at=now,
        )
        if not is_late:
            slot.holder_id, slot.filled_at = annotator_id, now
            slot.save(update_fields=["holder", "filled_at"])
        Draft.objects.filter(slot_id=slot_id, annotator_id=annotator_id).delete()
        return judgment


def correct_judgment(
    *, judgment_id: int, annotator_id: int, answer: Answer, client_key: UUID, now: datetime
) -> Judgment:
    """Supersede an own judgment with a new one. Safe to repeat with the same key.

    Raises:
        NotFound: there is no such judgment of this annotator.
        KeyReused: the key came before with another answer.
        NotInForce: it is superseded already.
    """
    with transaction.atomic():
        queue.lock_annotator(annotator_id)
        own = Judgment.objects.filter(annotator_id=annotator_id)
        corrected = own.filter(id=judgment_id).first()
        if corrected is None:
            raise NotFound("There is no such judgment of yours.")
        earlier = list(own.filter(client_key=client_key))
        if repeated := _repeated(earlier, client_key, answer, corrected.comparison_id):
            return repeated
        if own.filter(supersedes_id=judgment_id).exists():
            raise NotInForce("You have corrected this judgment already; correct the newer one.")
        return append_judgment(
            answer=answer,
            project_id=corrected.project_id,
            comparison_id=corrected.comparison_id,
            annotator_id=annotator_id,
            slot_id=corrected.slot_id,
            is_late=corrected.is_late,
            supersedes=corrected,
            client_key=client_key,
            judged_at=now,
        )


def _repeated(
    earlier: list[Judgment], client_key: UUID, answer: Answer, comparison_id: int
) -> Judgment | None:
    judgment = next((j for j in earlier if j.client_key == client_key), None)
    if judgment is None:
        return None
    is_same = bytes(judgment.request_digest or b"") == answer.digest
    if judgment.comparison_id != comparison_id or not is_same:
        raise KeyReused("This key came with a different answer before; make a new key.")
    return judgment


def _is_late(slot: Slot, annotator_id: int, now: datetime) -> bool:
    if slot.holder_id == annotator_id:
        return False
    if not Lapse.objects.filter(slot_id=slot.id, annotator_id=annotator_id).exists():
        raise queue.SlotLost("This comparison is not yours to judge now; take the next one.")
    is_leased = slot.lease_ends_at is not None and slot.lease_ends_at > now
    return slot.filled_at is not None or is_leased


def append_judgment(*, answer: Answer, **context: object) -> Judgment:
    """Write a checked answer, and mark its comparison so that all that is derived follows.

    `context` is the rest of the judgment's fields. Call it inside a transaction.
    """
    judgment = _judgment_of(answer, context)
    judgment.save()
    if not answer.rationale.is_empty:
        _append_rationale(judgment, answer.rationale)
    _mark_stale([judgment.comparison_id], judgment.judged_at)
    return judgment


def append_judgments(
    *, written: Sequence[tuple[Answer, Mapping[str, object]]], now: datetime
) -> list[Judgment]:
    """Write many checked answers at once, in their order. As `append_judgment`, but without spans.

    Their comparisons are marked as of `now`.
    """
    judgments = [_judgment_of(answer, context) for answer, context in written]
    insert_rows(judgments)
    insert_rows(
        [
            Rationale(
                judgment=judgment, text=answer.rationale.text, tags=list(answer.rationale.tags)
            )
            for judgment, (answer, _) in zip(judgments, written, strict=True)
            if not answer.rationale.is_empty
        ]
    )
    _mark_stale([judgment.comparison_id for judgment in judgments], now)
    return judgments


def _judgment_of(answer: Answer, context: Mapping[str, object]) -> Judgment:
    return Judgment(
        outcome=answer.outcome,
        ranking=answer.ranking,
        strength=answer.strength,
        criteria=answer.criteria,
        confidence=answer.confidence,
        is_unsafe=answer.is_unsafe,
        reason=answer.reason,
        shown_order=list(answer.shown_order) if answer.shown_order else None,
        active_seconds=answer.active_seconds,
        guidelines_id=answer.guidelines_id,
        request_digest=answer.digest,
        **context,
    )


def _mark_stale(comparison_ids: Sequence[int], since: datetime) -> None:
    if comparison_ids:
        Comparison.objects.filter(id__in=comparison_ids).update(
            stale_since=since, stale_tries=0, stale_error=""
        )


def _append_rationale(judgment: Judgment, said: RationaleAnswer) -> None:
    rationale = Rationale.objects.create(judgment=judgment, text=said.text, tags=list(said.tags))
    Span.objects.bulk_create(
        Span(
            rationale=rationale,
            response_id=span.response,
            start=span.start,
            end=span.end,
            label=span.label,
            criterion=span.criterion,
        )
        for span in said.spans
    )
