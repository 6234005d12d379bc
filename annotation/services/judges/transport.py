"""Carries a call to an endpoint: one deadline for all of it, and an end to what is read.

The usual timeouts are for each read, so a server that sends a byte a second holds a worker for
hours. Connections are kept open, one for each thread. Redirects are not followed, and no header
goes out but those named here, whatever the environment holds.
"""

import io
import select
import socket
import ssl
import threading
import time
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from ipaddress import ip_address
from typing import Any

import httpx2

from annotation.domain.judges.addresses import refused_address
from annotation.domain.judges.reading import LONGEST_BODY

TOLD = ("retry-after", "content-type")
SAID = (
    "Content-Type: application/json",
    "Accept: application/json",
    "Accept-Encoding: identity",
    "User-Agent: quorum",
)


class DirectClient(httpx2.Client):
    """Hands each request straight to its transport: what lies between costs more than the call.

    So there are no cookies, proxies, redirects or hooks.
    """

    def __init__(self, transport: httpx2.BaseTransport, timeout: float) -> None:
        super().__init__(transport=transport, timeout=timeout, trust_env=False)
        self.straight, self.extensions = transport, {"timeout": {"read": timeout}}
        self.urls: dict[str, httpx2.URL] = {}

    def build_request(self, method: str, url: Any, **rest: Any) -> httpx2.Request:
        if rest.get("content") is None:
            return super().build_request(method, url, **rest)
        if url not in self.urls:
            self.urls[url] = httpx2.URL(url)
        return httpx2.Request(
            method, self.urls[url], content=rest["content"], extensions=self.extensions
        )

    def send(self, request: httpx2.Request, **_: Any) -> httpx2.Response:
        response = self.straight.handle_request(request)
        response.request = request
        return response


class DeadlineTransport(httpx2.BaseTransport):
    """Sends what an HTTP client asks, each call within the seconds of its read timeout.

    An answer longer than 4 MiB is cut one byte behind that, so its reader sees that it is too long.

    Raises (from `handle_request`):
        httpx2.ConnectError, ConnectTimeout: nothing was sent.
        httpx2.ReadTimeout, ReadError, RemoteProtocolError: it may have been heard.
    """

    def __init__(self, key: str) -> None:
        lines = [*SAID, *([f"Authorization: Bearer {key}"] if key else ())]
        self.head = "".join(f"{line}\r\n" for line in lines).encode("latin-1")
        self.own = threading.local()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        deadline = time.monotonic() + request.extensions["timeout"]["read"]
        wire = self.connected(request.url, deadline)
        wire.deadline = deadline
        try:
            wire.sendall(self.written(request))
            answer = HTTPResponse(wire, method=request.method)  # type: ignore[arg-type]
            answer.begin()
            body = answer.read(LONGEST_BODY + 1)
        except (OSError, HTTPException, ValueError) as error:
            wire.close()
            raise lost(error) from error
        if answer.will_close or not answer.isclosed():
            wire.close()
        headers = [(name, value) for name in TOLD if (value := header(answer, name))]
        return httpx2.Response(answer.status, headers=headers, content=body)

    def written(self, request: httpx2.Request) -> bytes:
        """All of a request as it goes out, at once: two writes would cost as much again."""
        body, url = request.read(), request.url
        return b"".join(
            (
                *(request.method.encode("ascii"), b" ", url.raw_path, b" HTTP/1.1\r\nHost: "),
                *(url.netloc, b"\r\n", self.head),
                *(b"Content-Length: %d\r\n\r\n" % len(body), body),
            )
        )

    def connected(self, url: httpx2.URL, deadline: float) -> "Wire":
        """This thread's open connection, unless the server has closed it, or a new one."""
        key = (url.scheme, url.host, url.port)
        former = getattr(self.own, "wire", None)
        if former is not None and not former.is_closed:
            if self.own.key == key and not is_readable(former.socket):
                return former
            former.close()
        self.own.key, self.own.wire = key, connect(*key, deadline)
        return self.own.wire

    def close(self) -> None:
        """Close the connection of the calling thread."""
        if (former := getattr(self.own, "wire", None)) is not None:
            former.close()


def connect(scheme: str, host: str, port: int | None, deadline: float) -> "Wire":
    left = max(deadline - time.monotonic(), 0.001)
    made: HTTPConnection
    if scheme == "https":
        made = HTTPSConnection(host, port, timeout=left, context=ssl.create_default_context())
    else:
        made = HTTPConnection(host, port, timeout=left)
    try:
        made.connect()
        peer = made.sock.getpeername()[0].split("%")[0]
        if reason := refused_address(ip_address(peer)):
            raise ConnectionRefusedError(reason)
        made.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except (OSError, ValueError) as error:
        made.close()
        late = isinstance(error, TimeoutError)
        raise (httpx2.ConnectTimeout if late else httpx2.ConnectError)(str(error)) from error
    return Wire(made.sock, deadline)


def lost(error: Exception) -> httpx2.TransportError:
    """Name what went wrong after something may have been sent."""
    if isinstance(error, TimeoutError):
        return httpx2.ReadTimeout("The answer did not come in time.")
    if isinstance(error, HTTPException):
        return httpx2.RemoteProtocolError(f"{type(error).__name__}: {error}")
    return httpx2.ReadError(f"{type(error).__name__}: {error}")


def header(answer: HTTPResponse, name: str) -> str | None:
    value = answer.getheader(name)
    return value if value is not None and value.isascii() and value.isprintable() else None


def is_readable(wire: socket.socket) -> bool:
    """Whether something waits on an idle connection: then it is the end of it."""
    poll = select.poll()
    poll.register(wire, select.POLLIN)
    return bool(poll.poll(0))


class Wire:
    """A socket whose every read and write ends at one deadline. What `HTTPResponse` needs of it."""

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self.socket, self.deadline, self.is_closed = connected, deadline, False

    def hurry(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline is over")
        self.socket.settimeout(left)

    def sendall(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            self.hurry()
            left = left[self.socket.send(left) :]

    def makefile(self, *mode: Any) -> io.BufferedReader:
        return io.BufferedReader(Reader(self))

    def close(self) -> None:
        self.is_closed = True
        self.socket.close()


class Reader(io.RawIOBase):
    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.wire.hurry()
        return self.wire.socket.recv_into(buffer)
