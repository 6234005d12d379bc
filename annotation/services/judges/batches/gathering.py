"""Books what a batch has answered: matched by name only, each request once, the rest asked again.

The files may be long: they are fetched to the disk and read in pieces. Whoever is killed meanwhile
leaves what is booked booked; the next one fetches them again and goes on.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from tempfile import TemporaryFile
from typing import IO, TypeVar

import orjson

from annotation.domain.judges.batch_lines import LONGEST_LINE, LineRead, read_line, request_in
from annotation.domain.judges.reading import usage_of
from annotation.domain.vocabulary import AnswerStatus, RequestState
from annotation.models import JudgeBatch, JudgeRequest
from annotation.services.judges import booking, leases, taking
from annotation.services.judges.batches.filling import nonce_for
from annotation.services.judges.batches.line import Told, refuse_stopped
from annotation.services.judges.batches.tender import Tender
from annotation.services.judges.material import Material, material_for
from annotation.services.judges.sending import Blame, Call, Outcome, blame_of

Thing = TypeVar("Thing")
AT_ONCE = 128  # answers booked in one transaction
CHANGED = "What is asked has changed since it was sent; it is asked anew."
UNANSWERED = "The batch ended without an answer to it."


@dataclass
class Gathered:
    """What came back so far. `awaited` are the requests that are not booked yet."""

    awaited: set[int]
    seen: set[int] = field(default_factory=set)
    n_answered: int = 0
    n_doubled: int = 0
    n_unknown: int = 0
    n_garbled: int = 0


def gather(tender: Tender, batch: JudgeBatch, told: Told) -> Gathered:
    """Fetch the files of a batch that is over, and book every request of it.

    Raises:
        Refused: a file did not come as a whole, or the worker is to stop; what is booked stays so.
    """
    held = JudgeRequest.objects.filter(
        batch=batch, state=RequestState.RUNNING, lease_token=batch.token
    )
    gathered = Gathered(set(held.values_list("pk", flat=True)))
    with TemporaryFile() as answers, TemporaryFile() as errors:
        for name, file in ((told.output_file, answers), (told.error_file, errors)):
            if name:
                tender.line.download(name, file, tender.is_stopping)
        for file in (answers, errors):
            file.seek(0)
            for lines in in_pieces(lines_in(file)):
                refuse_stopped(tender.is_stopping)
                book(tender, batch, gathered, lines)
    book_missing(tender, batch, gathered, told)
    return gathered


def in_pieces(things: Iterable[Thing]) -> Iterator[list[Thing]]:
    one_by_one = iter(things)
    while piece := list(islice(one_by_one, AT_ONCE)):
        yield piece


def lines_in(file: IO[bytes]) -> Iterator[bytes]:
    """Read line by line; of one that is too long only the beginning, which is of no form."""
    while line := file.readline(LONGEST_LINE):
        end = line
        while end and not end.endswith(b"\n"):
            end = file.readline(LONGEST_LINE)
        if line.strip():
            yield line


def book(tender: Tender, batch: JudgeBatch, gathered: Gathered, raw: Sequence[bytes]) -> None:
    """Book those of some lines that answer a request which waits for it."""
    read = [read_line(line) for line in raw]
    gathered.n_garbled += sum(line is None for line in read)
    named = [(request_in(line.custom_id, batch.token), line) for line in read if line is not None]
    known = known_among(batch, gathered, [pk for pk, _ in named if pk is not None])
    found: dict[int, LineRead] = {}
    for pk, line in named:
        if pk is None or pk not in known:
            gathered.n_unknown += 1
        elif pk in gathered.seen:
            gathered.n_doubled += 1
        else:
            gathered.seen.add(pk)
            gathered.n_answered += line.is_answered
            if pk in gathered.awaited:
                found[pk] = line
    gathered.awaited -= set(found)
    booking.book(
        outcomes=outcomes_of(tender, batch, found),
        library=tender.library,
        in_hand=gathered.awaited,
        now=tender.now,
    )


def known_among(batch: JudgeBatch, gathered: Gathered, ids: Sequence[int]) -> set[int]:
    """Those of some requests that are of this batch, booked or not."""
    known = {pk for pk in ids if pk in gathered.awaited or pk in gathered.seen}
    if odd := set(ids) - known:
        known |= set(
            JudgeRequest.objects.filter(pk__in=odd, batch=batch).values_list("pk", flat=True)
        )
    return known


def outcomes_of(tender: Tender, batch: JudgeBatch, found: dict[int, LineRead]) -> list[Outcome]:
    rows = JudgeRequest.objects.filter(
        pk__in=found, state=RequestState.RUNNING, lease_token=batch.token
    ).order_by("pk")
    tender.library.learn([batch.judge_id])
    asked = list(rows)
    material = material_for(row.comparison_id for row in asked if row.comparison_id is not None)
    return [outcome_of(tender, batch, row, material, found[row.pk]) for row in asked]


def outcome_of(
    tender: Tender, batch: JudgeBatch, row: JudgeRequest, material: Material, line: LineRead
) -> Outcome:
    """Read one line as the answer to the question that was sent."""
    nonce = nonce_for(batch, row.pk)
    call = taking.written(row, material, tender.library, batch.token, nonce)
    ticket = replace(
        call.ticket,
        reserved=row.reserved,
        price_share=batch.price_share,
        cache_key=bytes(row.cache_key or b""),
    )
    if not line.is_answered:
        told = tender.line.redacted(line.detail)
        return unanswered(replace(leases.lost_outcome(row), ticket=ticket, detail=told), line)
    if not isinstance(call, Call) or call.ticket.cache_key != ticket.cache_key:
        return Outcome(ticket, AnswerStatus.MALFORMED, CHANGED, tokens=usage_of(line.body))
    content = b"" if line.body is None else orjson.dumps(line.body)
    return tender.line.answered(replace(call, ticket=ticket), content, 0.0)


def unanswered(lost: Outcome, line: LineRead) -> Outcome:
    """The endpoint says itself that it did not answer, so it does not charge either."""
    blame = blame_of(line.status) if line.status >= 300 else Blame.ENDPOINT
    told = f"HTTP {line.status}: {lost.detail}" if line.status else lost.detail
    return replace(lost, detail=told, blame=blame, is_lost=False, is_billed=False)


def book_missing(tender: Tender, batch: JudgeBatch, gathered: Gathered, told: Told) -> None:
    """Ask again what did not come back.

    As many as the endpoint says it answered beyond what came may have been paid for.
    """
    missing = sorted(gathered.awaited)
    n_claimed = len(missing) if told.n_done is None else told.n_done - gathered.n_answered
    for ids in in_pieces(enumerate(missing)):
        rows = JudgeRequest.objects.filter(
            pk__in=[pk for _, pk in ids], state=RequestState.RUNNING, lease_token=batch.token
        ).in_bulk()
        outcomes = [
            replace(
                leases.lost_outcome(rows[pk]),
                detail=UNANSWERED,
                is_lost=n < n_claimed,
                is_billed=n < n_claimed,
            )
            for n, pk in ids
            if pk in rows
        ]
        booking.book(outcomes=outcomes, library=tender.library, in_hand=(), now=tender.now)
