"""The documented endpoints: from a request to an answer. Knows the rows, knows no sockets.

Sources: API reference, "List migrations" and "Get a migration". What it leaves open (envelope, order, error
bodies) is a choice here, and a client must accept the others too.
"""

import hmac
import json
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from .protocol import Answer, Request, Traffic
from .table import Table

PREFIX = "/api/v1"
DEFAULTS = {"page": "1", "page_size": "10"}
_POSITIVE = re.compile(r"0*[1-9][0-9]{0,17}")

# An act of ``POST /_control/<act>?…``: its name and arguments.
Act = Callable[[str, dict[str, str]], Answer]
Envelope = Callable[[bytes, int, int, int], bytes]  # rows joined by commas, page, page size, number of rows


def _pages(size: int, total: int) -> int:
    return -(-total // size)


# The plausible ones of the envelopes that the documentation leaves open.
SHAPES: dict[str, Envelope] = {
    "data": lambda rows, page, size, total: (
        b'{"object":"list","data":[%b],"has_more":%b}' % (rows, b"true" if page * size < total else b"false")
    ),
    "array": lambda rows, page, size, total: b"[%b]" % rows,
    "items": lambda rows, page, size, total: (
        b'{"items":[%b],"total":%d,"page":%d,"page_size":%d,"pages":%d}'
        % (rows, total, page, size, _pages(size, total))
    ),
    "migrations": lambda rows, page, size, total: b'{"migrations":[%b]}' % rows,
    "results": lambda rows, page, size, total: (
        b'{"results":[%b],"count":%d,"next":%b}'
        % (rows, total, _json(f"?page={page + 1}&page_size={size}" if page * size < total else None))
    ),
    "pagination": lambda rows, page, size, total: (
        b'{"data":[%b],"pagination":{"page":%d,"page_size":%d,"total":%d}}' % (rows, page, size, total)
    ),
}


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def problem(status: int, detail: object, headers: bytes = b"") -> Answer:
    return Answer(status, _json({"detail": detail}), headers)


class Allowance:
    """At most ``rate`` requests a second on average, one second's worth at once."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._left = self._most = max(rate, 1.0)
        self._at = -math.inf

    def wait(self, now: float) -> float:
        """Take one request: 0, or the seconds until there is one to take. ``now``: any clock's seconds."""
        self._left = min(self._most, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return (1 - self._left) / self._rate
        self._left -= 1
        return 0.0


@dataclass
class Outage:
    """Answer the next ``left`` requests with ``status``; all of them while ``left`` is ``None``."""

    status: int
    left: int | None
    retry_after: int | None = None

    def over(self) -> bool:
        return self.left is not None and self.left <= 0


class API:
    """Answers requests and counts them by kind.

    Kinds: ``list``, ``get``, ``health``, ``control`` (answered), ``not_found``, ``invalid``, ``method``,
    ``refused`` (401), ``limited`` (429 of the rate limit), ``failed`` (a played outage).
    """

    def __init__(
        self,
        table: Table,
        traffic: Traffic,
        *,
        key: str | None = None,
        page_size_max: int = 100,
        shape: str = "data",
        rate_limit: float | None = None,
        control: Act | None = None,
    ) -> None:
        self._table = table
        self._requests = traffic.requests
        self._key = None if key is None else key.encode()
        self._page_size_max = page_size_max
        self._envelope = SHAPES[shape]
        self._allowance = None if rate_limit is None else Allowance(rate_limit)
        self.outage: Outage | None = None
        self._control = control

    def respond(self, request: Request) -> Answer:
        kind, answer = self._answer(request)
        self._requests[kind] += 1
        return answer

    def _answer(self, request: Request) -> tuple[str, Answer]:
        path, _, query = request.target.partition("?")
        if self._control is not None and path.startswith("/_control/"):
            if request.method != "POST":
                return "method", problem(405, "Method Not Allowed", b"allow: POST\r\n")
            return "control", self._control(path.removeprefix("/_control/"), dict(parse_qsl(query)))
        if not path.startswith(PREFIX + "/"):
            return "not_found", problem(404, "Not Found")
        if request.method != "GET":
            return "method", problem(405, "Method Not Allowed", b"allow: GET\r\n")
        return self._held_back() or self._read(request, path.removeprefix(PREFIX), query)

    def _held_back(self) -> tuple[str, Answer] | None:
        """The answer of a played outage or of the rate limit."""
        outage = self.outage
        if outage is not None and not outage.over():
            if outage.left is not None:
                outage.left -= 1
            return "failed", problem(outage.status, "Simulated outage", _retry_after(outage.retry_after))
        wait = self._allowance.wait(time.monotonic()) if self._allowance is not None else 0.0
        if wait:
            return "limited", problem(429, "Too Many Requests", _retry_after(math.ceil(wait)))
        return None

    def _read(self, request: Request, path: str, query: str) -> tuple[str, Answer]:
        if path == "/healthz":
            return "health", Answer(200, b'{"status":"ok"}')
        resource, _, migration_id = path.removeprefix("/").partition("/")
        if resource != "migrations":
            return "not_found", problem(404, "Not Found")
        if not self._knows(request.headers.get(b"authorization", b"")):
            return "refused", problem(401, "Invalid or missing API key", b"www-authenticate: Bearer\r\n")
        return self._one(unquote(migration_id)) if migration_id else self._list(query)

    def _knows(self, authorization: bytes) -> bool:
        scheme, _, key = authorization.partition(b" ")
        if scheme.lower() != b"bearer":
            return False
        return bool(key) if self._key is None else hmac.compare_digest(key, self._key)

    def _one(self, migration_id: str) -> tuple[str, Answer]:
        try:
            return "get", Answer(200, self._table.get(migration_id))
        except KeyError:
            return "not_found", problem(404, "Migration not found")

    def _list(self, query: str) -> tuple[str, Answer]:
        """One page. One that lies past the end is empty; a larger ``page_size`` than served is cut."""
        asked = DEFAULTS | dict(parse_qsl(query, keep_blank_values=True))
        for name in DEFAULTS:
            if not _POSITIVE.fullmatch(asked[name]):
                return "invalid", problem(422, [_invalid(name, asked[name])])
        page, size = int(asked["page"]), min(int(asked["page_size"]), self._page_size_max)
        rows = b",".join(self._table.page((page - 1) * size, size))
        return "list", Answer(200, self._envelope(rows, page, size, len(self._table)))


def _invalid(name: str, value: str) -> dict[str, object]:
    message = "Input should be a whole number, 1 or more"
    return {"type": "greater_than_equal", "loc": ["query", name], "msg": message, "input": value}


def _retry_after(seconds: int | None) -> bytes:
    return b"" if seconds is None else b"retry-after: %d\r\n" % seconds
