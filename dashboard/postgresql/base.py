"""Django's PostgreSQL, quicker at what each page needs."""

import select
from datetime import UTC, datetime
from typing import Any

import psycopg
from django.db.backends.postgresql import base, operations
from django.db.backends.utils import CursorWrapper
from psycopg.abc import Buffer
from psycopg.adapt import Loader

PLANNED_AFTER = 2  # times that a statement runs before its plan is kept


class Moment(Loader):
    """A time with its zone, read at the pace of C: a list has hundreds of them."""

    timezone = UTC  # Django puts its own loader in place of one for another zone

    def load(self, data: Buffer) -> datetime:
        return datetime.fromisoformat(bytes(data).decode())


class DatabaseOperations(operations.DatabaseOperations):
    def last_executed_query(self, cursor: Any, sql: str, params: Any) -> str:
        """Of a statement that was sent apart from its parameters, without these."""
        return super().last_executed_query(cursor, sql, params) or sql


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        connection.adapters.register_loader("timestamptz", Moment)
        return connection

    def is_usable(self) -> bool:
        """A server that is gone, or has something to say, is heard on the socket; only then it is asked, too."""
        if self.connection is not None and not self.connection.closed:
            socket = select.poll()
            socket.register(self.connection.fileno(), select.POLLIN)
            if not socket.poll(0):
                return True
        return super().is_usable()

    def planned_cursor(self) -> CursorWrapper:
        """As Django makes any other, but one that sends statements and parameters apart."""
        self.close_if_health_check_failed()
        self.ensure_connection()
        # Only where plans are wanted: the driver then remembers a hundred statements whole, and a sweep's are long.
        self.connection.prepare_threshold = PLANNED_AFTER
        with self.wrap_database_errors:
            made: CursorWrapper = self._prepare_cursor(psycopg.Cursor(self.connection))  # type: ignore[attr-defined]
            return made
