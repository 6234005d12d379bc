"""Sends one question to an endpoint and reads what comes back. Touches no table."""

import math
import time
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson

from annotation.domain.judges.chances import TOP_LOGPROBS, chances_of
from annotation.domain.judges.questions import Asked, Template
from annotation.domain.judges.reading import (
    Reading,
    Said,
    read_answer,
    usage_of,
)
from annotation.domain.vocabulary import AnswerStatus
from annotation.models import Judge
from annotation.services.judges import replies
from annotation.services.judges.transport import DeadlineTransport, DirectClient

PATH = "/chat/completions"
FULL_PRICE = Decimal(1)
BUSY = (429, 529)
MISCONFIGURED = (401, 403, 404)
PASSING = (408, 409, 425)


class Blame(StrEnum):
    """Whose fault it is that no answer came, which decides when and whether to try again.

    Nobody: there is an answer, whatever it is worth. Request: it would fail again. Endpoint: it is
    down. Settings: it turns everybody away until somebody repairs them. Busy: it says “later”.
    Worker: whoever sent it is gone.
    """

    NOBODY = "nobody"
    REQUEST = "request"
    ENDPOINT = "endpoint"
    SETTINGS = "settings"
    BUSY = "busy"
    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class Ticket:
    """The right to answer a request while its lease lasts, and what was set aside for it.

    After `until`, by the monotonic clock, it must not be sent any more: its lease could end first.
    """

    request_id: int
    token: UUID
    judge_id: int
    endpoint_id: int
    comparison_id: int | None  # none of a canary
    run_id: int
    is_trial: bool
    tries: int
    reserved: int
    cache_key: bytes = b""
    nonce: str = ""
    price_share: Decimal = FULL_PRICE
    until: float = math.inf


@dataclass(frozen=True, slots=True)
class Call:
    """All that a thread needs to send a request and to read its answer."""

    ticket: Ticket
    body: bytes
    template: Template
    asked: Asked
    reads_logprobs: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call.

    Attributes:
        tokens: of question and answer; None where the endpoint did not say.
        is_sent: whether the endpoint was asked, so that this tells how it is.
        is_lost: it was sent, and nobody knows what became of it, so it may be charged for.
        is_billed: whether the endpoint charges for it, as far as anybody knows.
        retry_after: when to come back, as the endpoint's header says it.
        cached_id: the kept answer that this is read from; nothing was sent.
    """

    ticket: Ticket
    status: AnswerStatus
    detail: str = ""
    said: Said | None = None
    chances: dict[str, float] | None = None
    raw: str = ""
    body: dict[str, Any] = field(default_factory=dict)
    finish_reason: str = ""
    tokens: tuple[int, int] | None = None
    seconds: float = 0.0
    blame: Blame = Blame.NOBODY
    is_sent: bool = True
    is_lost: bool = False
    is_billed: bool = True
    retry_after: str | None = None
    cached_id: int | None = None


def body_for(judge: Judge, messages: Any, response_format: Any, *, is_pair: bool) -> bytes:
    """Write the body of a request."""
    body = {
        "model": judge.model_name,
        "messages": messages,
        "temperature": judge.temperature,
        "max_tokens": judge.max_tokens,
        "response_format": response_format,
    }
    if judge.seed is not None:
        body["seed"] = judge.seed
    if judge.reads_logprobs and is_pair:
        body |= {"logprobs": True, "top_logprobs": TOP_LOGPROBS}
    return orjson.dumps(body)


class Line:
    """A way to an endpoint, shared by threads. Holds the key, which nothing that it returns does.

    Retries, redirects and telling headers of the client library are off.
    """

    def __init__(self, base_url: str, key: str, timeout: float) -> None:
        import httpx2  # here, so that only processes that ask judges load the client
        import openai

        self.transport = DeadlineTransport(key)
        self.redacted = replies.redactor(key)
        self.errors = openai
        self.unsent = (httpx2.ConnectError, httpx2.ConnectTimeout)
        self.answer_type = httpx2.Response
        self.client = openai.OpenAI(
            base_url=base_url,
            api_key=key or "none",
            max_retries=0,
            timeout=timeout,
            http_client=DirectClient(self.transport, timeout),
        )

    def send(self, call: Call) -> Outcome:
        """Ask, within the endpoint's seconds, and read the answer. Never raises what it expects."""
        started = time.monotonic()
        try:
            response = self.client.post(PATH, content=call.body, cast_to=self.answer_type)
        except self.errors.APIStatusError as error:
            return self.turned_away(call, error.response, time.monotonic() - started)
        except self.errors.APIConnectionError as error:
            return self.unheard(call, error, time.monotonic() - started)
        return self.answered(call, response.content, time.monotonic() - started)

    def answered(self, call: Call, content: bytes, seconds: float) -> Outcome:
        raw = self.redacted(content.decode("utf-8", "replace"))
        body = replies.envelope_of(raw)
        reading, chances = read(call, body)
        return Outcome(
            call.ticket,
            reading.status,
            reading.detail,
            reading.said,
            chances,
            raw=replies.kept(raw, reading, len(content)),
            body=replies.slim(body),
            finish_reason=replies.finish_of(body),
            tokens=usage_of(body),
            seconds=seconds,
        )

    def turned_away(self, call: Call, response: Any, seconds: float) -> Outcome:
        """An answer with another status than 200: nothing to read, nothing to pay."""
        status = response.status_code
        raw = self.redacted(response.content.decode("utf-8", "replace"))
        said = replies.error_in(raw)
        return Outcome(
            call.ticket,
            AnswerStatus.FILTERED if replies.is_filter(raw) else AnswerStatus.UNREACHABLE,
            f"HTTP {status}{': ' if said else ''}{said}",
            raw=replies.plain(raw[: replies.ERROR_KEPT]),
            seconds=seconds,
            blame=blame_of(status),
            is_billed=False,
            retry_after=response.headers.get("retry-after"),
        )

    def unheard(self, call: Call, error: Exception, seconds: float) -> Outcome:
        cause = error.__cause__ or error
        is_unsent = isinstance(cause, self.unsent)
        told = "No connection" if is_unsent else "No answer"
        return Outcome(
            call.ticket,
            AnswerStatus.UNREACHABLE,
            f"{told}: {self.redacted(str(cause))[:300] or type(cause).__name__}",
            seconds=seconds,
            blame=Blame.ENDPOINT,
            is_lost=not is_unsent,
            is_billed=not is_unsent,
        )


def read(call: Call, body: Any) -> tuple[Reading, dict[str, float] | None]:
    reading = read_answer(body, template=call.template, asked=call.asked, nonce=call.ticket.nonce)
    if reading.said is None or not call.reads_logprobs:
        return reading, None
    return reading, chances_of(body, template=call.template, asked=call.asked)


def blame_of(status: int) -> Blame:
    if status in BUSY:
        return Blame.BUSY
    if status in MISCONFIGURED or status < 400:  # a redirect leads elsewhere: the address is wrong
        return Blame.SETTINGS
    return Blame.ENDPOINT if status >= 500 or status in PASSING else Blame.REQUEST
