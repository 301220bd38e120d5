"""Django's settings as the objects that the engine and the tasks work with."""

from collections.abc import Callable

from django.conf import settings
from django.db import connection

from migrations_sync.client import Client
from migrations_sync.client.retry import Clock, Limits, OwnLimits
from migrations_sync.exceptions import AuthenticationError
from migrations_sync.models import SyncRun
from migrations_sync.sync.passes import Intervals
from migrations_sync.sync.split import Split

# Rows of a list from which several workers read it, unless the setting says otherwise.
SPLIT_FROM = 200_000


def client_from_settings(*, max_retries: int | None = None) -> Client:
    """A client for the configured API; close it after use. ``max_retries``: instead of the setting.

    Raises:
        AuthenticationError: no key is configured, so there is nothing to sign with.
    """
    if not settings.MIGRATIONS_API_KEY:
        raise AuthenticationError("MIGRATIONS_API_KEY is not set: give the API's key to the worker's environment")
    clock = Clock()
    return Client(
        settings.MIGRATIONS_API_URL,
        settings.MIGRATIONS_API_KEY,
        page_size=settings.MIGRATIONS_API_PAGE_SIZE,
        concurrency=settings.MIGRATIONS_API_CONCURRENCY,
        timeout=settings.MIGRATIONS_API_TIMEOUT,
        max_retries=settings.MIGRATIONS_API_MAX_RETRIES if max_retries is None else max_retries,
        clock=clock,
        # Somebody waits for a client that may not try again: it goes by its own answer, not by what others were told.
        limits=_limits(clock) if max_retries is None else None,
    )


def _limits(clock: Clock) -> Limits:
    """Those of all workers together where several may ask at once, else this process's own."""
    rate = settings.MIGRATIONS_API_RATE_LIMIT
    if settings.REDIS_URL and (rate or _may_split()):
        from migrations_sync.client.shared import SharedLimits  # Redis's client takes a while to import

        return SharedLimits(settings.REDIS_URL, settings.MIGRATIONS_API_URL, clock, rate)
    return OwnLimits(clock, rate)


def split_from_settings(call: Callable[[SyncRun], None]) -> Split | None:
    """How a sweep is split; ``None`` where none is. ``call``: asks another worker to help with a run."""
    if not _may_split():
        return None
    least = 0 if settings.SYNC_SPLIT == "on" else SPLIT_FROM
    return Split(least, settings.SYNC_SPLIT_WORKERS, call)


def _may_split() -> bool:
    return bool(settings.SYNC_SPLIT != "off" and settings.REDIS_URL and connection.vendor == "postgresql")


def intervals_from_settings() -> Intervals:
    return Intervals(quick=settings.SYNC_INTERVAL, full=settings.SYNC_FULL_INTERVAL)
