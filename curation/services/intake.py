"""Reads the texts of new items, each distinct one once, so that the other drains can work."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from annotation.domain.errors import DomainError
from annotation.domain.vocabulary import MOST_TRIES
from annotation.models import Item, Project, Response
from curation.domain.reading import Reading, Said, read_item
from curation.domain.vocabulary import DuplicateKind
from curation.models import Intake, ItemTexts, ResponseText, Text
from curation.selectors.vectors import active_generation
from curation.services import generations, readiness

BATCH = 500
AT_A_TIME = 50  # items whose content is in memory
UNREADABLE = (LookupError, TypeError, ValueError, AttributeError, DomainError)

# In one order everywhere, or two readers wait for each other. A rival's text is there when this
# returns, since the insert waits for the rival to commit.
ADD_TEXTS = """
    INSERT INTO text (digest, folded, n_chars, item_id, response_id)
    SELECT * FROM unnest(%s::bytea[], %s::bytea[], %s::integer[], %s::bigint[], %s::bigint[])
    ON CONFLICT (digest) DO NOTHING
    RETURNING id
"""

READ_AGAIN = """
    INSERT INTO intake (item_id, queued_at) SELECT id, %s FROM item WHERE project_id = %s
    ON CONFLICT (item_id) DO UPDATE SET queued_at = excluded.queued_at, tries = 0, error = ''
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text stands: in an item's prompt, or in a response."""

    item_id: int
    response_id: int | None = None


@dataclass
class Batch:
    """What was read of some items, without their texts, and what could not be read."""

    readings: dict[int, Reading] = field(default_factory=dict)
    responses: dict[int, list[int]] = field(default_factory=dict)
    projects: dict[int, int] = field(default_factory=dict)
    broken: list[Intake] = field(default_factory=list)

    def places(self) -> Iterator[tuple[Said, Place]]:
        for item_id, reading in self.readings.items():
            yield reading.prompt, Place(item_id)
            for said, response_id in zip(reading.responses, self.responses[item_id], strict=True):
                yield said, Place(item_id, response_id)


def read_next_items(*, now: datetime, project: Project | None = None, limit: int = BATCH) -> int:
    """Read up to `limit` new items in one transaction, in the order in which they were written.

    Rivals skip what another is reading. Each text that is new is asked to be embedded once under
    every generation in use. An item that cannot be read keeps its row with the error and is set
    aside after `MOST_TRIES`; the others are not held up.

    Returns:
        How many items were taken; 0 when nothing is left to do. Safe to repeat.
    """
    with transaction.atomic():
        taken = take_items(project, limit)
        if not taken:
            return 0
        batch = read(taken)
        save(batch, now)
        Intake.objects.bulk_update(batch.broken, ["tries", "error"])
        Intake.objects.filter(pk__in=batch.readings).delete()
    return len(taken)


def take_items(project: Project | None, limit: int) -> list[Intake]:
    """Lock the items that were written first and that no rival is reading."""
    waiting = Intake.objects.filter(tries__lt=MOST_TRIES)
    if project is not None:
        waiting = waiting.filter(item__project=project)
    return list(waiting.select_for_update(skip_locked=True, of=("self",)).order_by("pk")[:limit])


def read(taken: Sequence[Intake]) -> Batch:
    batch = Batch()
    rows = {row.pk: row for row in taken}
    for item, answers in items_with_answers(list(rows)):
        spoken = [(answer["content"], answer["messages"]) for answer in answers]
        try:
            batch.readings[item.pk] = read_item(item.messages, spoken)
        except UNREADABLE as error:
            batch.broken.append(set_back(rows[item.pk], error))
        else:
            batch.responses[item.pk] = [answer["id"] for answer in answers]
            batch.projects[item.pk] = item.project_id
    return batch


