"""A Redis for tests that need a real one: from the environment, the machine's own, or one started here."""

import contextlib
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from dashboard import embedded
from dashboard.supervisor import Supervisor

SERVER = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379").rstrip("/")


def version() -> str | None:
    """What runs at ``SERVER``, or ``None`` when nothing does."""
    with redis.Redis.from_url(SERVER, socket_timeout=2) as server, contextlib.suppress(redis.RedisError):
        return str(server.info("server")["redis_version"])
    return None


@contextmanager
def running() -> Iterator[str]:
    """An address as ``REDIS_URL`` takes it, of a database that holds nothing and that nobody else uses."""
    with contextlib.ExitStack() as stack:
        url = _free_database(stack) if version() else None
        if url is None:
            url = stack.enter_context(started(Path(stack.enter_context(tempfile.TemporaryDirectory()))))
        with redis.Redis.from_url(url) as server:
            stack.callback(server.flushdb)
            yield url


@contextmanager
def started(folder: Path) -> Iterator[str]:
    """The embedded broker over ``folder``, as ``make run`` starts it."""
    server = embedded.binary()
    if server is None:
        raise RuntimeError("No Redis: run one on 127.0.0.1:6379, or install requirements-dev.txt")
    with Supervisor(folder) as parts:
        broker = parts.start("broker", embedded.command(folder, server))
        parts.wait_for(broker, lambda: embedded.answers(folder))
        yield embedded.url(folder)


def _free_database(stack: contextlib.ExitStack) -> str | None:
    """One of the server's empty databases, never number 0; ``None`` when all are in use.

    Sessions that run at once agree by locked files, which a killed session lets go of by itself.
    """
    name = hashlib.sha256(SERVER.encode()).hexdigest()[:8]
    for number in range(1, 16):
        lock = Path(tempfile.gettempdir()) / f"migrations-dashboard-redis-{name}-{number}.lock"
        file = stack.enter_context(lock.open("a"))
        with contextlib.suppress(BlockingIOError), redis.Redis.from_url(f"{SERVER}/{number}") as server:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if server.dbsize() == 0:
                return f"{SERVER}/{number}"
    return None
