"""Django's settings as the objects that the engine and the tasks work with."""

from django.conf import settings

from migrations_sync.client import Client
from migrations_sync.exceptions import AuthenticationError
from migrations_sync.sync.passes import Intervals


def client_from_settings(*, max_retries: int | None = None) -> Client:
    """A client for the configured API; close it after use. ``max_retries``: instead of the setting.

    Raises:
        AuthenticationError: no key is configured, so there is nothing to sign with.
    """
    if not settings.MIGRATIONS_API_KEY:
        raise AuthenticationError("MIGRATIONS_API_KEY is not set: give the API's key to the worker's environment")
    return Client(
        settings.MIGRATIONS_API_URL,
        settings.MIGRATIONS_API_KEY,
        page_size=settings.MIGRATIONS_API_PAGE_SIZE,
        concurrency=settings.MIGRATIONS_API_CONCURRENCY,
        timeout=settings.MIGRATIONS_API_TIMEOUT,
        max_retries=settings.MIGRATIONS_API_MAX_RETRIES if max_retries is None else max_retries,
    )


def intervals_from_settings() -> Intervals:
    return Intervals(quick=settings.SYNC_INTERVAL, full=settings.SYNC_FULL_INTERVAL)
