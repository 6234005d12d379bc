"""The facts of whole projects as they stand at one moment, a few items at a time."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from annotation.models import Comparison, Item, Judgment, Project, Response, Span
from curation.selectors.duplicates import groups_of

BATCH = 200

Rows = dict[int, list[dict[str, Any]]]


@contextmanager
def one_moment() -> Iterator[None]:
    """Read the database as it stands now, whatever others write meanwhile.

    Raises:
        django.db.utils.Error: a transaction is already open, so its moment is already fixed.
    """
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("set transaction isolation level repeatable read, read only")
        yield


def n_items(projects: Sequence[Project]) -> int:
    return Item.objects.filter(project__in=projects).count()


def facts_of(project: Project) -> Iterator[dict[str, Any]]:
    """Yield every item of a project with all that belongs to it; memory holds one batch."""
    items = Item.objects.filter(project=project).order_by("id")
    rows = items.values("id", "external_id", "messages", "metadata").iterator(chunk_size=BATCH)
    while batch := list(islice(rows, BATCH)):
        ids = [row["id"] for row in batch]
        responses = responses_by_item(ids)
        comparisons = comparisons_by_item(ids)
        duplicates = duplicates_by_item(ids)
        for row in batch:
            yield {
                **row,
                "project": project.slug,
                "responses": responses[row["id"]],
                "comparisons": comparisons[row["id"]],
                "duplicates": duplicates.get(row["id"], []),
            }


def grouped(rows: Any, key: str) -> Rows:
    groups: Rows = defaultdict(list)
    for row in rows:
        groups[row[key]].append(row)
    return groups


def duplicates_by_item(item_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """Name the groups of duplicates that items are in."""
    return {
        item: [
            {
                "kind": one.kind.value,
                "group": f"g-{one.key.hex()[:20]}",
                "representative": one.representative,
                "is_repeat": one.is_repeat,
            }
            for one in memberships
        ]
        for item, memberships in groups_of(item_ids).items()
    }


RESPONSE = (
    "id",
    "item_id",
    "external_id",
    "content",
    "messages",
    "model_name",
    "metadata",
    "revision_of_id",
)


def responses_by_item(item_ids: Sequence[int]) -> Rows:
    found = Response.objects.filter(item__in=item_ids).order_by("item_id", "position")
    return grouped(found.values(*RESPONSE), "item_id")


def comparisons_by_item(item_ids: Sequence[int]) -> Rows:
    found = Comparison.objects.filter(item__in=item_ids).values(
        "id", "item_id", "response_ids", "context", other_item_name=F("other_item__external_id")
    )
    rows: list[dict[str, Any]] = [dict(row) for row in found]
    judgments = judgments_by_comparison([row["id"] for row in rows])
    others = other_responses(rows)
    for row in rows:
        row["judgments"] = judgments[row["id"]]
        row["other_item"] = row.pop("other_item_name")
        row["other_responses"] = [
            others[r]
            for r in row["response_ids"]
            if r in others and others[r]["item_id"] != row["item_id"]
        ]
    return grouped(rows, "item_id")


def other_responses(rows: Sequence[Mapping[str, Any]]) -> dict[int, dict[str, Any]]:
    """Read the responses of joint comparisons, those of both items, by id."""
    joint = [row for row in rows if row["other_item_name"] is not None]
    wanted = set(chain.from_iterable(row["response_ids"] for row in joint))
    if not wanted:
        return {}
    found = Response.objects.filter(id__in=wanted).values(*RESPONSE)
    return {row["id"]: dict(row) for row in found}


def judgments_by_comparison(comparison_ids: Sequence[int]) -> Rows:
    found = Judgment.objects.filter(comparison__in=comparison_ids).values(
        "id",
        "comparison_id",
        "supersedes_id",
        "outcome",
        "ranking",
        "strength",
        "criteria",
        "confidence",
        "is_unsafe",
        "reason",
        "shown_order",
        "active_seconds",
        "is_late",
        "external_id",
        "metadata",
        "judged_at",
        kind=F("annotator__kind"),
        name=F("annotator__name"),
        model_name=F("annotator__model_name"),
        judge_family=F("annotator__judge__family"),
        judge_model=F("annotator__judge__model_name"),
        annotator_since=F("annotator__created_at"),
        annotator_project=F("annotator__project_id"),
        rationale_pk=F("rationale__id"),
        rationale_text=F("rationale__text"),
        rationale_tags=F("rationale__tags"),
    )
    rows: list[dict[str, Any]] = [dict(row) for row in found]
    spans = spans_by_rationale([row["rationale_pk"] for row in rows if row["rationale_pk"]])
    for row in rows:
        row["annotator"] = row.pop("name")
        row["is_pseudonym"] = row.pop("annotator_project") is not None
        row["is_imported"] = row["is_pseudonym"] or bool(row["external_id"])
        row["rationale"] = row.pop("rationale_text")
        row["tags"] = row.pop("rationale_tags") or []
        row["spans"] = spans[row["rationale_pk"]]
    return grouped(rows, "comparison_id")


def spans_by_rationale(rationale_ids: Sequence[int]) -> Rows:
    found = Span.objects.filter(rationale__in=rationale_ids).order_by(
        "start", "end", "label", "criterion"
    )
    spans: Rows = defaultdict(list)
    for rationale, response, *place in found.values_list(
        "rationale_id", "response_id", "start", "end", "label", "criterion"
    ):
        named = dict(zip(("start", "end", "label", "criterion"), place, strict=True))
        spans[rationale].append({"response": response, **named})
    return spans
