"""HTTP/1.1 over asyncio: no more than an API on loopback needs, and fast enough to measure clients with."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import NamedTuple, cast

_HEAD_LIMIT = 16 * 1024
_BODY_LIMIT = 64 * 1024  # of a request; none of them means anything here
_STATUS_LINES = {s.value: f"HTTP/1.1 {s.value} {s.phrase}\r\n".encode() for s in HTTPStatus}


class Request(NamedTuple):
    """``target`` as it was sent; header names are in lower case."""

    method: str
    target: str
    headers: dict[bytes, bytes]


class Answer(NamedTuple):
    status: int
    body: bytes
    headers: bytes = b""  # whole lines, each with its line end


Respond = Callable[[Request], Answer]


class MalformedError(Exception):
    """A request that can't be read; ``status`` is the answer, after which the connection ends."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass
class Traffic:
    """What has come and gone. ``requests`` counts the answers by kind, see ``api``."""

    requests: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    in_flight: int = 0
    max_in_flight: int = 0

    def reset(self) -> None:
        """Count from here on."""
        self.requests.clear()
        self.connections, self.max_in_flight = 0, self.in_flight


class Connection(asyncio.Protocol):
    """One client. Its requests are answered one after the other, each ``delay`` seconds after it came."""

    def __init__(self, respond: Respond, traffic: Traffic, delay: float, peers: set[asyncio.Transport]) -> None:
        self._respond = respond
        self._traffic = traffic
        self._delay = delay
        self._peers = peers
        self._buffer = b""
        self._pending: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._peers.add(self._transport)
        self._traffic.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._peers.discard(self._transport)
        if self._pending is not None:
            self._pending.cancel()
            self._traffic.in_flight -= 1

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._pending is None:
            self._serve()
        elif len(self._buffer) > _HEAD_LIMIT + _BODY_LIMIT:
            self._transport.abort()  # sends on and on without reading an answer

    def _serve(self) -> None:
        """Answer what has arrived whole, until an answer has to wait."""
        while self._pending is None and not self._transport.is_closing():
            try:
                request, self._buffer = _parse(self._buffer)
            except MalformedError as error:
                self._write(Answer(error.status, b'{"detail":"Malformed request"}'), close=True)
                return
            if request is None:
                return
            self._take(request)

    def _take(self, request: Request) -> None:
        traffic = self._traffic
        traffic.in_flight += 1
        traffic.max_in_flight = max(traffic.max_in_flight, traffic.in_flight)
        answer = self._respond(request)
        if request.method == "HEAD":
            answer = answer._replace(body=b"")  # a body would be read as the next answer
        close = request.headers.get(b"connection", b"").lower() == b"close"
        if self._delay:
            loop = asyncio.get_running_loop()
            self._pending = loop.call_later(self._delay, self._finish, answer, close)
        else:
            traffic.in_flight -= 1
            self._write(answer, close=close)

    def _finish(self, answer: Answer, close: bool) -> None:
        self._pending = None
        self._traffic.in_flight -= 1
        self._write(answer, close=close)
        self._serve()

    def _write(self, answer: Answer, *, close: bool) -> None:
        self._transport.write(
            b"%bcontent-type: application/json\r\ncontent-length: %d\r\n%b%b\r\n%b"
            % (
                _STATUS_LINES[answer.status],
                len(answer.body),
                answer.headers,
                b"connection: close\r\n" if close else b"",
                answer.body,
            )
        )
        if close:
            self._transport.close()


def _parse(data: bytes) -> tuple[Request | None, bytes]:
    """The first request in ``data`` and what follows it; ``None`` while it is not whole."""
    end = data.find(b"\r\n\r\n")
    if end > _HEAD_LIMIT or (end < 0 and len(data) > _HEAD_LIMIT):
        raise MalformedError(431)
    if end < 0:
        return None, data
    first, *lines = data[:end].split(b"\r\n")
    fields = (line.partition(b":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in fields}
    method, target, version = _request_line(first)
    if version == b"HTTP/1.0":
        headers[b"connection"] = b"close"
    if b"transfer-encoding" in headers:
        raise MalformedError(411)
    length = headers.get(b"content-length", b"0")
    if not length.isdigit():
        raise MalformedError(400)
    if int(length) > _BODY_LIMIT:
        raise MalformedError(413)
    after = end + 4 + int(length)
    if len(data) < after:
        return None, data
    return Request(method, target, headers), data[after:]


def _request_line(line: bytes) -> tuple[str, str, bytes]:
    try:
        method, target, version = line.split(b" ")
        if version not in (b"HTTP/1.1", b"HTTP/1.0"):
            raise MalformedError(505)
        return method.decode("ascii"), target.decode("ascii"), version
    except ValueError as error:  # too few or too many words, or bytes beyond ASCII
        raise MalformedError(400) from error
