"""Django's SQLite, quicker at what each page needs."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.backends.sqlite3 import base


def _moment(stored: bytes) -> datetime:
    """A time as Django keeps it, which is UTC without saying so, read at the pace of C: a list has hundreds."""
    return datetime.fromisoformat(f"{stored.decode()}+00:00")


sqlite3.register_converter("datetime", _moment)


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


class DatabaseWrapper(base.DatabaseWrapper):
    def create_cursor(self, name: str | None = None) -> Any:
        return self.connection.cursor(factory=Cursor)
