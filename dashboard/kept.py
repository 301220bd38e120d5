"""What pages ask for again and again: in this process's memory, behind that in the cache that all processes share."""

import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from django.core.cache import cache

from dashboard.release import release

Value = TypeVar("Value")
_MANY, _MOST = 50, 1000  # from when on what is over is thrown away, and from when on everything
# By key: until when, by the monotonic clock, and what. Not Django's cache in memory, which copies a value each time.
_here: dict[str, tuple[float, Any]] = {}


def kept(key: str, make: Callable[[], Value], *, seconds: int, here: int | None = None) -> Value:
    """What ``make`` gives, asked for once in so many ``seconds``; a process goes by itself for ``here`` of them.

    ``key`` says what the value follows from, such as the mirror's version: no process may show what is over. Many are
    given the same value: nobody may change it. Another release, which may make it otherwise, keeps its own.
    """
    ends, found = _here.get(key, (0.0, None))
    if ends <= time.monotonic():
        found = cache.get_or_set(f"{release()}:{key}", make, seconds)
        _make_room()
        _here[key] = time.monotonic() + (here or seconds), found
    return cast(Value, found)


def _make_room() -> None:
    if len(_here) >= _MANY:
        now = time.monotonic()
        for key in [key for key, (ends, _) in list(_here.items()) if ends <= now]:
            _here.pop(key, None)
    if len(_here) >= _MOST:
        _here.clear()


def forget() -> None:
    """As if this process had only begun."""
    _here.clear()