def items_with_answers(item_ids: Sequence[int]) -> Iterator[tuple[Item, list[dict[str, Any]]]]:
    for start in range(0, len(item_ids), AT_A_TIME):
        some = item_ids[start : start + AT_A_TIME]
        answers: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
        found = Response.objects.filter(item__in=some).order_by("item_id", "position")
        for row in found.values("id", "item_id", "content", "messages"):
            answers[row["item_id"]].append(dict(row))
        for item in Item.objects.filter(pk__in=some).only("id", "project_id", "messages"):
            yield item, answers[item.pk]


def set_back(row: Intake, error: Exception) -> Intake:
    row.tries += 1
    row.error = f"{type(error).__name__}: {error}"
    return row


def save(batch: Batch, now: datetime) -> None:
    """Write what was read, and ask for all that rests on it."""
    generations.hold_still()
    ids = save_texts(batch, now)
    save_places(batch, ids)
    prompts = {
        (batch.projects[item_id], ids[reading.prompt.digest])
        for item_id, reading in batch.readings.items()
    }
    for kind in (DuplicateKind.EXACT, DuplicateKind.NEAR):
        readiness.ask_duplicates(kind=kind, pairs=prompts, now=now)
    if generation := active_generation():
        readiness.take_turns()
        readiness.announce_items(item_ids=batch.readings, generation=generation, now=now)


def save_texts(batch: Batch, now: datetime) -> dict[bytes, int]:
    """Write the texts that are new and ask for their vectors; give the ids of all by digest."""
    first: dict[Said, Place] = {}
    for said, place in batch.places():
        first.setdefault(said, place)
    in_order = sorted(first)
    columns: list[Any] = [
        [said.digest for said in in_order],
        [said.folded for said in in_order],
        [said.n_chars for said in in_order],
        [first[said].item_id for said in in_order],
        [first[said].response_id for said in in_order],
    ]
    with connection.cursor() as cursor:
        cursor.execute(ADD_TEXTS, columns)
        fresh = [pk for (pk,) in cursor.fetchall()]
    generations.request_vectors(text_ids=fresh, now=now)
    found = Text.objects.filter(digest__in=columns[0]).only("digest", "folded")
    return refold({bytes(text.digest): text for text in found}, first)


def refold(found: dict[bytes, Text], read: Iterable[Said]) -> dict[bytes, int]:
    """Correct texts that were folded by an older version; give the ids of all by digest."""
    outdated = []
    for said in read:
        text = found[said.digest]
        if bytes(text.folded) != said.folded:
            text.folded = said.folded
            outdated.append(text)
    Text.objects.bulk_update(sorted(outdated, key=lambda text: text.pk), ["folded"])
    return {digest: text.pk for digest, text in found.items()}


def save_places(batch: Batch, ids: dict[bytes, int]) -> None:
    """Write which texts each item and each response has; what was there is overwritten."""
    ItemTexts.objects.bulk_create(
        [
            ItemTexts(
                item_id=item_id,
                project_id=batch.projects[item_id],
                prompt_id=ids[reading.prompt.digest],
                digest=reading.digest,
                folded=reading.folded,
            )
            for item_id, reading in batch.readings.items()
        ],
        update_conflicts=True,
        unique_fields=["item"],
        update_fields=["project", "prompt", "digest", "folded"],
    )
    ResponseText.objects.bulk_create(
        [
            ResponseText(
                response_id=place.response_id,
                item_id=place.item_id,
                project_id=batch.projects[place.item_id],
                text_id=ids[said.digest],
            )
            for said, place in batch.places()
            if place.response_id is not None
        ],
        update_conflicts=True,
        unique_fields=["response"],
        update_fields=["item", "project", "text"],
    )


def retry_items(*, project: Project) -> int:
    """Take up again the items of a project that were set aside. Safe to repeat."""
    aside = Intake.objects.filter(item__project=project, tries__gte=MOST_TRIES)
    return aside.update(tries=0, error="")


def reread_items(*, project: Project, now: datetime) -> int:
    """Put all items of a project before the reader again. Safe to repeat.

    Returns:
        How many items now wait.
    """
    with connection.cursor() as cursor:
        cursor.execute(READ_AGAIN, [now, project.pk])
        return cursor.rowcount
