"""The shared cache, as something that may be missing: without it pages are slower and nothing is wrong."""

import time
from typing import Any

import structlog
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = structlog.stdlib.get_logger(__name__)
ASK_AGAIN = 5  # seconds after a failure, so that a server that does not answer holds up one request, not all
_down_until = 0.0


class ForgivingRedisCache(RedisCache):
    """While Redis can't be reached it behaves as an empty cache that keeps nothing."""

    def get(self, *args: Any, **kwargs: Any) -> Any:
        default = args[1] if len(args) > 1 else kwargs.get("default")
        return self._try(super().get, default, *args, **kwargs)

    def get_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(super().get_many, {}, *args, **kwargs)

    def has_key(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(super().has_key, False, *args, **kwargs)

    def set(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(super().set, None, *args, **kwargs)

    def set_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(super().set_many, [], *args, **kwargs)

    def add(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(super().add, True, *args, **kwargs)

    def touch(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(super().touch, False, *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(super().delete, False, *args, **kwargs)

    def delete_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(super().delete_many, None, *args, **kwargs)

    def incr(self, *args: Any, **kwargs: Any) -> Any:
        value = self._try(super().incr, None, *args, **kwargs)
        if value is None:
            raise ValueError("the key is not there")
        return value

    @staticmethod
    def _try(act: Any, otherwise: Any, *args: Any, **kwargs: Any) -> Any:
        global _down_until
        if time.monotonic() < _down_until:
            return otherwise
        try:
            return act(*args, **kwargs)
        except (RedisError, OSError) as error:
            _down_until = time.monotonic() + ASK_AGAIN
            log.warning("the cache can't be reached", error=type(error).__name__)
            return otherwise
