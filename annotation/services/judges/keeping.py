"""Keeps answers, and writes what became of requests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from annotation.domain.vocabulary import AnswerStatus, RequestState
from annotation.models import JudgeAnswer
from annotation.services.inserting import as_hex, run_beside
from annotation.services.judges.replies import plain
from annotation.services.judges.sending import Outcome

ADD_ANSWERS = """
    INSERT INTO judge_answer (
        request_id, cache_key, nonce, raw, body, status, finish_reason, tokens_in, tokens_out, cost,
        seconds, answered_at
    )
    SELECT request_id, cache_key, nonce, said.raw, body, status, finish_reason, tokens_in,
           tokens_out, cost, seconds, %(now)s
    FROM json_to_recordset(%(rows)b::json) AS told(
        place int, request_id bigint, cache_key bytea, nonce text, body jsonb, status text,
        finish_reason text, tokens_in int, tokens_out int, cost bigint, seconds float
    )
    JOIN unnest(%(raw)b::text[]) WITH ORDINALITY AS said(raw, place) USING (place)
    ON CONFLICT DO NOTHING
    RETURNING id, request_id
"""
WRITE = """
    UPDATE judge_request SET
        state = told.state, due_at = coalesce(told.due_at, judge_request.due_at),
        tries = told.tries, answer_id = told.answer_id, is_cached = told.is_cached,
        status = told.status, verdict = told.verdict, chances = told.chances,
        error = told.error, cost = judge_request.cost + told.cost,
        n_lost = judge_request.n_lost + told.n_lost, finished_at = told.finished_at,
        lease_token = NULL, lease_ends_at = NULL, reserved = 0
    FROM json_to_recordset(%(rows)b::json) AS told(
        id bigint, state text, due_at timestamptz, tries int, answer_id bigint, is_cached bool,
        status text, verdict jsonb, chances jsonb, error text, cost bigint, n_lost int,
        finished_at timestamptz
    )
    WHERE judge_request.id = told.id
"""


@dataclass(frozen=True, slots=True)
class Fate:
    """What a request becomes. `due_at` where it is tried again."""

    outcome: Outcome
    state: RequestState
    tries: int
    cost: int
    due_at: datetime | None = None


def write(fates: Sequence[Fate], late: Sequence[Outcome], now: datetime) -> None:
    """Keep the answers, then write the requests. A late answer was charged with its lost lease."""
    told = [(fate.outcome, fate.cost) for fate in fates if is_kept(fate.outcome)]
    usable_late = [(outcome, 0) for outcome in late if outcome.said is not None]
    answers = add_answers([*told, *usable_late], now)
    if fates:
        rows = [request_row(fate, answers, now) for fate in fates]
        run_beside(WRITE, {"rows": as_json(rows)})


def as_json(rows: Sequence[dict[str, Any]]) -> str:
    return orjson.dumps(rows).decode()


def is_kept(outcome: Outcome) -> bool:
    """Whether there is an answer of its own to keep, or a call that may have to be paid for."""
    return outcome.cached_id is None and bool(outcome.raw or outcome.is_lost)


def add_answers(told: Sequence[tuple[Outcome, int]], now: datetime) -> dict[int, int]:
    """Keep answers; give their ids by request, where another was first that one's."""
    if not told:
        return {}
    rows = [answer_row(place, *one) for place, one in enumerate(told, 1)]
    raw = [outcome.raw for outcome, _ in told]
    added = run_beside(ADD_ANSWERS, {"now": now, "rows": as_json(rows), "raw": raw})
    answers = {request: pk for pk, request in added}
    doubled = {
        outcome.ticket.cache_key: outcome.ticket.request_id
        for outcome, _ in told
        if outcome.ticket.request_id not in answers
    }
    first = JudgeAnswer.objects.filter(status=AnswerStatus.USABLE, cache_key__in=list(doubled))
    return answers | {doubled[bytes(key)]: pk for pk, key in first.values_list("pk", "cache_key")}


def answer_row(place: int, outcome: Outcome, cost: int) -> dict[str, Any]:
    """All of an answer but its words, which are too long to be escaped."""
    ticket = outcome.ticket
    tokens_in, tokens_out = outcome.tokens or (0, 0)
    return {
        "place": place,
        "request_id": ticket.request_id,
        "cache_key": as_hex(ticket.cache_key),
        "nonce": ticket.nonce,
        "body": outcome.body,
        "status": outcome.status.value,
        "finish_reason": outcome.finish_reason,
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
        "cost": cost,
        "seconds": outcome.seconds,
    }


def request_row(fate: Fate, answers: Mapping[int, int], now: datetime) -> dict[str, Any]:
    outcome = fate.outcome
    is_over = fate.state != RequestState.QUEUED
    return {
        "id": outcome.ticket.request_id,
        "state": fate.state.value,
        "due_at": fate.due_at,
        "tries": fate.tries,
        "answer_id": outcome.cached_id or answers.get(outcome.ticket.request_id),
        "is_cached": outcome.cached_id is not None,
        "status": outcome.status.value if is_over else "",
        "verdict": outcome.said.as_json() if outcome.said else None,
        "chances": outcome.chances or None,
        "error": plain(outcome.detail[:500]),
        "cost": fate.cost,
        "n_lost": int(outcome.is_lost),
        "finished_at": now if is_over else None,
    }
