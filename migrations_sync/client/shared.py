"""Limits that several workers obey together, kept in Redis under one name.

Without Redis each worker goes by what it has seen itself, which is what it would do alone.
"""

import hashlib
import math
import time
from collections.abc import Callable
from contextlib import suppress

import redis

from migrations_sync.client.retry import Clock, OwnLimits

ASK_AGAIN = 5.0  # seconds after Redis failed
_PATIENCE = 1.0  # seconds for one answer of it
# Redis's own clock counts, so that the workers' clocks need not agree. Times are whole microseconds.
_NOW = "local t = redis.call('TIME') local now = t[1] * 1000000 + t[2] "
_HOLD = (
    _NOW + "local before = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) "
    "local till = math.max(before, now + ARGV[1]) "
    "if till > before then "
    "redis.call('SET', KEYS[1], string.format('%.0f', till), 'PX', math.ceil((till - now) / 1000)) end "
    "return till - before"
)
_LEFT = _NOW + "return tonumber(redis.call('GET', KEYS[1]) or 0) - now"
_TURN = (
    _NOW + "local mine = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) "
    "redis.call('SET', KEYS[1], string.format('%.0f', mine + ARGV[1]), 'PX', "
    "math.ceil((mine + ARGV[1] - now) / 1000) + 1) "
    "return mine - now"
)


class SharedLimits:
    """The limits of all processes that name the same ``redis_url`` and API. ``rate``: as for ``OwnLimits``."""

    def __init__(self, redis_url: str, api_url: str, clock: Clock, rate: float = 0) -> None:
        self._own = OwnLimits(clock, rate)
        self._spacing = 1_000_000 / rate if rate else 0.0
        self._redis = redis.Redis.from_url(redis_url, socket_connect_timeout=_PATIENCE, socket_timeout=_PATIENCE)
        name = f"migrations-api:{hashlib.sha256(api_url.encode()).hexdigest()[:16]}"
        self._hold_key, self._turn_key = f"{name}:hold", f"{name}:turn"
        self._hold, self._left, self._turn = map(self._redis.register_script, (_HOLD, _LEFT, _TURN))
        self._away_until = 0.0

    def hold(self, seconds: float) -> float:
        grown = self._own.hold(seconds)
        shared = self._ask(lambda: self._hold([self._hold_key], [math.ceil(seconds * 1_000_000)]))
        return grown if shared is None else shared

    def left(self) -> float:
        own = self._own.left()
        return max(own, self._ask(lambda: self._left([self._hold_key])) or own)

    def turn(self) -> float:
        if not self._spacing:
            return 0.0
        own = self._own.turn()
        shared = self._ask(lambda: self._turn([self._turn_key], [round(self._spacing)]))
        return own if shared is None else shared

    def _ask(self, script: Callable[[], int]) -> float | None:
        """Seconds, or ``None`` while Redis can't be asked."""
        if time.monotonic() < self._away_until:
            return None
        with suppress(redis.RedisError, OSError):
            return script() / 1_000_000
        self._away_until = time.monotonic() + ASK_AGAIN
        return None
