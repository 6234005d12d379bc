"""Takes due requests for an endpoint: written out, answered before or paid for, then leased."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from django.db import connection, transaction

from annotation.domain.judges.asking import cache_key, chat_of, new_nonce
from annotation.domain.judges.costs import most_cost_of
from annotation.domain.vocabulary import AnswerStatus, RequestState
from annotation.models import Endpoint, JudgeAnswer, JudgeRequest
from annotation.services.judges import budgets, replies, sending
from annotation.services.judges.canary_material import CanaryMaterial, canaries_for
from annotation.services.judges.material import Library, Material, material_for
from annotation.services.judges.sending import FULL_PRICE, Blame, Call, Outcome, Ticket

MARGIN = timedelta(seconds=60)  # to book an answer, and to look up a name
TAKE_LOCK = 0x514A4361  # "QJCa": one worker at a time looks for answers and calls of equal keys
TWIN_WAIT = timedelta(seconds=1)

# Trials come first; then the runs take turns, each from its request that is due longest.
NEXT = """
    WITH open_run AS (
        SELECT run.id, run.purpose <> 'trial' AS comes_later
        FROM judge_run run
        JOIN judge ON judge.id = run.judge_id
        JOIN project ON project.id = run.project_id
        WHERE judge.endpoint_id = %(endpoint)s AND run.state = 'running'
          AND NOT run.by_batch
          AND (judge.state = 'active' OR judge.state = 'suspended' AND run.purpose = 'canary')
          AND project.state = 'active'
          AND judge.unaffordable <= judge.budget - judge.spent - judge.reserved
          AND (%(project)s::bigint IS NULL OR run.project_id = %(project)s)
    )
    SELECT next.* FROM open_run CROSS JOIN LATERAL (
        SELECT request.* FROM judge_request request
        WHERE request.run_id = open_run.id AND request.state = 'queued'
          AND request.due_at <= %(now)s
        ORDER BY request.due_at, request.id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ) next
    ORDER BY comes_later, row_number() OVER (PARTITION BY run_id ORDER BY due_at, next.id), next.id
    LIMIT %(limit)s
"""
LEASE = """
    UPDATE judge_request SET
        state = 'running', lease_token = %(token)s, lease_ends_at = %(ends_at)s,
        reserved = taken.reserved, cache_key = taken.key, batch_id = %(batch)s
    FROM unnest(%(ids)s::bigint[], %(reserved)s::bigint[], %(keys)s::bytea[])
        AS taken(id, reserved, key)
    WHERE judge_request.id = taken.id
"""


@dataclass
class Taken:
    """Calls to send, and outcomes that need no call."""

    calls: list[Call] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.calls or self.outcomes)

    @property
    def tickets(self) -> list[Ticket]:
        return [call.ticket for call in self.calls] + [one.ticket for one in self.outcomes]


def take(
    *, endpoint: Endpoint, limit: int, project_id: int | None, library: Library, now: datetime
) -> Taken:
    """Lease up to `limit` due requests, in one transaction; nothing is sent yet.

    One whose answer is kept costs nothing and needs no call. One whose twin is on its way waits for
    the twin's answer. What does not fit into its judge's budget stays queued.
    """
    with transaction.atomic():
        rows = next_rows(endpoint, limit, project_id, now)
        if not rows:
            return Taken()
        library.learn(row.judge_id for row in rows)
        written = write_out(rows, library, uuid4())
        lock_keys()
        taken = Taken(outcomes=[one for one in written if isinstance(one, Outcome)])
        calls = [one for one in written if isinstance(one, Call)]
        calls = without_answered(calls, taken)
        calls = without_twins(calls, now)
        taken.calls = lasting(affordable(calls, library), endpoint)
        # Two timeouts: one call may lie ready while another is waited for.
        lease(taken.tickets, now + 2 * timedelta(seconds=endpoint.timeout_seconds) + MARGIN)
        return taken


def lasting(calls: Sequence[Call], endpoint: Endpoint) -> list[Call]:
    """Say until when each may be sent: what lies ready longer is handed back."""
    until = time.monotonic() + endpoint.timeout_seconds + MARGIN.total_seconds() / 2
    return [replace(call, ticket=replace(call.ticket, until=until)) for call in calls]


def lock_keys() -> None:
    """Let nobody else look for equal questions before this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [TAKE_LOCK])


def next_rows(
    endpoint: Endpoint, limit: int, project_id: int | None, now: datetime
) -> list[JudgeRequest]:
    wanted = {"endpoint": endpoint.pk, "project": project_id, "now": now, "limit": limit}
    return list(JudgeRequest.objects.raw(NEXT, wanted))


def write_out(rows: Sequence[JudgeRequest], library: Library, token: UUID) -> list[Call | Outcome]:
    material = material_for(row.comparison_id for row in rows if row.comparison_id is not None)
    canaries = canaries_for(rows)
    return [written(row, canaries if row.canary_id else material, library, token) for row in rows]


