"""A look at an endpoint from a page: where it may lead, and how long it may take.

A name is checked when an admin types it; what it resolves to is checked here, at the connected
socket and before a byte is sent, so that no change of a name's address opens a forbidden door.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import httpx2

from annotation.domain.errors import DomainError
from annotation.domain.importing.refusals import LineRefused
from annotation.domain.importing.strict_json import loads_strict
from annotation.domain.judges.addresses import refused_address
from annotation.models import Endpoint
from annotation.services.judges import keys

LOOK_SECONDS = 5.0  # that a page waits for an endpoint
MOST_BYTES = 1_000_000
MOST_MODELS = 100
CONNECTED = "connection.connect_tcp.complete"


class ForbiddenAddress(DomainError):
    """The endpoint's name leads to an address that is never asked."""

    code, status = "forbidden_address", 400


@dataclass(frozen=True)
class Look:
    """What an endpoint said when it was asked for its models; `sentence` says what to do."""

    is_fine: bool
    sentence: str
    models: tuple[str, ...] = ()


def guarded_hooks() -> dict[str, list[Any]]:
    """Event hooks for `httpx2.Client` that refuse forbidden addresses once connected.

    The client must follow no redirects and take no proxy from the environment.
    """
    return {"request": [_watch]}


def look_at(*, endpoint: Endpoint) -> Look:
    """Ask an endpoint for its models, for `LOOK_SECONDS` at most. Spends and writes nothing."""
    try:
        key = keys.key_of(endpoint)
    except keys.KeyMissing as error:
        return Look(False, error.detail)
    waiting = ThreadPoolExecutor(1)
    try:
        # The deadline of all of it: looking up a name, for one, has none of its own.
        return waiting.submit(_look, endpoint.base_url, key).result(timeout=LOOK_SECONDS)
    except TookTooLong:
        return Look(False, f"No whole answer within {LOOK_SECONDS:.0f} seconds; is it running?")
    finally:
        waiting.shutdown(wait=False, cancel_futures=True)


def _look(base_url: str, key: str) -> Look:
    until = time.monotonic() + LOOK_SECONDS
    headers = {"Accept-Encoding": "identity"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    try:
        with (
            httpx2.Client(
                event_hooks=guarded_hooks(),
                follow_redirects=False,
                trust_env=False,
                timeout=LOOK_SECONDS,
            ) as client,
            client.stream("GET", f"{base_url}/models", headers=headers) as answer,
        ):
            return _told(answer.status_code, _start_of(answer, until), key)
    except ForbiddenAddress as error:
        return Look(False, error.detail)
    except httpx2.ConnectError:
        return Look(False, "Nothing answers at this address; check it, and that the server runs.")
    except httpx2.TimeoutException:
        return Look(False, f"No answer within {LOOK_SECONDS:.0f} seconds; is the server running?")
    except httpx2.HTTPError as error:
        return Look(False, f"The connection broke off ({type(error).__name__}); try again.")


def _start_of(answer: httpx2.Response, until: float) -> bytes:
    """What comes by then, as it comes: whoever sends a byte a second holds no thread, and nothing
    is unpacked."""
    body = b""
    for piece in answer.iter_raw():
        body += piece
        if len(body) > MOST_BYTES or time.monotonic() > until:
            break
    return body[:MOST_BYTES]


def _told(status: int, body: bytes, key: str) -> Look:
    """Put an answer in words. Of its text only names of models are shown, and none that holds the
    key: an endpoint may echo it."""
    if status in (401, 403):
        return Look(False, f"It refuses the key ({status}); give the right one.")
    if status == 404:
        return Look(
            False, "It answers, but knows no /models (404); most addresses end in /v1: check it."
        )
    if 300 <= status < 400:
        return Look(False, f"It leads elsewhere ({status}); give the address that it leads to.")
    if status != 200:
        return Look(False, f"It answers {status}; look into the server’s own log.")
    names = _model_names(body)
    if names is None:
        return Look(False, "It answers, but not as OpenAI’s servers do; check the address.")
    shown = tuple(name for name in names if not key or key not in name)
    return Look(True, "It answers, and takes the key." if key else "It answers.", shown)


def _model_names(body: bytes) -> tuple[str, ...] | None:
    try:
        found = loads_strict(body)
    except LineRefused:
        return None
    rows = found.get("data") if isinstance(found, dict) else None
    if not isinstance(rows, list):
        return None
    names = (row.get("id") for row in rows if isinstance(row, dict))
    kept = (name for name in names if isinstance(name, str) and name.isprintable())
    return tuple(name[:200] for name in kept)[:MOST_MODELS]


def _watch(request: httpx2.Request) -> None:
    request.extensions["trace"] = _refuse


def _refuse(event: str, info: dict[str, Any]) -> None:
    if event == CONNECTED and (reason := _reason(info["return_value"])):
        info["return_value"].close()
        raise ForbiddenAddress(reason)


def _reason(stream: Any) -> str:
    reached = stream.get_extra_info("server_addr")
    return refused_address(ip_address(str(reached[0]).split("%")[0]))
