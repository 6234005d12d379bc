"""A request as the endpoint sees it, and the plan of what to send back."""

from dataclasses import dataclass, field

import orjson

from practice import misbehaving


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    authorization: str
    body: bytes


@dataclass(frozen=True)
class Plan:
    """What to send, and how: a `pace` of PACES, or "" for at once, after `delay` seconds.

    Of the pace "cut" only half of the body follows on headers that promise all of it.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    pace: str = ""


def refusal(status: int, message: str) -> Plan:
    kind = "invalid_request_error" if status < 500 else "server_error"
    return Plan(status, orjson.dumps(misbehaving.error_body(message, kind)))
