"""Takes events of feedback in, all of a batch or none, and what they say about pairs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from annotation.domain.errors import DomainError
from annotation.domain.feedback.events import EventRecord, event_of
from annotation.domain.importing.refusals import LineRefused, RefusedLine
from annotation.domain.importing.sources import open_source
from annotation.models import FeedbackEvent, Item, Project, Response
from annotation.services.feedback import weak
from annotation.services.feedback.users import user_hash
from annotation.services.importing import copying
from annotation.services.importing.items import TAKEN

BATCH_LINES = 2000


class FeedbackRefused(DomainError):
    """A request brings an event that breaks a rule; nothing of it was written."""

    code = "feedback_refused"

    @classmethod
    def because(cls, refused: RefusedLine) -> "FeedbackRefused":
        error = cls(refused.detail, field=refused.field, line=refused.line)
        error.code = refused.rule
        return error


@dataclass(slots=True)
class Taken:
    """What became of a batch. Where `refused` is not empty, nothing of it was written."""

    n_written: int = 0
    n_unchanged: int = 0
    n_judgments: int = 0
    refused: list[RefusedLine] = field(default_factory=list)

    def add(self, other: "Taken") -> None:
        self.n_written += other.n_written
        self.n_unchanged += other.n_unchanged
        self.n_judgments += other.n_judgments
        self.refused += other.refused


@dataclass(frozen=True, slots=True)
class Placed:
    """An event with the item and the responses that it names."""

    record: EventRecord
    item_id: int
    response_id: int
    other_id: int | None
    user_hash: str

    def facts(self) -> tuple[Any, ...]:
        """Everything that two spellings of one event must agree in."""
        told = self.record
        return (
            self.response_id, self.other_id, told.kind.value, told.value, self.user_hash,
            told.happened_at, told.raw,
        )  # fmt: skip


def take_feedback(
    *, project: Project, records: Sequence[Mapping[str, Any]], now: datetime
) -> Taken:
    """Take events given as JSON values, all of them or none. Safe to repeat.

    Raises:
        FeedbackRefused: a record breaks a rule; `line` counts the records from 1.
    """
    parsed = [parsed_of(record, place) for place, record in enumerate(records, 1)]
    taken = take_batch(project, parsed, now)
    if taken.refused:
        raise FeedbackRefused.because(taken.refused[0])
    return taken


def take_file(
    *,
    project: Project,
    path: Path,
    name: str,
    now: datetime,
    batch_lines: int = BATCH_LINES,
    progress: Callable[[Taken], None] | None = None,
) -> Taken:
    """Take a file of JSON Lines, packed with gzip or not, batch by batch.

    A batch with a refused line is not written; the others are. Safe to repeat: after the lines are
    mended, what was written before counts as unchanged.
    """
    done, batch = Taken(), list[EventRecord | RefusedLine]()
    for row in open_source(path, name=f"{name}.jsonl").rows:
        batch.append(row.refusal or parsed_of(row.value, row.line))
        if len(batch) >= batch_lines:
            done.add(take_batch(project, batch, now))
            batch = []
            if progress:
                progress(done)
    done.add(take_batch(project, batch, now))
    return done


def parsed_of(record: Mapping[str, Any], line: int) -> EventRecord | RefusedLine:
    try:
        return event_of(record, line)
    except LineRefused as refused:
        return refused.at(line)


def take_batch(
    project: Project, batch: Sequence[EventRecord | RefusedLine], now: datetime
) -> Taken:
    """Write a batch and the weak judgments that follow from it, in one transaction."""
    refused = [each for each in batch if isinstance(each, RefusedLine)]
    records = [each for each in batch if isinstance(each, EventRecord)]
    with transaction.atomic():
        copying.lock_project(project.pk)
        placed = placed_of(project, records, refused)
        fresh, n_unchanged = sift(project, placed, refused)
        if refused:
            return Taken(refused=sorted(refused, key=lambda each: each.line))
        FeedbackEvent.objects.bulk_create(
            [event_row(project, each, now) for each in fresh], batch_size=BATCH_LINES
        )
        touched = {(each.user_hash, each.item_id) for each in fresh}
        n_judgments = weak.judge_anew(project=project, touched=touched, now=now)
        return Taken(len(fresh), n_unchanged, n_judgments)


def placed_of(
    project: Project, records: Sequence[EventRecord], refused: list[RefusedLine]
) -> list[Placed]:
    """Find what the events are about; refuse what is not there."""
    names = {record.item for record in records}
    found = Item.objects.filter(project=project, external_id__in=names)
    items = dict(found.values_list("external_id", "id"))
    answers = Response.objects.filter(item__in=items.values())
    responses = {
        (item, name): response
        for item, name, response in answers.values_list("item_id", "external_id", "id")
    }
    hashes = {record.user: user_hash(project, record.user) for record in records}
    placed = []
    for record in records:
        try:
            placed.append(placed_one(record, items, responses, hashes[record.user]))
        except LineRefused as error:
            refused.append(error.at(record.line))
    return placed


def placed_one(
    record: EventRecord,
    items: Mapping[str, int],
    responses: Mapping[tuple[int, str], int],
    hashed: str,
) -> Placed:
    item = items.get(record.item)
    if item is None:
        raise LineRefused("unknown_item", f"The project has no item “{record.item}”.", "item")
    found = {"response": record.response, "other_response": record.other_response}
    for name, response in found.items():
        if response and (item, response) not in responses:
            detail = f"The item “{record.item}” has no response “{response}”."
            raise LineRefused("unknown_response", detail, name)
    other = responses[item, record.other_response] if record.other_response else None
    return Placed(record, item, responses[item, record.response], other, hashed)


def sift(
    project: Project, placed: Sequence[Placed], refused: list[RefusedLine]
) -> tuple[list[Placed], int]:
    """Keep the events that are new and count those that are there already."""
    names = [each.record.external_id for each in placed]
    rows = FeedbackEvent.objects.filter(project=project, external_id__in=names).values_list(
        "external_id", "response_id", "other_response_id", "kind", "value", "user_hash",
        "happened_at", "raw",
    )  # fmt: skip
    known: dict[str, tuple[Any, ...]] = {name: tuple(facts) for name, *facts in rows}
    fresh, n_unchanged = [], 0
    for each in placed:
        name = each.record.external_id
        if name not in known:
            known[name] = each.facts()
            fresh.append(each)
        elif known[name] == each.facts():
            n_unchanged += 1
        else:
            detail = f"An event “{name}” exists and says something else."
            refused.append(LineRefused(TAKEN, detail, "id").at(each.record.line))
    return fresh, n_unchanged


def event_row(project: Project, each: Placed, now: datetime) -> FeedbackEvent:
    return FeedbackEvent(
        project=project,
        item_id=each.item_id,
        response_id=each.response_id,
        other_response_id=each.other_id,
        external_id=each.record.external_id,
        kind=each.record.kind,
        value=each.record.value,
        user_hash=each.user_hash,
        happened_at=each.record.happened_at,
        raw=each.record.raw,
        imported_at=now,
    )
