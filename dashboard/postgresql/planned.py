"""Statements that PostgreSQL plans once for each connection, because planning them is most of what they cost."""

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper


def planned_cursor(connection: BaseDatabaseWrapper) -> CursorWrapper:
    """A cursor for statements whose best plan is the same for all parameters.

    PostgreSQL has to tell the parameters' types from the statement. On SQLite, which keeps statements by itself, it
    is a cursor as any.
    """
    if connection.vendor != "postgresql":
        return connection.cursor()
    planned: CursorWrapper = connection.planned_cursor()  # type: ignore[attr-defined]  # of `.base`
    return planned
