"""HTTP/1.1 for the practice endpoint: as much of it as clients of chat completions use."""

import asyncio
from http import HTTPStatus
from typing import cast

from practice.endpoint import Endpoint
from practice.plans import Plan, Request

LONGEST_REQUEST = 128 * 2**20  # bytes
PIECES = 60  # into how many a dripping answer is cut at most


class Connection(asyncio.Protocol):
    """One client's connection: requests one after the other, each answered as planned."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.received = bytearray()
        self.is_busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.received += data
        if not self.is_busy:
            self.read_next()

    def connection_lost(self, error: Exception | None) -> None:
        self.finished()

    def read_next(self) -> None:
        """Take one whole request off what was received, and answer it."""
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            return
        first, *lines = bytes(self.received[:end]).decode("latin-1").split("\r\n")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        length = int(headers.get("content-length") or 0)
        if length > LONGEST_REQUEST or "chunked" in headers.get("transfer-encoding", ""):
            self.transport.abort()
            return
        if len(self.received) < end + 4 + length:
            return
        body = bytes(self.received[end + 4 : end + 4 + length])
        del self.received[: end + 4 + length]
        method, path, *_ = first.split(" ")
        is_last = headers.get("connection", "").lower() == "close"
        self.answer(Request(method, path, headers.get("authorization", ""), body), is_last)

    def answer(self, request: Request, is_last: bool) -> None:
        plan = self.endpoint.plan(request)
        self.is_busy = not request.path.startswith("/practice/")
        if self.is_busy:
            self.endpoint.n_open += 1
            self.endpoint.peak = max(self.endpoint.peak, self.endpoint.n_open)
        if plan.pace == "hangs":
            return
        if plan.delay:
            loop = asyncio.get_running_loop()
            loop.call_later(plan.delay, self.send, plan, is_last)
        else:
            self.send(plan, is_last)

    def send(self, plan: Plan, is_last: bool) -> None:
        if self.transport.is_closing():
            return
        if plan.pace in ("resets", "closes", "resets-after-headers", "cut"):
            self.break_off(plan)
        elif plan.pace == "drips":
            self.drip(written(plan), self.endpoint.behaviour.pause)
        else:
            self.transport.write(written(plan))
            if is_last:
                self.transport.close()
            self.finished()
            self.read_next()

    def break_off(self, plan: Plan) -> None:
        if plan.pace == "cut":
            self.transport.write(written(plan)[: -len(plan.body) // 2])
        if plan.pace in ("closes", "cut"):
            self.transport.close()
            return
        if plan.pace == "resets-after-headers":
            self.transport.write(written(plan).partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
        # An abort at once would drop the headers too.
        asyncio.get_running_loop().call_later(0.02, self.transport.abort)

    def drip(self, data: bytes, seconds: float) -> None:
        """Send byte by byte, one for each sixtieth of the time; the last piece comes as one."""
        loop = asyncio.get_running_loop()
        pieces = [data[n : n + 1] for n in range(PIECES)] + [data[PIECES:]]
        for n, piece in enumerate(pieces):
            loop.call_later(n * seconds / PIECES, self.write_piece, piece)
        loop.call_later(seconds, self.finished)

    def write_piece(self, piece: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(piece)

    def finished(self) -> None:
        if self.is_busy:
            self.is_busy = False
            self.endpoint.n_open -= 1


def written(plan: Plan) -> bytes:
    """Write the answer as HTTP."""
    try:
        phrase = HTTPStatus(plan.status).phrase
    except ValueError:
        phrase = "Unknown"
    headers = {"content-type": "application/json"} | plan.headers
    lines = [f"HTTP/1.1 {plan.status} {phrase}", f"content-length: {len(plan.body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + plan.body


async def serve(endpoint: Endpoint, host: str, port: int) -> asyncio.Server:
    """Listen; port 0 takes a free one."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: Connection(endpoint), host, port, backlog=2048)
