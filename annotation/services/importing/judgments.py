"""Writes imported votes as judgments of pseudonyms, on the comparisons that they are about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from annotation.domain.content import text_of
from annotation.domain.importing.refusals import LineRefused
from annotation.domain.importing.verdicts import Verdict, verdict_of
from annotation.domain.importing.votes import VoteRecord
from annotation.domain.vocabulary import AnnotatorKind
from annotation.models import (
    Annotator,
    Comparison,
    Item,
    Judgment,
    Project,
    Rationale,
    Response,
    Slot,
    Span,
)
from annotation.services.importing import annotators, copying, criteria
from annotation.services.importing.items import TAKEN, Written, add_comparisons, as_json

Compared = tuple[int, tuple[int, ...]]  # item id, ascending response ids


@dataclass(slots=True)
class Accepted:
    """A vote that found its item; ids of what will be written for it come later."""

    vote: VoteRecord
    item_id: int
    verdict: Verdict
    responses: dict[str, int]
    comparison_id: int = 0
    annotator_id: int = 0
    slot_id: int | None = None
    judgment_id: int = 0

    @property
    def compared(self) -> Compared:
        return self.item_id, tuple(self.verdict.compared)


def write_judgments(*, project: Project, records: Sequence[VoteRecord], now: datetime) -> Written:
    """Write a batch of checked votes in the caller's transaction.

    A vote whose id is there already counts as unchanged if it says the same, else it is refused.
    Human votes fill open slots. Touched comparisons are marked stale.
    """
    copying.lock_project(project.id)
    written = Written()
    fresh = sift(project, records, written)
    accepted = resolve(project, fresh, written)
    written.n_written = len(accepted)
    if accepted:
        place(project, accepted, now)
        fill_slots(accepted, now)
        copy_judgments(project, accepted, now)
        mark_stale(accepted, now)
    return written


def sift(project: Project, records: Sequence[VoteRecord], written: Written) -> list[VoteRecord]:
    """Keep the votes that are new; count and refuse the others into `written`."""
    names = [record.external_id for record in records]
    found = Judgment.objects.filter(project=project, external_id__in=names)
    said = {
        name: bytes(digest or b"")
        for name, digest in found.values_list("external_id", "request_digest")
    }
    fresh = []
    for record in records:
        if record.external_id not in said:
            said[record.external_id] = record.digest
            fresh.append(record)
        elif said[record.external_id] == record.digest:
            written.n_unchanged += 1
        else:
            detail = f"A vote “{record.external_id}” exists and says something else."
            written.refused.append(LineRefused(TAKEN, detail, "id").at(record.line))
    return fresh


def resolve(project: Project, records: Sequence[VoteRecord], written: Written) -> list[Accepted]:
    """Find each vote's item and responses; refuse into `written` what does not fit them."""
    items = dict(
        Item.objects.filter(
            project=project, external_id__in={record.item_id for record in records}
        ).values_list("external_id", "id")
    )
    responses: dict[int, dict[str, int]] = {item: {} for item in items.values()}
    rows = Response.objects.filter(item__in=responses).order_by("item_id", "position")
    for item, name, response in rows.values_list("item_id", "external_id", "id"):
        responses[item][name] = response
    texts = span_texts(records, items)
    accepted = []
    for vote in records:
        try:
            if vote.item_id not in items:
                detail = f"The project has no item “{vote.item_id}”."
                raise LineRefused("unknown_item", detail, "item_id")
            item = items[vote.item_id]
            verdict = verdict_of(vote, responses[item])
            check_spans(vote, responses[item], texts)
            accepted.append(Accepted(vote, item, verdict, responses[item]))
        except LineRefused as refused:
            written.refused.append(refused.at(vote.line))
    return accepted


def span_texts(records: Sequence[VoteRecord], items: dict[str, int]) -> dict[int, str]:
    """The texts of all responses of items that votes with spans are about."""
    wanted = {items[vote.item_id] for vote in records if vote.spans and vote.item_id in items}
    if not wanted:
        return {}
    found = Response.objects.filter(item__in=wanted).values_list("id", "content")
    return {response: text_of(content) for response, content in found}


def check_spans(vote: VoteRecord, responses: dict[str, int], texts: dict[int, str]) -> None:
    for number, span in enumerate(vote.spans):
        field = f"spans.{number}"
        if span.response not in responses:
            detail = f"The item has no response “{span.response[:80]}”."
            raise LineRefused("unknown_response", detail, f"{field}.response")
        if span.end > len(texts[responses[span.response]]):
            raise LineRefused("not_a_span", "It ends behind the text.", f"{field}.end")


def place(project: Project, accepted: Sequence[Accepted], now: datetime) -> None:
    """Give every vote its annotator, its comparison (made where it is new), and its id."""
    models: dict[annotators.Name, str] = {}
    for each in accepted:
        models.setdefault((each.vote.kind, each.vote.annotator), each.vote.model_name)
    known = annotators.pseudonyms(project=project, models=models, now=now)
    comparisons = comparisons_of(project, accepted, now)
    criteria.ensure_criteria(
        project=project,
        answers=[(each.vote, each.verdict) for each in accepted],
    )
    ids = copying.next_ids(Judgment, len(accepted))
    for each, judgment_id in zip(accepted, ids, strict=True):
        annotator = known[each.vote.kind, each.vote.annotator]
        keep_model(each, annotator)
        each.annotator_id = annotator.id
        each.comparison_id = comparisons[each.compared]
        each.judgment_id = judgment_id


