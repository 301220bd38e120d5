"""Fixtures: a scripted API, and a client of it that sleeps in no time."""

import threading
from collections.abc import Callable, Iterator

import pytest

from migrations_sync.client import Client
from migrations_sync.client.retry import Clock
from tests.api_server import KEY, ApiServer


class FastClock(Clock):
    """Time passes only by sleeping, and sleeping takes none. ``slept``: seconds of each sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []
        self._now = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self._now += seconds


@pytest.fixture
def api() -> Iterator[ApiServer]:
    server = ApiServer()
    yield server
    server.stop()


@pytest.fixture
def other_api() -> Iterator[ApiServer]:
    """Another server, for what must not reach it."""
    server = ApiServer()
    yield server
    server.stop()


@pytest.fixture
def clock() -> FastClock:
    return FastClock()


@pytest.fixture
def make_client(api: ApiServer, clock: FastClock) -> Iterator[Callable[..., Client]]:
    """Builds clients of the scripted API; they are closed after the test."""
    made: list[Client] = []

    def make(**settings: object) -> Client:
        given = {"base_url": api.url, "key": KEY, "page_size": 10, "clock": clock} | settings
        made.append(Client(**given))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def api_client(make_client: Callable[..., Client]) -> Client:
    return make_client()
