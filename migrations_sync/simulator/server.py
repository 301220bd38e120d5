"""The simulator as a whole: a thread that serves a moving population on loopback."""

import asyncio
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from http import HTTPStatus
from types import TracebackType
from typing import Self

from . import webhooks
from .api import API, PREFIX, SHAPES, Outage
from .control import Control
from .identifiers import Identifiers
from .life import Life
from .population import STATUSES, populate
from .protocol import Connection, Traffic
from .rows import Row
from .table import ORDERS, Table

_TICK = 0.2  # seconds between two looks at what is due


@dataclass(eq=False)
class Simulator:
    """Serves inside a ``with`` block, or between ``start`` and ``stop``; again on the same port after that.

    The methods that change rows may be called from any thread, serving or not. An id that is not served
    raises ``KeyError``.

    ``until``: when this world begins, aware (default: now). The same count, seed and time make the same
    migrations, none created later; since then, they live. So a restart with the same ``until`` goes on.
    ``page_size_max``: a larger ``page_size`` is cut. ``latency``: milliseconds before each answer.
    ``rate_limit``: requests a second. ``key``: the one bearer that is let in (default: any).
    ``life``: whether migrations move by themselves, ``speed`` times as fast as usual.
    ``webhook_url``, ``webhook_secret``: who is told of each change, signed.
    ``control``: whether ``/_control/`` is there.

    Raises:
        ValueError: an option is out of its range; the message names it.
    """

    count: int = 1_200
    _: KW_ONLY
    seed: int = 1
    until: datetime | None = None
    host: str = "127.0.0.1"
    port: int = 0
    page_size_max: int = 100
    latency: float = 0.0
    rate_limit: float | None = None
    shape: str = "data"
    order: str = "newest-first"
    key: str | None = None
    life: bool = False
    speed: float = 1.0
    webhook_url: str | None = None
    webhook_secret: str | None = None
    control: bool = False

    def __post_init__(self) -> None:
        self._check()
        self.traffic = Traffic()
        self._begin = time.time() if self.until is None else self.until.timestamp()
        population = populate(self.count, seed=self.seed, until=self._begin)
        self._table = Table(population.rows, Identifiers(self.seed), self.order)
        self._cast, self._rng = population.cast, random.Random(f"acts {self.seed}")
        self._life: Life | None = None
        if self.life:
            self._life = Life(self._table, self._cast, since=self._begin, seed=self.seed, speed=self.speed)
            self._life.wake(population.lively)
            self._life.advance(self._now())
        self._table.listener = self._tell
        self._api = API(
            self._table,
            self.traffic,
            key=self.key,
            page_size_max=self.page_size_max,
            shape=self.shape,
            rate_limit=self.rate_limit,
            control=Control(self) if self.control else None,
        )
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def _check(self) -> None:
        self._require("count", self.count >= 0, "0 or more")
        self._require("port", 0 <= self.port <= 65_535, "0 to 65535")
        self._require("latency", self.latency >= 0, "0 or more")
        self._require("page_size_max", self.page_size_max >= 1, "1 or more")
        self._require("speed", self.speed > 0, "more than 0")
        self._require("rate_limit", self.rate_limit is None or self.rate_limit > 0, "more than 0")
        self._require("shape", self.shape in SHAPES, "one of " + ", ".join(SHAPES))
        self._require("order", self.order in ORDERS, "one of " + ", ".join(ORDERS))
        if self.webhook_url is not None:
            webhooks.check(self.webhook_url, self.webhook_secret or "")

    def _require(self, name: str, right: bool, use: str) -> None:
        if not right:
            raise ValueError(f"{name}={getattr(self, name)!r}: use {use}")

    # Serving

    @property
    def url(self) -> str:
        """The API's base URL; known once it was started."""
        return f"http://{self.host}:{self.port}{PREFIX}"

    @property
    def requests(self) -> Counter[str]:
        """Answers by kind, see ``api.API``."""
        return self.traffic.requests

    def start(self) -> None:
        """Serve from now on. Raises ``OSError`` when the port can't be had."""
        listener = socket.create_server((self.host, self.port), backlog=512)
        self.port = listener.getsockname()[1]
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(listener, ready)), name="simulator", daemon=True
        )
        self._thread.start()
        ready.wait()

    def stop(self) -> None:
        """Close the port and every connection. What is due meanwhile happens at the next start."""
        loop, self._loop = self._loop, None
        if loop is not None and self._thread is not None:
            loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def _serve(self, listener: socket.socket, ready: threading.Event) -> None:
        loop = asyncio.get_running_loop()
        peers: set[asyncio.Transport] = set()
        delay = self.latency / 1000
        server = await loop.create_server(
            lambda: Connection(self._api.respond, self.traffic, delay, peers), sock=listener
        )
        if self.webhook_url is not None:
            self._sender = webhooks.Sender(self.webhook_url, self.webhook_secret or "")
        self._stopped = asyncio.Event()
        self._loop = loop
        living = loop.create_task(self._live())
        ready.set()
        await self._stopped.wait()
        living.cancel()
        server.close()
        for transport in list(peers):
            transport.abort()

    async def _live(self) -> None:
        while self._life is not None:
            self._life.advance(self._now())
            await asyncio.sleep(_TICK)

    def _tell(self, row: Row, old: str | None) -> None:
        """Send the event of a change; nobody is told while the simulator is not serving."""
        loop = self._loop
        if self.webhook_url is None or loop is None:
            return
        event = webhooks.event_for(row, old, at=self._now(), rng=self._rng)
        if event is not None:
            loop.call_soon_threadsafe(self._sender.send, event)

    def _now(self) -> float:
        return max(time.time(), self._begin)

    # What it serves

    def __len__(self) -> int:
        return len(self._table)

    def rows(self) -> list[Row]:
        """All migrations, in the order of the list."""
        return self._table.rows()

    def checksum(self) -> str:
        """What ``rows.checksum`` says of all migrations."""
        return self._table.checksum()

    def draw(self, count: int) -> list[str]:
        """The ids of ``count`` migrations at random."""
        return [row["id"] for row in self._table.sample(count, self._rng)]

    # Acts

    def create(self, count: int = 1, *, status: str = "NOT_STARTED", **fields: object) -> list[str]:
        """Add migrations at the newest end, with these ``fields`` in place of made-up ones; their ids."""
        ids = []
        for _ in range(count):
            company, user = self._cast.pick(self._rng)
            row = {"status": status, "created_by_user_id": user, "company_id": company}
            ids.append(self._table.add(row | fields, at=self._now()))
        return ids

    def set_status(self, migration_id: str, status: str) -> None:
        self._table.update(migration_id, status=status)

    def update(self, migration_id: str, **fields: object) -> None:
        """Serve the migration with these fields, undocumented ones too."""
        self._table.update(migration_id, **fields)

    def change(self, count: int, *, status: str | None = None, among: Collection[str] | None = None) -> list[str]:
        """Give ``count`` migrations another status, or this one; drawn at random among all or these statuses.

        Returns the ids of all that were drawn.
        """
        rows = self._table.sample(count, self._rng, among)
        for row in rows:
            others = [other for other in STATUSES if other != row["status"]]
            self._table.update(row["id"], status=status or self._rng.choice(others))
        return [row["id"] for row in rows]

    def delete(self, migration_id: str) -> None:
        """Serve it no longer, until ``restore``."""
        self._table.delete(migration_id)

    def restore(self, migration_id: str) -> None:
        self._table.restore(migration_id)

    def fail_with(self, status: int, count: int | None = None, *, retry_after: int | None = None) -> None:
        """Answer ``count`` requests (``None``: all from now on) with an error status; ``work`` ends it."""
        if HTTPStatus(status) < 400:
            raise ValueError(f"status={status}: use an error's")
        self._api.outage = Outage(status, count, retry_after)

    def work(self) -> None:
        """End what ``fail_with`` began."""
        self._api.outage = None
