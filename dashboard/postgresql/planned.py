"""Statements that PostgreSQL plans once for each connection, because planning them is most of what they cost."""

from typing import Any

from django.db import NotSupportedError, connection


def rows(sql: str, params: Any) -> list[tuple[Any, ...]]:
    """What a statement finds whose best plan is the same for all ``params``.

    PostgreSQL has to tell the types of these from the statement. On SQLite, which keeps statements by itself, it is a
    statement as any.
    """
    try:
        return _rows(sql, params)
    except NotSupportedError:
        if connection.in_atomic_block:
            raise
        connection.close()  # a column has changed since: "cached plan must not change result type"
        return _rows(sql, params)


def _rows(sql: str, params: Any) -> list[tuple[Any, ...]]:
    make = getattr(connection, "planned_cursor", connection.cursor)
    with make() as cursor:
        cursor.execute(sql, params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
