"""What of a reply is read, told and kept: nothing secret, and nothing that no table can hold."""

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import orjson

from annotation.domain.judges.reading import LONGEST_BODY, Reading, usage_of

ERROR_KEPT = 16_384  # characters of an answer that is no completion
SHORTEST_SECRET = 8  # a shorter key is a word like “EMPTY”, which answers may well hold
NUL_ESCAPED = "\\u0000"


def redactor(key: str) -> Callable[[str], str]:
    """Give a function that blots a key out of a text, also as URLs, Base64 and JSON spell it."""
    if len(key) < SHORTEST_SECRET:
        return lambda text: text
    spelled = {
        key,
        quote(key, safe=""),
        json.dumps(key)[1:-1],
        base64.b64encode(key.encode()).decode(),
    }

    def redacted(text: str) -> str:
        for spelling in spelled:
            text = text.replace(spelling, "[key]")
        return text

    return redacted


def plain(text: str) -> str:
    """Leave out what a database's text cannot hold."""
    return text.replace("\x00", "\ufffd")


def kept(raw: str, reading: Reading, n_bytes: int) -> str:
    """What is kept of an answer: all of a usable one, the beginning of a longer other one."""
    if reading.said is not None or len(raw) <= ERROR_KEPT:
        return plain(raw)
    size = f"over {LONGEST_BODY:,}" if n_bytes > LONGEST_BODY else f"{n_bytes:,}"
    return f"{plain(raw[:ERROR_KEPT])}\n[cut: the answer has {size} bytes]"


def envelope_of(raw: str) -> Any:
    """Parse the body of an answer; None where it is no JSON, too long, or no table could hold it.

    Its message is parsed strictly where it is read; around it there is nothing to forge.
    """
    if len(raw) > LONGEST_BODY or NUL_ESCAPED in raw:
        return None
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None


def slim(body: Any) -> dict[str, Any]:
    """The parts of a completion that are looked at later; log-probabilities stay in the raw one."""
    if not isinstance(body, dict):
        return {}
    known = texts_in(body, ("id", "model", "system_fingerprint"))
    if tokens := usage_of(body):
        known["usage"] = dict(zip(("prompt_tokens", "completion_tokens"), tokens, strict=True))
    choice = first_choice(body)
    message = choice.get("message")
    if isinstance(message, dict):
        told = {"message": texts_in(message, ("role", "content", "refusal"))}
        known["choices"] = [told | texts_in(choice, ("finish_reason",))]
    return known


def first_choice(body: Any) -> dict[str, Any]:
    choices = body.get("choices") if isinstance(body, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else {}


def texts_in(value: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value[name] for name in names if isinstance(value.get(name), str)}


def finish_of(body: Any) -> str:
    reason = first_choice(body).get("finish_reason")
    return reason[:40] if isinstance(reason, str) else ""


def error_in(raw: str) -> str:
    """The sentence of an error's body, on one line."""
    body = envelope_of(raw)
    error = body.get("error", body) if isinstance(body, dict) else raw
    told = error.get("message", "") if isinstance(error, dict) else error
    return plain(" ".join(str(told).split()))[:300]


def is_filter(raw: str) -> bool:
    body = envelope_of(raw)
    error = body.get("error") if isinstance(body, dict) else None
    return isinstance(error, dict) and error.get("code") == "content_filter"
