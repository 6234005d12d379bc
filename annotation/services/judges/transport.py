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


class DeadlineTransport(httpx2.BaseTransport):
    """Sends what an HTTP client asks, each call within the seconds of its read timeout.

    An answer longer than 4 MiB is cut one byte behind that, so its reader sees that it is too long.

    Raises (from `handle_request`):
        httpx2.ConnectError, ConnectTimeout: nothing was sent.
        httpx2.ReadTimeout, ReadError, RemoteProtocolError: it may have been heard.
    """

    def __init__(self, key: str) -> None:
        self.headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "quorum",
        }
        if key:
            self.headers["Authorization"] = f"Bearer {key}"
        self.own = threading.local()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        deadline = time.monotonic() + request.extensions["timeout"]["read"]
        connection = self.connected(request, deadline)
        wire: Wire = connection.sock
        wire.deadline = deadline
        try:
            path = request.url.raw_path.decode("ascii")
            connection.request(request.method, path, body=request.content, headers=self.headers)
            answer = connection.getresponse()
            body = answer.read(LONGEST_BODY + 1)
        except (OSError, HTTPException, ValueError) as error:
            connection.close()
            wire.socket.close()
            raise lost(error) from error
        if not answer.isclosed():
            connection.close()
        headers = [(name, value) for name in TOLD if (value := header(answer, name))]
        return httpx2.Response(answer.status, headers=headers, content=body)

    def connected(self, request: httpx2.Request, deadline: float) -> Any:
        """This thread's open connection, unless the server has closed it, or a new one."""
        key = (request.url.scheme, request.url.host, request.url.port)
        former = getattr(self.own, "connection", None)
        if former is not None and former.sock is not None:
            if self.own.key == key and not is_readable(former.sock.socket):
                return former
            former.close()
        self.own.key, self.own.connection = key, connect(*key, deadline)
        return self.own.connection

    def close(self) -> None:
        """Close the connection of the calling thread."""
        if (former := getattr(self.own, "connection", None)) is not None:
            former.close()


def connect(scheme: str, host: str, port: int | None, deadline: float) -> Any:
    left = max(deadline - time.monotonic(), 0.001)
    made: Any
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
    made.sock = Wire(made.sock, deadline)
    return made


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
    """A socket whose every read and write ends at one deadline. What `http.client` needs of it.

    Closed before its answer is read, as `http.client` does, it closes with the reader.
    """

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self.socket, self.deadline = connected, deadline
        self.is_read = self.is_closing = False

    def hurry(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline is over")
        self.socket.settimeout(left)

    def sendall(self, data: Any) -> None:
        left = memoryview(data).cast("B")
        while left:
            self.hurry()
            left = left[self.socket.send(left) :]

    def makefile(self, *mode: Any) -> io.BufferedReader:
        self.is_read = True
        return io.BufferedReader(Reader(self))

    def close(self) -> None:
        self.is_closing = True
        if not self.is_read:
            self.socket.close()


class Reader(io.RawIOBase):
    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.wire.hurry()
        return self.wire.socket.recv_into(buffer)

    def close(self) -> None:
        super().close()
        self.wire.is_read = False
        if self.wire.is_closing:
            self.wire.socket.close()
