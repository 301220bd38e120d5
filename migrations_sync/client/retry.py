"""When another try may be made, and when it must wait."""

import random
import threading
import time
from collections.abc import Callable
from typing import Protocol

from migrations_sync.exceptions import APIConnectionError, RateLimitError

FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
# A server may ask for no wait at all; this keeps a retry from turning into a flood.
SHORTEST_DELAY = 0.1
# Told to wait longer than this, a worker does not sleep: the pass ends and a later one goes on.
LONGEST_HOLD = 60.0
# All tries of one request together, waits included, end after this long.
PATIENCE = 300.0


def may_pass(failed: int, *, retries: int, elapsed: float, retry_after: float | None = None) -> bool:
    """Whether to try again after ``failed`` tries of which ``retries`` more than the first are allowed.

    ``elapsed``: seconds since the first try. ``retry_after``: seconds the API asks to wait.
    """
    return failed <= retries and elapsed + (retry_after or 0.0) <= PATIENCE and (retry_after or 0.0) <= LONGEST_HOLD


def delay_before(attempt: int, *, retry_after: float | None = None, jitter: float = 1.0) -> float:
    """Seconds to wait before try ``attempt`` (2 is the first repeat).

    What the API asked for, else 0.5, 1, 2, … up to 30, times ``jitter`` (0.5 to 1).
    """
    if retry_after is not None:
        return max(retry_after, SHORTEST_DELAY)
    return min(FIRST_DELAY * 2.0 ** (attempt - 2), LONGEST_DELAY) * jitter


def jitter() -> float:
    return random.uniform(0.5, 1.0)


class Clock:
    """Seconds that only go forward, and sleep that ends when the client is closed."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    @property
    def stopped(self) -> bool:
        return self._stopped.is_set()

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        self._stopped.wait(seconds)

    def stop(self) -> None:
        self._stopped.set()


class Limits(Protocol):
    """What all requests obey together. Times are seconds from now, nothing or less for none."""

    def hold(self, seconds: float) -> float:
        """Let no request out for the next ``seconds``; by how much the wait grew."""

    def left(self) -> float:
        """How long no request may be sent yet."""

    def turn(self) -> float:
        """Take the next turn of the pace; how long until it comes."""


class OwnLimits:
    """The limits of one process. ``rate``: requests a second, 0 for any number."""

    def __init__(self, clock: Clock, rate: float = 0) -> None:
        self._clock = clock
        self._spacing = 1 / rate if rate else 0.0
        self._lock = threading.Lock()
        self._until = self._next = clock.now()

    def hold(self, seconds: float) -> float:
        with self._lock:
            now = self._clock.now()
            before = max(self._until, now)
            self._until = max(before, now + seconds)
            return self._until - before

    def left(self) -> float:
        return self._until - self._clock.now()

    def turn(self) -> float:
        with self._lock:
            now = self._clock.now()
            mine = max(self._next, now)
            self._next = mine + self._spacing
            return mine - now


class BackOff:
    """One wait for all requests: when the API says slow down to one of them, all slow down.

    ``waited`` is called with the seconds by which a wait grew, so that overlapping ones count once.
    """

    def __init__(self, clock: Clock, waited: Callable[[float], None], limits: Limits | None = None) -> None:
        self._clock = clock
        self._waited = waited
        self._limits = limits or OwnLimits(clock)

    def hold(self, seconds: float) -> None:
        """Let no request out for the next ``seconds``."""
        self._waited(self._limits.hold(seconds))

    def wait(self, request: str) -> None:
        """Sleep until requests are welcome, and it is this one's turn.

        Raises:
            RateLimitError: that would take longer than a worker should sleep.
            APIConnectionError: the client was closed meanwhile.
        """
        if (ahead := self._limits.turn()) > 0:
            self._clock.sleep(ahead)
        while (left := self._limits.left()) > 0 and not self._clock.stopped:
            if left > LONGEST_HOLD:
                raise RateLimitError(f"{request}: not sent, the API asks for no requests for {left:.0f} s", left)
            self._clock.sleep(left)
        if self._clock.stopped:
            raise APIConnectionError(f"{request}: not sent, the client is closed")
