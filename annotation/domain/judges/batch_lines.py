"""The lines of a batch's files: which request each is of, and what it says.

Source: OpenAI's Batch API, input and output objects.
"""

import hashlib
import hmac
from base64 import b32encode
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from annotation.domain.judges.asking import NONCE_LENGTH
from annotation.domain.judges.completions import LONGEST_BODY

PATH = "/v1/chat/completions"
LONGEST_LINE = LONGEST_BODY + 65_536  # bytes: an answer, and what is around it
ANSWERED = 200
LONGEST_ID = 19  # digits
DETAIL_MAX = 300


@dataclass(frozen=True, slots=True)
class LineRead:
    """A line of an output or error file.

    Attributes:
        custom_id: which request it is of, as the endpoint says.
        status: of the answer as HTTP; 0 where there was none.
        body: of the answer; None where there is none, or an error beside it.
        detail: why there is no answer, in a line.
    """

    custom_id: str
    status: int
    body: Any
    detail: str = ""

    @property
    def is_answered(self) -> bool:
        return self.status == ANSWERED


def custom_id_of(request_id: int, token: UUID) -> str:
    """Name a request in a batch: no other request, and no other lease of it, has this name."""
    return f"{request_id}-{token.hex}"


def request_in(custom_id: str, token: UUID) -> int | None:
    """Find the request that a name is of; None unless it was leased under this token."""
    digits, _, lease = custom_id.partition("-")
    is_ours = lease == token.hex and digits.isascii() and digits.isdecimal()
    return int(digits) if is_ours and len(digits) <= LONGEST_ID else None


def nonce_of(secret: bytes, request_id: int) -> str:
    """Derive what the answer to one request of a batch must repeat, so that it need not be kept.

    Args:
        secret: 32 random bytes, of one batch only; whoever does not know them cannot guess it.
    """
    mac = hmac.digest(secret, str(request_id).encode(), hashlib.sha256)
    return b32encode(mac)[:NONCE_LENGTH].decode().lower()


def line_of(custom_id: str, body: bytes) -> bytes:
    """Write one line of an input file; `body` is the JSON of the request, on one line."""
    head = orjson.dumps({"custom_id": custom_id, "method": "POST", "url": PATH})
    return b'%s,"body":%s}\n' % (head[:-1], body)


def read_line(raw: bytes) -> LineRead | None:
    """Read one line of an output or error file; None where it has another form."""
    try:
        line = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(line, dict) or not isinstance(line.get("custom_id"), str):
        return None
    response, error = line.get("response"), line.get("error")
    status = response.get("status_code") if isinstance(response, dict) else 0
    body = response.get("body") if isinstance(response, dict) else None
    if type(status) is not int:
        return None
    detail = "" if status == ANSWERED and not error else told_in(error or body)
    return LineRead(line["custom_id"], status, None if error else body, detail)


def told_in(error: Any) -> str:
    """Put an error's code and message on one line, of at most 300 characters."""
    inner = error.get("error", error) if isinstance(error, dict) else error
    if not isinstance(inner, dict):
        return "It came back without an answer."
    words = [inner.get("code"), inner.get("message")]
    told = ": ".join(" ".join(word.split()) for word in words if isinstance(word, str) and word)
    return told.replace("\x00", "\ufffd")[:DETAIL_MAX] or "It came back without an answer."