def keep_model(each: Accepted, annotator: Annotator) -> None:
    """An annotator has one model; a vote that names another one keeps that in its metadata."""
    if each.vote.model_name not in ("", annotator.model_name):
        each.vote.metadata.setdefault("model", each.vote.model_name)


def comparisons_of(
    project: Project, accepted: Sequence[Accepted], now: datetime
) -> dict[Compared, int]:
    """The comparison of each compared set; a set that nobody planned gets one without slots."""
    items = {each.item_id for each in accepted}
    rows = Comparison.objects.filter(item__in=items, context="", other_item__isnull=True)
    found: dict[Compared, int] = {
        (item, tuple(responses)): comparison
        for comparison, item, responses in rows.values_list("id", "item_id", "response_ids")
    }
    missing = sorted({each.compared for each in accepted} - found.keys())
    if missing:
        ids = copying.next_ids(Comparison, len(missing))
        made = [(made_id, *compared) for made_id, compared in zip(ids, missing, strict=True)]
        add_comparisons(project, made, now)
        found |= dict(zip(missing, ids, strict=True))
    return found


def fill_slots(accepted: Sequence[Accepted], now: datetime) -> None:
    """Let human votes take free slots, one a person and comparison. Leased slots are left alone."""
    humans = [each for each in accepted if each.vote.kind is AnnotatorKind.HUMAN]
    comparisons = {each.comparison_id for each in humans}
    free: dict[int, list[int]] = {}
    slots = Slot.objects.free_at(now).filter(comparison__in=comparisons).order_by("-id")
    for slot, comparison in slots.select_for_update(skip_locked=True, of=("self",)).values_list(
        "id", "comparison_id"
    ):
        free.setdefault(comparison, []).append(slot)
    if not free:
        return
    bound = set(
        Judgment.objects.filter(comparison__in=free, slot__isnull=False).values_list(
            "annotator_id", "comparison_id"
        )
    )
    for each in humans:
        pair = (each.annotator_id, each.comparison_id)
        if pair not in bound and free.get(each.comparison_id):
            bound.add(pair)
            each.slot_id = free[each.comparison_id].pop()
    filled = [(each.slot_id, each.annotator_id) for each in humans if each.slot_id]
    with connection.cursor() as cursor:
        cursor.execute(
            "update slot set holder_id = filled.annotator, filled_at = %s, lease_ends_at = null "
            "from unnest(%s::bigint[], %s::bigint[]) as filled(slot, annotator) "
            "where slot.id = filled.slot",
            [now, [slot for slot, _ in filled], [annotator for _, annotator in filled]],
        )


def copy_judgments(project: Project, accepted: Sequence[Accepted], now: datetime) -> None:
    columns = (
        "id project_id comparison_id annotator_id slot_id outcome ranking strength criteria "
        "confidence is_unsafe reason shown_order active_seconds is_late request_digest "
        "external_id metadata judged_at"
    )
    copying.copy_rows(
        Judgment, columns.split(), (judgment_row(project, each, now) for each in accepted)
    )
    explained = [
        each for each in accepted if each.vote.rationale or each.vote.tags or each.vote.spans
    ]
    rationale_ids = copying.next_ids(Rationale, len(explained))
    copying.copy_rows(
        Rationale,
        ["id", "judgment_id", "text", "tags"],
        (
            (rationale_id, each.judgment_id, each.vote.rationale, each.vote.tags)
            for rationale_id, each in zip(rationale_ids, explained, strict=True)
        ),
    )
    copying.copy_rows(
        Span,
        ["rationale_id", "response_id", "start", "end", "label", "criterion"],
        (
            (rationale_id, each.responses[s.response], s.start, s.end, s.label, s.criterion)
            for rationale_id, each in zip(rationale_ids, explained, strict=True)
            for s in each.vote.spans
        ),
    )


def judgment_row(project: Project, each: Accepted, now: datetime) -> tuple[Any, ...]:
    vote, verdict = each.vote, each.verdict
    shown = verdict.shown_order
    return (
        each.judgment_id,
        project.id,
        each.comparison_id,
        each.annotator_id,
        each.slot_id,
        verdict.outcome,
        as_json(verdict.ranking),
        verdict.strength,
        as_json(verdict.criteria),
        vote.confidence,
        False,
        vote.reason,
        None if shown is None else copying.array_literal(shown),
        vote.seconds,
        False,
        vote.digest,
        vote.external_id,
        as_json(vote.metadata),
        vote.judged_at or now,
    )


def mark_stale(accepted: Sequence[Accepted], now: datetime) -> None:
    """Mark the touched comparisons for the consensus drain.

    Every row is updated, marked before or not: the lock makes us wait for a drain that is reading
    it now and would else clear the mark without having seen these judgments.
    """
    touched = sorted({each.comparison_id for each in accepted})
    with connection.cursor() as cursor:
        cursor.execute(
            "with touched as materialized (select id from comparison where id = any(%s) "
            "order by id for no key update) "
            "update comparison set stale_since = coalesce(stale_since, %s), stale_tries = 0 "
            "from touched where comparison.id = touched.id",
            [touched, now],
        )
