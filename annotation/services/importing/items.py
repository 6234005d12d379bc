"""Writes items with their responses, comparisons and slots, all in one go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

import orjson
from django.db import transaction
from django.db.models import Prefetch

from annotation.domain import pairing
from annotation.domain.errors import DomainError
from annotation.domain.importing.items import ItemRecord, item_of
from annotation.domain.importing.refusals import LineRefused, RefusedLine
from annotation.domain.vocabulary import ExclusionReason, PairStrategy, ResponseFormat
from annotation.models import Annotator, Comparison, Exclusion, Item, Project, Response, Slot
from annotation.services import slots
from annotation.services.importing import annotators, copying

TAKEN = "external_id_taken"


@dataclass(slots=True)
class Written:
    """What became of a batch."""

    n_written: int = 0
    n_unchanged: int = 0
    refused: list[RefusedLine] = field(default_factory=list)


class ItemsRefused(DomainError):
    """A request for several items holds a bad one; none was written."""

    code = "items_refused"

    @classmethod
    def because(cls, refused: RefusedLine) -> "ItemsRefused":
        error = cls(refused.detail, field=refused.field, line=refused.line)
        error.code = refused.rule
        return error


def create_items(
    *, project: Project, records: Sequence[Mapping[str, Any]], now: datetime
) -> Written:
    """Write items given as JSON values, all of them or none. Safe to repeat.

    Raises:
        ItemsRefused: a record breaks a rule; `line` counts the records from 1, `code` is the rule.
    """
    parsed = []
    for place, record in enumerate(records, 1):
        try:
            parsed.append(item_of(record, place))
        except LineRefused as error:
            raise ItemsRefused.because(error.at(place)) from error
    with transaction.atomic():
        written = write_items(project=project, records=parsed, now=now)
        if written.refused:
            raise ItemsRefused.because(written.refused[0])
        return written


def write_items(*, project: Project, records: Sequence[ItemRecord], now: datetime) -> Written:
    """Write a batch of checked items in the caller's transaction.

    An item that is there already with the same content counts as unchanged; one with another
    content is refused, since facts do not change.
    """
    copying.lock_project(project.id)
    written = Written()
    fresh = sift(project, records, written)
    if fresh:
        copy_items(project, fresh, now)
    written.n_written = len(fresh)
    return written


def sift(project: Project, records: Sequence[ItemRecord], written: Written) -> list[ItemRecord]:
    """Keep the items that are new; count and refuse the others into `written`."""
    stored = stored_items(project, [record.external_id for record in records])
    fresh: dict[str, ItemRecord] = {}
    for record in records:
        before = stored.get(record.external_id)
        if record.external_id in fresh:
            before = facts_of(fresh[record.external_id])
        if before is None:
            fresh[record.external_id] = record
        elif before == facts_of(record):
            written.n_unchanged += 1
        else:
            detail = (
                f"An item “{record.external_id}” exists with another content; facts do not change."
            )
            written.refused.append(LineRefused(TAKEN, detail, "id").at(record.line))
    return list(fresh.values())


Facts = tuple[Any, ...]


def facts_of(record: ItemRecord) -> Facts:
    """Everything that two spellings of one item must agree in."""
    answers = [
        (r.external_id, r.content, r.messages, r.model_name, r.metadata, r.author, r.revision_of)
        for r in record.responses
    ]
    return record.messages, record.metadata, answers


def stored_items(project: Project, names: Sequence[str]) -> dict[str, Facts]:
    found = Item.objects.filter(project=project, external_id__in=names)
    answers = Prefetch("responses", Response.objects.select_related("author", "revision_of"))
    return {item.external_id: stored_facts(item) for item in found.prefetch_related(answers)}


def stored_facts(item: Item) -> Facts:
    answers = [
        (
            r.external_id,
            r.content,
            r.messages,
            r.model_name,
            r.metadata,
            r.author.name if r.author else "",
            r.revision_of.external_id if r.revision_of else "",
        )
        for r in item.responses.all()
    ]
    return item.messages, item.metadata, answers


def copy_items(project: Project, records: Sequence[ItemRecord], now: datetime) -> None:
    item_ids = copying.next_ids(Item, len(records))
    drawn = iter(copying.next_ids(Response, sum(len(record.responses) for record in records)))
    response_ids = [list(islice(drawn, len(record.responses))) for record in records]
    authors = annotators.authors_of(project=project, records=records, now=now)
    copying.copy_rows(
        Item,
        ["id", "project_id", "external_id", "messages", "metadata", "content_hash", "created_at"],
        (
            (
                item_id,
                project.id,
                record.external_id,
                as_json(record.messages),
                as_json(record.metadata),
                record.content_hash,
                now,
            )
            for item_id, record in zip(item_ids, records, strict=True)
        ),
    )
    copy_responses(records, item_ids, response_ids, authors)
    copy_comparisons(project, records, item_ids, response_ids, authors, now)


def copy_responses(
    records: Sequence[ItemRecord],
    item_ids: Sequence[int],
    response_ids: Sequence[Sequence[int]],
    authors: Mapping[str, Annotator],
) -> None:
    def rows() -> Any:
        for record, item_id, ids in zip(records, item_ids, response_ids, strict=True):
            names = {r.external_id: ids[place] for place, r in enumerate(record.responses)}
            for place, response in enumerate(record.responses):
                yield (
                    ids[place],
                    item_id,
                    response.external_id,
                    place,
                    as_json(response.content),
                    as_json(response.messages),
                    response.model_name,
                    authors[response.author].id if response.author else None,
                    names[response.revision_of] if response.revision_of else None,
                    as_json(response.metadata),
                    response.content_hash,
                )

    columns = (
        "id item_id external_id position content messages model_name author_id revision_of_id "
        "metadata content_hash"
    )
    copying.copy_rows(Response, columns.split(), rows())


def copy_comparisons(
    project: Project,
    records: Sequence[ItemRecord],
    item_ids: Sequence[int],
    response_ids: Sequence[Sequence[int]],
    authors: Mapping[str, Annotator],
    now: datetime,
) -> None:
    planned = [
        (item_id, record, ids, places)
        for item_id, record, ids in zip(item_ids, records, response_ids, strict=True)
        for places in planned_comparisons(project, record)
    ]
    comparison_ids = copying.next_ids(Comparison, len(planned))
    add_comparisons(
        project,
        [
            (comparison_id, item_id, [ids[place] for place in places])
            for comparison_id, (item_id, _, ids, places) in zip(
                comparison_ids, planned, strict=True
            )
        ],
        now,
    )
    add_slots(project, comparison_ids)
    if authors:
        exclude_authors(
            [
                (comparison_id, {record.responses[place].author for place in places} - {""})
                for comparison_id, (_, record, _, places) in zip(
                    comparison_ids, planned, strict=True
                )
            ],
            authors,
            now,
        )


def planned_comparisons(project: Project, record: ItemRecord) -> list[tuple[int, ...]]:
    """Which responses of a new item are compared at once, by their places."""
    n = len(record.responses)
    if project.response_format == ResponseFormat.RANKING:
        return [tuple(range(n))]
    if n == 2 or project.pair_strategy == PairStrategy.ALL_PAIRS:
        return list(pairing.all_pairs(n))
    if project.pair_strategy == PairStrategy.BUDGETED:
        return list(pairing.budgeted_pairs(n, project.pair_budget, record.content_hash))
    # Best versus rest needs a best one: a path through all responses finds it first.
    return list(pairing.budgeted_pairs(n, n - 1, record.content_hash))


def add_comparisons(
    project: Project, planned: Sequence[tuple[int, int, Sequence[int]]], now: datetime
) -> None:
    """Copy comparisons given as (id, item id, ascending response ids)."""
    columns = "id project_id item_id response_ids context rank stale_tries stale_error created_at"
    copying.copy_rows(
        Comparison,
        columns.split(),
        (
            (comparison, project.id, item, copying.array_literal(responses), "", 0, 0, "", now)
            for comparison, item, responses in planned
        ),
    )


def add_slots(project: Project, comparison_ids: Sequence[int]) -> None:
    """Open as many slots on each comparison as the project's overlap asks for.

    None where routes open them. The caller holds `copying.lock_project`, as does whoever changes
    that.
    """
    if slots.is_routed(project.pk):
        return
    ordinals = range(1, project.overlap + 1)
    copying.copy_rows(
        Slot,
        ["project_id", "comparison_id", "ordinal", "rank", "audience", "lease_epoch"],
        (
            (project.id, comparison, ordinal, 0, "human", 0)
            for comparison in comparison_ids
            for ordinal in ordinals
        ),
    )


def exclude_authors(
    written_by: Sequence[tuple[int, set[str]]], authors: Mapping[str, Annotator], now: datetime
) -> None:
    """Nobody judges an answer of their own."""
    Exclusion.objects.bulk_create(
        Exclusion(
            comparison_id=comparison,
            annotator=authors[name],
            reason=ExclusionReason.AUTHOR,
            created_at=now,
        )
        for comparison, names in written_by
        for name in sorted(names)
    )


def as_json(value: Any) -> str:
    return orjson.dumps(value).decode()
