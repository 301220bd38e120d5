"""How long a statement of a web request may take, so that a slow one does not hold a thread and its reader.

Workers and commands are not bound by it. SQLite has nothing like it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.utils import OperationalError

_CANCELLED = "57014"  # query_canceled


def limit_this_process() -> None:
    """From now on, each new connection of this process is bound."""
    if settings.DATABASE_STATEMENT_TIMEOUT:
        connection_created.connect(_limit, dispatch_uid="statement-timeout")


def _limit(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = '{settings.DATABASE_STATEMENT_TIMEOUT:d}s'")


@contextmanager
def unlimited() -> Iterator[None]:
    """Around a statement that may take as long as its reader does, on PostgreSQL."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
        yield


def struck(error: BaseException) -> bool:
    """Whether it means that a statement took too long."""
    return isinstance(error, OperationalError) and getattr(error.__cause__, "sqlstate", "") == _CANCELLED