def written(
    row: JudgeRequest,
    material: Material | CanaryMaterial,
    library: Library,
    token: UUID,
    nonce: str = "",
) -> Call | Outcome:
    """Write one request; what cannot be written is its own fault, and holds up no other."""
    judge, template = library.judges[row.judge_id], library.templates[row.judge_id]
    ticket = Ticket(
        request_id=row.pk,
        token=token,
        judge_id=row.judge_id,
        endpoint_id=row.endpoint_id,
        comparison_id=row.comparison_id,
        run_id=row.run_id,
        is_trial=row.is_trial,
        tries=row.tries,
        reserved=0,
        nonce=nonce or new_nonce(),
    )
    try:
        asked = material.asked(library, row)
        key = cache_key(
            base_url=judge.endpoint.base_url,
            model_name=judge.model_name,
            temperature=judge.temperature,
            max_tokens=judge.max_tokens,
            seed=judge.seed,
            sample=row.sample,
            reads_logprobs=judge.reads_logprobs,
            template=template,
            asked=asked,
        )
        chat = chat_of(template, asked, nonce=ticket.nonce)
    except (LookupError, TypeError, ValueError) as error:
        told = f"It cannot be asked: {type(error).__name__}: {error}"
        return unasked(ticket, told)
    is_pair = len(row.shown_order) == 2
    body = sending.body_for(judge, chat.messages, chat.response_format, is_pair=is_pair)
    reads = judge.reads_logprobs and is_pair
    return Call(replace(ticket, cache_key=key), body, template, asked, reads)


def unasked(ticket: Ticket, told: str) -> Outcome:
    return Outcome(
        ticket,
        AnswerStatus.UNREACHABLE,
        told[:300],
        blame=Blame.REQUEST,
        is_sent=False,
        is_billed=False,
    )


def without_answered(calls: Sequence[Call], taken: Taken) -> list[Call]:
    """Leave out what a kept answer answers."""
    keys = [call.ticket.cache_key for call in calls]
    usable = JudgeAnswer.objects.filter(status=AnswerStatus.USABLE, cache_key__in=keys)
    kept = {bytes(answer.cache_key): answer for answer in usable}
    left = []
    for call in calls:
        answer = kept.get(call.ticket.cache_key)
        outcome = read_again(call, answer) if answer else None
        if outcome is None:
            left.append(call)
        else:
            taken.outcomes.append(outcome)
    return left


def read_again(call: Call, answer: JudgeAnswer) -> Outcome | None:
    """Read a kept answer as it was read before; None should it no longer be usable."""
    known = replace(call, ticket=replace(call.ticket, nonce=answer.nonce))
    reading, chances = sending.read(known, replies.envelope_of(answer.raw))
    if reading.said is None:
        return None
    return Outcome(
        call.ticket,
        reading.status,
        said=reading.said,
        chances=chances,
        is_sent=False,
        is_billed=False,
        cached_id=answer.pk,
    )


def without_twins(
    calls: Sequence[Call], now: datetime, batch_wait: timedelta | None = None
) -> list[Call]:
    """Put off what another request asks at this moment: its answer will do for both.

    Whoever asks at once does not wait a day for a batch; a batch, with its wait, waits for all.
    """
    keys = [call.ticket.cache_key for call in calls]
    running = JudgeRequest.objects.filter(state=RequestState.RUNNING, cache_key__in=keys)
    if batch_wait is None:
        running = running.filter(batch__isnull=True)
    asked = {bytes(key) for key in running.values_list("cache_key", flat=True) if key}
    first, later = [], []
    for call in calls:
        if call.ticket.cache_key in asked:
            later.append(call.ticket.request_id)
        else:
            asked.add(call.ticket.cache_key)
            first.append(call)
    if later:
        JudgeRequest.objects.filter(pk__in=later).update(due_at=now + (batch_wait or TWIN_WAIT))
    return first


def affordable(
    calls: Sequence[Call], library: Library, price_share: Decimal = FULL_PRICE
) -> list[Call]:
    """Set aside what each call may cost at most; leave out what does not fit into the budget."""
    locked = budgets.locked_purses(call.ticket.judge_id for call in calls)
    paid = []
    for call in calls:
        judge, purse = locked[call.ticket.judge_id]
        prices = judge.price_in * price_share, judge.price_out * price_share
        most = most_cost_of(len(call.body), judge.max_tokens, *prices)
        if purse.takes(most):
            ticket = replace(call.ticket, reserved=most, price_share=price_share)
            paid.append(replace(call, ticket=ticket))
    budgets.set_aside({pk: purse for pk, (_, purse) in locked.items()})
    return paid


def lease(tickets: Sequence[Ticket], ends_at: datetime, batch_id: int | None = None) -> None:
    """Lease requests, those of a batch to it."""
    if not tickets:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            LEASE,
            {
                "token": tickets[0].token,
                "ends_at": ends_at,
                "batch": batch_id,
                "ids": [ticket.request_id for ticket in tickets],
                "reserved": [ticket.reserved for ticket in tickets],
                "keys": [ticket.cache_key for ticket in tickets],
            },
        )
