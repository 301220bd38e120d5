"""One GET over the wire, within bounds of time, size and place."""

import io
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPResponse
from socket import socket
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, Timeout
from urllib3.exceptions import HTTPError

from migrations_sync.client.failures import Failure, in_words
from migrations_sync.client.secret import Secret
from migrations_sync.exceptions import APIConnectionError, InvalidPage, RequestRefused

USER_AGENT = "migrations-dashboard"
# A whole answer may take this many times the timeout, however slowly its bytes come.
ANSWER_TIMEOUTS = 3
MAX_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PORTS = {"http": 80, "https": 443}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_CHUNK = 256 * 1024
_BUFFER = 64 * 1024  # takes in most pages at once


@dataclass(frozen=True, slots=True)
class Response:
    """What came back. Header names are looked up in any case; ``body`` is decompressed."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Transport:
    """Sends signed GETs to one origin, over at most ``connections`` connections at a time.

    ``timeout``: seconds to connect, and to wait for each part of the answer. ``max_body``: bytes, decompressed.
    ``count``: called once for each request that goes out.

    Raises:
        ValueError: ``base_url`` is no plain ``http`` or ``https`` address.
    """

    def __init__(
        self,
        base_url: str,
        key: Secret,
        *,
        timeout: float,
        connections: int,
        max_body: int,
        count: Callable[[], None],
    ) -> None:
        self.base_url = _base(base_url)
        self._origin = _origin(self.base_url)
        self._root = "/".join(self.base_url.split("/", 3)[:3])
        self._timeout = Timeout(connect=timeout, read=timeout)
        self._seconds = timeout
        self._max_body = max_body
        self._count = count
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "Authorization": key.bearer(),
            "User-Agent": USER_AGENT,
        }
        self._adapter = _Adapter(pool_maxsize=connections, pool_block=True)
        self._pool, self._proxied = self._adapter.open(self.base_url)

    def get(self, path: str) -> Response:
        """The answer to ``GET {base_url}{path}``, whatever its status; redirects within the origin are followed.

        Raises:
            Failure: no whole answer came, or one that leads elsewhere.
        """
        target = urlsplit(self.base_url).path + path
        for _ in range(MAX_REDIRECTS + 1):
            response = self._send(target)
            if response.status not in _REDIRECTS:
                return response
            target = self._followed(target, response.headers.get("Location", ""))
        raise Failure(RequestRefused, f"more than {MAX_REDIRECTS} redirects")

    def close(self) -> None:
        self._adapter.close()

    def _send(self, target: str) -> Response:
        self._count()
        try:
            return self._exchange(target)
        except (HTTPError, OSError, ValueError) as error:
            trouble = in_words(error, self._seconds)
        # Raised out here, so that the frames below, which hold the bytes that were sent, are let go.
        raise Failure(APIConnectionError, trouble, retries=None)

    def _exchange(self, target: str) -> Response:
        raw = self._pool.urlopen(
            "GET",
            f"{self._root}{target}" if self._proxied else target,
            headers=self._headers,
            timeout=self._timeout,
            pool_timeout=(ANSWER_TIMEOUTS + 1) * self._seconds,  # type: ignore[arg-type]  # a float does as well
            retries=False,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
        )
        try:
            return Response(raw.status, raw.headers, _body(raw, self._max_body))
        finally:
            raw.close()  # a connection whose answer was read to its end has gone back to the pool before
            raw.release_conn()

    def _followed(self, target: str, location: str) -> str:
        """The path to go on with. Only the path is taken over, so the key can't leave the origin."""
        try:
            there = urlsplit(urljoin(f"{self._root}{target}", location))
            elsewhere = _origin(there.geturl()) != self._origin
        except ValueError:
            elsewhere = True
        if elsewhere or not location:
            raise Failure(
                RequestRefused,
                "redirected to another place, where the key was not sent: check MIGRATIONS_API_URL",
            )
        return f"{there.path or '/'}?{there.query}"


class _Adapter(HTTPAdapter):
    """requests' certificates, proxies and pools. The pool is used directly: a Session prepares and merges the
    same settings again for every request, which takes longer than the request itself.
    """

    def open(self, url: str) -> tuple[HTTPConnectionPool, bool]:
        """A pool for the address, and whether it wants whole addresses, being an HTTP proxy."""
        with requests.Session() as session:
            settings = session.merge_environment_settings(url, {}, True, None, None)
        # No proxy can reach this machine's own loopback, though not every environment says so.
        proxies = {} if urlsplit(url).hostname in _LOOPBACK else settings["proxies"]
        request = requests.Request("GET", url).prepare()
        pool: Any = self.get_connection_with_tls_context(request, settings["verify"], proxies)
        self.cert_verify(pool, url, settings["verify"], None)  # type: ignore[no-untyped-call]
        pool.ConnectionCls = type("TimedConnection", (pool.ConnectionCls,), {"response_class": _TimedResponse})
        return pool, not self.request_url(request, proxies).startswith("/")


class _TimedResponse(HTTPResponse):
    """Status line, headers and body must have come within a few timeouts, all in all.

    A timeout on a socket is one for each read: a server that drips bytes would hold a worker for ever.
    """

    def __init__(self, sock: socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_TimedReader(self.fp.detach(), sock), _BUFFER)


class _TimedReader(io.RawIOBase):
    def __init__(self, raw: io.RawIOBase, sock: socket) -> None:
        super().__init__()
        self._raw = raw
        self._sock = sock
        self._timeout = sock.gettimeout() or 0.0
        self._until = time.monotonic() + ANSWER_TIMEOUTS * self._timeout

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        self._sock.settimeout(min(left, self._timeout))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _body(raw: BaseHTTPResponse, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while part := raw.read(_CHUNK, decode_content=True):
        parts.append(part)
        size += len(part)
        if size > most:
            raise Failure(InvalidPage, f"the answer is longer than {most} bytes")
    return b"".join(parts)


def _origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of an ``http`` or ``https`` address.

    Raises:
        ValueError: it is none.
    """
    parts = urlsplit(url)
    port = parts.port or _PORTS.get(parts.scheme)
    if not parts.hostname or port is None:
        raise ValueError("no http or https address")
    return parts.scheme, parts.hostname, port


def _base(url: str) -> str:
    """The address as configured, without a slash at its end.

    Raises:
        ValueError: it can't be used, or has a secret in it that would be shown.
    """
    try:
        _origin(url)
        plain = not set("@?#") & set(url)
    except ValueError:
        plain = False
    if not plain:
        raise ValueError("MIGRATIONS_API_URL: use an address like https://host/api/v1, without user name or query")
    return url.rstrip("/")
