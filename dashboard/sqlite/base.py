"""Django's SQLite, quicker at what each page needs."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.backends.sqlite3 import base


def _moment(stored: bytes) -> datetime:
    """A time as Django keeps it, which is UTC without saying so, read at the pace of C: a list has hundreds."""
    return datetime.fromisoformat(f"{stored.decode()}+00:00")


sqlite3.register_converter("datetime", _moment)


_CACHE = 8192  # KiB
_SHORT = 10_000  # characters; those that add many rows are longer, and seldom the same


class Cursor(base.SQLiteCursorWrapper):
    """Puts SQLite's placeholders into a statement once, however often it is run."""

    def convert_query(self, query: str, *, param_names: Sequence[str] | None = None) -> str:
        if param_names is None and len(query) < _SHORT:
            return _converted(query)
        named: str = super().convert_query(query, param_names=param_names)
        return named


@lru_cache(512)
def _converted(query: str) -> str:
    return base.FORMAT_QMARK_REGEX.sub("?", query).replace("%%", "%")


def keep_little() -> None:
    """From now on, each new connection of this process keeps little of the file in memory: there is one for each
    thread, and what a page reads the operating system has at hand."""
    connection_created.connect(_keep_little, dispatch_uid="sqlite-memory")


def _keep_little(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA cache_size = -{_CACHE}")


class DatabaseWrapper(base.DatabaseWrapper):
    def create_cursor(self, name: str | None = None) -> Any:
        return self.connection.cursor(factory=Cursor)
