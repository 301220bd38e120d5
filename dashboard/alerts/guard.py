"""HTTP requests that can't be turned against the inside of the network.

A channel's address is typed in by a person and used by the server. So the host is resolved, every address it
has must be public, and the connection goes to exactly the address that was checked: a name that resolves
differently a moment later gains nothing. Redirects are not followed, proxies of the environment not used.
"""

import contextlib
import socket
import threading
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

TIMEOUT = (5, 10)  # seconds to connect, and between two bytes
DEADLINE = 30  # seconds for everything, so that no receiver can hold a sender for longer
_NAT64 = ip_network("64:ff9b::/96")


class AddressRefused(ValueError):
    """The address must not be used; the message says why, without the address's secret part."""


def is_public(address: str) -> bool:
    """Whether ``address`` (an IP address) belongs to the internet at large, whichever way it is wrapped."""
    parsed = ip_address(address.partition("%")[0])
    inner = _wrapped(parsed) if isinstance(parsed, IPv6Address) else None
    return (inner or parsed).is_global and not parsed.is_multicast


def _wrapped(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def check(url: str, *, allow_private: bool) -> None:
    """Raise ``AddressRefused`` unless ``url`` may be posted to: its form, its host, and all its addresses now."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise AddressRefused("This is no address.") from None
    if parts.scheme not in (("https", "http") if allow_private else ("https",)):
        raise AddressRefused("Use an address that starts with https://.")
    if not host or parts.username is not None or any(c.isspace() or not c.isprintable() for c in url):
        raise AddressRefused("Use an address of the form https://host/path, without user or password.")
    _resolve(host, port or 443, allow_private=allow_private)


def _resolve(host: str, port: int, *, allow_private: bool) -> list[Any]:
    """What ``getaddrinfo`` says of ``host``; refused as a whole when one of its addresses is not public."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise AddressRefused(f"The host {host!r} can't be found.") from None
    if not allow_private and not all(is_public(str(entry[4][0])) for entry in found):
        raise AddressRefused(
            f"The host {host!r} is inside this network. ALERTS_ALLOW_PRIVATE_URLS=1 allows such addresses."
        )
    return found


class _Guarded:
    """A connection that checks where it goes, and is cut when its time is over."""

    allow_private = False
    sock: socket.socket | None

    def _new_conn(self) -> socket.socket:
        try:
            found = _resolve(self._dns_host, self.port, allow_private=self.allow_private)  # type: ignore[attr-defined]
            connected = _connect(found)
        except OSError as error:
            raise NewConnectionError(self, f"no connection: {error.strerror or error}") from None  # type: ignore[arg-type]
        self._timer = threading.Timer(DEADLINE, self._cut)
        self._timer.daemon = True
        self._timer.start()
        return connected

    def _cut(self) -> None:
        with contextlib.suppress(OSError, AttributeError):  # it may have ended by itself just now
            self.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]

    def close(self) -> None:
        if timer := getattr(self, "_timer", None):
            timer.cancel()
        super().close()  # type: ignore[misc]


def _connect(found: list[Any]) -> socket.socket:
    """A socket to the first of the checked addresses that answers."""
    last: OSError = OSError("it has no address")
    for family, kind, protocol, _, address in found:
        candidate = socket.socket(family, kind, protocol)
        candidate.settimeout(TIMEOUT[0])
        try:
            candidate.connect(address)
        except OSError as error:
            candidate.close()
            last = error
        else:
            candidate.settimeout(TIMEOUT[1])
            return candidate
    raise last


class _Adapter(HTTPAdapter):
    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _pools(self._allow_private)


def _pools(allow_private: bool) -> dict[str, Any]:
    mixed = {"allow_private": allow_private}
    plain = type("GuardedHTTP", (_Guarded, HTTPConnection), mixed)
    tls = type("GuardedHTTPS", (_Guarded, HTTPSConnection), mixed)
    return {
        "http": type("GuardedHTTPPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("GuardedHTTPSPool", (HTTPSConnectionPool,), {"ConnectionCls": tls}),
    }


def send(method: str, url: str, body: bytes, headers: dict[str, str], *, allow_private: bool) -> requests.Response:
    """Send ``body`` to ``url`` and return the answer's head; its body is not read.

    Raises:
        AddressRefused: the address leads inside.
        requests.RequestException: no answer.
    """
    check(url, allow_private=allow_private)
    with requests.Session() as session:
        session.trust_env = False
        adapter = _Adapter(allow_private=allow_private)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        with session.request(
            method, url, data=body, headers=headers, timeout=TIMEOUT, allow_redirects=False, stream=True
        ) as answer:
            return answer
