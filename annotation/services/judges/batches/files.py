"""Carries the files of batches: in pieces, each call under one deadline, over a line of its own.

As with single calls no redirect is followed, nothing of the environment changes where a call goes,
no forbidden address is reached, and no header goes out but those named here.
"""

import time
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import Any

import httpx2

from annotation.domain.judges.completions import LONGEST_BODY
from annotation.services.judges.transport import TOLD, connect, header, lost

CONNECT_SECONDS = 30.0
PIECE = 65_536  # bytes
LONGEST_FILE = 8 * 2**30  # bytes: more than any batch has that is filled here
FORM = "multipart/form-data; boundary="


class FileTransport(httpx2.BaseTransport):
    """Sends what an HTTP client asks as it is read, and gives the answer as it comes.

    Raises (from `handle_request`, and while the answer is read):
        httpx2.ConnectError, ConnectTimeout: nothing was sent.
        httpx2.ReadTimeout, ReadError, RemoteProtocolError: it may have been heard, or the answer
            is not whole.
    """

    def __init__(self, key: str) -> None:
        self.headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "quorum",
            "Connection": "close",
        }
        if key:
            self.headers["Authorization"] = f"Bearer {key}"

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        deadline = time.monotonic() + request.extensions["timeout"]["read"]
        soon = min(deadline, time.monotonic() + CONNECT_SECONDS)
        wire: Any = connect(request.url.scheme, request.url.host, request.url.port, soon)
        wire.deadline = deadline
        try:
            self.send(wire, request)
            answer = HTTPResponse(wire, method=request.method)
            answer.begin()
        except (OSError, HTTPException, ValueError) as error:
            wire.close()
            raise lost(error) from error
        longest = LONGEST_FILE if request.url.path.endswith("/content") else LONGEST_BODY
        headers = [(name, value) for name in TOLD if (value := header(answer, name))]
        stream = AnswerStream(wire, answer, longest)
        return httpx2.Response(answer.status, headers=headers, stream=stream)

    def send(self, wire: Any, request: httpx2.Request) -> None:
        wire.sendall(self.head_of(request))
        try:
            for piece in request.stream:  # type: ignore[union-attr]
                wire.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            return  # it may have answered before it had heard all

    def head_of(self, request: httpx2.Request) -> bytes:
        kind = request.headers.get("content-type", "")
        own = {
            "Host": request.url.netloc.decode("ascii"),
            "Content-Type": kind if kind.startswith(FORM) else "application/json",
            "Content-Length": str(int(request.headers.get("content-length", 0))),
        }
        path = request.url.raw_path.decode("ascii")
        lines = [f"{name}: {value}" for name, value in (own | self.headers).items()]
        first = f"{request.method} {path} HTTP/1.1"
        return "\r\n".join([first, *lines, "", ""]).encode("latin-1")


class AnswerStream(httpx2.SyncByteStream):
    """An answer as it comes; one that ends before its length, or is too long, is an error."""

    def __init__(self, wire: Any, answer: HTTPResponse, longest: int) -> None:
        self.wire, self.answer, self.longest = wire, answer, longest

    def __iter__(self) -> Iterator[bytes]:
        left = self.longest
        try:
            while piece := self.answer.read(PIECE):
                left -= len(piece)
                if left < 0:
                    raise httpx2.ReadError(f"The answer has over {self.longest:,} bytes.")
                yield piece
            if self.answer.length:
                raise IncompleteRead(b"", self.answer.length)
        except (OSError, HTTPException, ValueError) as error:
            raise lost(error) from error
        finally:
            self.close()

    def close(self) -> None:
        self.answer.close()
        self.wire.close()
