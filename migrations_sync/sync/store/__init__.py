"""The statements of a pass whose cost grows with the list, in each database's own best form."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from django.db import connection, models

from migrations_sync.models import Source
from migrations_sync.records import MigrationRecord

Counter = type[models.Model]
Names = tuple[str, ...]


class Compared(NamedTuple):
    """``same``: the numbers of migrations that the mirror holds just so, in the order in which they were given.

    ``differing``: the others by their index, each with its number, or ``None`` if the mirror does not have it.
    """

    same: Sequence[int]
    differing: Mapping[int, int | None]


class Store(Protocol):
    def compare(self, source: Source, api_ids: Sequence[str], fingerprints: Sequence[int]) -> Compared:
        """Tell which of these the mirror holds with the same fingerprint, and not as gone."""

    def new_row(self, record: MigrationRecord, at: datetime) -> Any:
        """A migration received ``at`` (UTC), as ``insert`` and ``fill`` take it. Uses no connection."""

    def insert(self, source: Source, rows: Sequence[Any]) -> dict[str, int]:
        """Add them; the new numbers by API id. One that another writer has added meanwhile is left out."""

    def fill(self, source: Source, rows: Sequence[Any]) -> list[int]:
        """Add them all; the new numbers. Faster than ``insert``.

        Raises:
            IntegrityError: the mirror has one of them.
        """

    def add(self, source: Source, counter: Counter, key: Names, sums: Names, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add to ``sums`` of the counters that ``key`` names; those that don't exist start from nothing.

        Each row holds the values of its key and then how much to add.
        """


def store() -> Store:
    if connection.vendor == "postgresql":
        from migrations_sync.sync.store.postgresql import PostgresStore

        return PostgresStore()
    from migrations_sync.sync.store.sqlite import SqliteStore

    return SqliteStore()


def into(counter: Counter, key: Names, sums: Names) -> str:
    """The beginning of an upsert of counters."""
    return f"INSERT INTO {counter._meta.db_table} ({', '.join(('source_id', *key, *sums))})"


def or_add(counter: Counter, key: Names, sums: Names) -> str:
    """The end of it."""
    both = ", ".join(f"{name} = {counter._meta.db_table}.{name} + excluded.{name}" for name in sums)
    return f"ON CONFLICT ({', '.join(('source_id', *key))}) DO UPDATE SET {both}"
