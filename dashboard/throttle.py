"""Counts tries in the shared cache, in windows of time, and says how many are left."""

import time
from dataclasses import dataclass

from django.core.cache import cache


@dataclass(frozen=True, slots=True)
class Allowance:
    """``left`` of ``limit`` tries; ``reset``: whole seconds until there are ``limit`` again."""

    limit: int
    left: int
    reset: int
    allowed: bool


def take(key: str, *, limit: int, window: int) -> Allowance:
    """Count one try under ``key``; at most ``limit`` are allowed in each ``window`` of seconds.

    While the cache can't be reached, everything is allowed: a broken counter must not lock people out.
    """
    now = time.time()
    number, reset = int(now // window), window - int(now % window)
    used = _count(f"throttle:{key}:{number}", window)
    return Allowance(limit, max(0, limit - used), reset, allowed=used <= limit)


def _count(key: str, window: int) -> int:
    if cache.add(key, 1, window + 1):
        return 1
    try:
        return int(cache.incr(key))
    except ValueError:  # it lapsed in between, or the cache is away
        cache.set(key, 1, window + 1)
        return 1
