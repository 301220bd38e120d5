"""What pages ask for again and again: in this process's memory, behind that in the cache that all processes share."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from django.core.cache import cache, caches

Value = TypeVar("Value")


def kept(key: str, make: Callable[[], Value], *, seconds: int, here: int | None = None) -> Value:
    """What ``make`` gives, asked for once in so many ``seconds``; a process goes by itself for ``here`` of them.

    ``key`` says what the value follows from, such as the mirror's version: no process may show what is over.
    """
    found: Any = caches["process"].get_or_set(key, lambda: cache.get_or_set(key, make, seconds), here or seconds)
    return cast(Value, found)
