"""A real HTTP server on loopback that serves a list of migrations and plays scripted answers and faults.

It knows nothing of the client and shares no code with it. Rows and scripts may be changed while it serves.
"""

import json
import socket
import ssl
import threading
import time
import zlib
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

KEY = "anon_k3y-plAnted+in/tests=="


@dataclass(frozen=True)
class Request:
    """``target`` is the path with its query as sent; ``page`` is ``None`` where none was asked for."""

    target: str
    headers: dict[str, str]
    page: int | None


@dataclass(frozen=True)
class Reply:
    """A status with a body: bytes as they are, anything else as JSON."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()

    def __call__(self, handler: "_Handler") -> None:
        kind = "text/html; charset=utf-8" if self.content.startswith(b"<") else "application/json"
        handler.say(self.status, {"Content-Type": kind, "Content-Length": str(len(self.content))} | self.headers)
        handler.wfile.write(self.content)


# What a script may hold: rows or any other JSON value, a Reply, a bare status, or a fault.
Fault = Callable[["_Handler"], None]
Script = Reply | Fault | int | list[Any] | dict[str, Any] | str | None


def row(api_id: str, **fields: Any) -> dict[str, Any]:
    """One migration as the API documents it."""
    return {
        "object": "migration",
        "id": api_id,
        "created": "2026-11-20T12:00:00.000000",
        "status": "COMPLETE",
        "created_by_user_id": "user-1",
        "company_id": "company-1",
    } | fields


def rows(count: int, *, first: int = 1) -> list[dict[str, Any]]:
    return [row(f"m-{number:06d}") for number in range(first, first + count)]


class ApiServer:
    """Serves ``rows`` in pages of at most ``page_size_max``, in the envelope ``shape``, to who knows the key.

    ``past_the_end``: what a page number behind the list gets instead of an empty page: ``404``, ``"last"`` for
    the last page again, or ``None``. ``latency``: seconds before each answer.
    """

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self.shape = "array"
        self.page_size_max = 1000
        self.past_the_end: int | str | None = None
        self.latency = 0.0
        self.before_answer: Callable[[Request], None] = lambda request: None
        self.requests: list[Request] = []
        self.in_flight = self.max_in_flight = self.connections = 0
        self.released = threading.Event()  # ends stalled answers
        self._queue: deque[Script] = deque()
        self._for_target: dict[str, deque[Script]] = defaultdict(deque)
        self._always: dict[str, Script] = {}
        self._lock = threading.Lock()
        self._http = _Server(self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/api/v1"

    @property
    def pages_asked(self) -> list[int]:
        """The page of each list request, in order of arrival."""
        return [request.page for request in self.requests if request.page is not None]

    def will_answer(self, *answers: Script) -> None:
        """Play these to the next requests, whatever they ask for, in order of arrival."""
        self._queue.extend(answers)

    def will_answer_page(self, number: int, *answers: Script) -> None:
        """Play these to the next requests for this page; then serve it as usual."""
        self._for_target[f"page {number}"].extend(answers)

    def will_answer_id(self, api_id: str, *answers: Script) -> None:
        """Play these to the next requests for this migration; then serve it as usual."""
        self._for_target[f"id {api_id}"].extend(answers)

    def always_answer(self, answer: Script) -> None:
        self._always[""] = answer

    def always_answer_page(self, number: int, answer: Script) -> None:
        self._always[f"page {number}"] = answer

    def always_answer_id(self, api_id: str, answer: Script) -> None:
        self._always[f"id {api_id}"] = answer

    def serve_over(self, tls: ssl.SSLContext) -> None:
        """Speak TLS from the next connection on."""
        self._http.tls = tls

    def behave(self) -> None:
        """Forget every script."""
        self._queue.clear()
        self._for_target.clear()
        self._always.clear()

    def stop(self) -> None:
        """Close every connection and the port."""
        self.released.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def answer(self, handler: "_Handler") -> None:
        """Called by the handler's thread for each request."""
        parts = urlsplit(handler.path)
        query = parse_qs(parts.query)
        page = int(query["page"][0]) if "page" in query else None
        request = Request(handler.path, dict(handler.headers), page)
        with self._lock:
            self.requests.append(request)
            self.in_flight += 1
            self.max_in_flight = max(self.max_in_flight, self.in_flight)
            script = self._script(f"page {page}" if page else f"id {unquote(parts.path.rpartition('/')[2])}")
        try:
            self.before_answer(request)
            if self.latency:
                time.sleep(self.latency)
            _play(script or self._serve(request, parts.path, query))(handler)
        finally:
            with self._lock:
                self.in_flight -= 1

    def _script(self, target: str) -> tuple[Script] | None:
        if self._queue:
            return (self._queue.popleft(),)
        if self._for_target[target]:
            return (self._for_target[target].popleft(),)
        for scope in (target, ""):
            if scope in self._always:
                return (self._always[scope],)
        return None

    def _serve(self, request: Request, path: str, query: dict[str, list[str]]) -> tuple[Script]:
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return (Reply(401, {"detail": "Invalid API key"}),)
        prefix, _, rest = path.removeprefix("/api/v1").partition("/migrations")
        if prefix or (rest and not rest.startswith("/")):
            return (Reply(404, {"detail": "Not Found"}),)
        if rest:
            wanted = unquote(rest[1:])
            found = [r for r in self.rows if isinstance(r, dict) and r.get("id") == wanted]
            return (Reply(200, found[0]) if found else Reply(404, {"detail": "Not Found"}),)
        return (self._page(request.page or 1, int(query.get("page_size", ["10"])[0])),)

    def _page(self, number: int, size: int) -> Script:
        size = min(size, self.page_size_max)
        pages = -(-len(self.rows) // size)
        if number > pages and pages:
            if self.past_the_end == "last":
                number = pages
            elif isinstance(self.past_the_end, int):
                return Reply(self.past_the_end, {"detail": "Invalid page."})
        found = self.rows[(number - 1) * size : number * size]
        return Reply(200, envelope(self.shape, found, number, size, len(self.rows)))


def envelope(shape: str, found: list[Any], number: int, size: int, total: int) -> Any:
    """A page in one of the shapes that vendor-neutral APIs use."""
    pages = -(-total // size)
    more = number < pages
    return {
        "array": found,
        "data": {"object": "list", "data": found, "has_more": more},
        "items": {"items": found, "total": total, "page": number, "page_size": size, "pages": pages},
        "migrations": {"migrations": found},
        "results": {"results": found, "count": total, "next": f"?page={number + 1}" if more else None},
        "pagination": {"data": found, "pagination": {"page": number, "page_size": size, "total": total}},
    }[shape]


def stall(handler: "_Handler") -> None:
    """Say nothing at all."""
    handler.server.api.released.wait()
    handler.hang_up()


def reset(handler: "_Handler") -> None:
    """Break the connection off, as a crashing server does."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    handler.hang_up()


def drip_headers(handler: "_Handler") -> None:
    """Send headers for ever, a byte at a time."""
    _drip(handler, b"HTTP/1.1 200 OK\r\n" + b"X-Padding: " + b"x" * 60_000)


def drip_body(handler: "_Handler") -> None:
    """Send good headers, then a list that never ends, a byte at a time."""
    handler.say(200, {"Content-Type": "application/json", "Content-Length": "60000"})
    _drip(handler, b"[" + b" " * 59_998 + b"]")


def drip_chunks(handler: "_Handler") -> None:
    handler.say(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
    _drip(handler, b"1\r\n \r\n" * 10_000)


def _drip(handler: "_Handler", data: bytes) -> None:
    for position in range(len(data)):
        handler.wfile.write(data[position : position + 1])
        if handler.server.api.released.wait(0.02):
            break
    handler.hang_up()


def cut_off(handler: "_Handler") -> None:
    """Promise more bytes than are sent, so that even the JSON is whole."""
    handler.say(200, {"Content-Type": "application/json", "Content-Length": "1000"})
    handler.wfile.write(b"[]")
    handler.hang_up()


def cut_off_in_chunks(handler: "_Handler") -> None:
    handler.say(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
    handler.wfile.write(b"2\r\n[]\r\n")
    handler.hang_up()


def no_http(handler: "_Handler") -> None:
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    handler.hang_up()


def huge(handler: "_Handler") -> None:
    """Send 50 MB of valid JSON without saying so first."""
    handler.say(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
    chunk = b" " * 1_000_000
    handler.wfile.write(b"1\r\n[\r\n")
    for _ in range(50):
        handler.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
    handler.wfile.write(b"1\r\n]\r\n0\r\n\r\n")


def gzip_bomb(handler: "_Handler") -> None:
    """100 MB of spaces in a few hundred kilobytes."""
    handler.say(200, {"Content-Type": "application/json", "Content-Encoding": "gzip", "Connection": "close"})
    squeeze = zlib.compressobj(level=1, wbits=31)
    for _ in range(100):
        handler.wfile.write(squeeze.compress(b" " * 1_000_000))
    handler.wfile.write(squeeze.flush())
    handler.hang_up()


def echo_key(status: int) -> Fault:
    """Answer with everything that was sent, as debug pages do."""

    def answer(handler: "_Handler") -> None:
        sent = "".join(f"{name}: {value}\n" for name, value in handler.headers.items())
        Reply(status, f"<pre>{sent * 3}</pre>".encode(), {"X-Sent": handler.headers["Authorization"]})(handler)

    return answer


def redirect(location: str, status: int = 302) -> Reply:
    return Reply(status, b"", {"Location": location})


def _play(script: tuple[Script]) -> Fault:
    (answer,) = script
    if isinstance(answer, int):
        return Reply(answer, {"detail": "scripted"})
    return answer if callable(answer) else Reply(200, answer)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, api: ApiServer) -> None:
        self.api = api
        self.tls: ssl.SSLContext | None = None
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self.tls:
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        self.api.connections += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        for connection in list(self._connections):
            self.shutdown_request(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what many tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)

    def do_GET(self) -> None:
        self.server.api.answer(self)

    def say(self, status: int, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()

    def log_message(self, *args: Any) -> None:
        """Tests have no use for an access log."""
