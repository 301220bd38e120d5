"""The two statements of a pass whose cost grows with the list, in each database's own best form."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from django.db import connection

from migrations_sync.models import Migration, Source
from migrations_sync.records import MigrationRecord

_TABLE = Migration._meta.db_table
_COLUMNS = (
    "source_id",
    "api_id",
    "created",
    "created_raw",
    "status",
    "company_id",
    "created_by_user_id",
    "payload",
    "fingerprint",
    "first_seen_at",
    "status_changed_at",
    "status_not_before",
    "changed_at",
    "checked_at",
)


class Known(NamedTuple):
    """What the mirror has of a migration, as far as telling whether a row differs needs it."""

    number: int
    fingerprint: int
    gone: bool


class Sighting(NamedTuple):
    """A record and when it was received (UTC)."""

    record: MigrationRecord
    at: datetime


class Store(Protocol):
    def look_up(self, source: Source, api_ids: Sequence[str]) -> dict[str, Known]:
        """Those of ``api_ids`` that the mirror has."""

    def insert(self, source: Source, sightings: Sequence[Sighting]) -> dict[str, int]:
        """Add them; the new numbers by API id. One that another writer has added meanwhile is left out."""


class PostgresStore:
    def look_up(self, source: Source, api_ids: Sequence[str]) -> dict[str, Known]:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT api_id, id, fingerprint, gone_at IS NOT NULL FROM {_TABLE} "  # noqa: S608 (our own name)
                "WHERE source_id = %s AND api_id = ANY(%s)",
                [source.pk, list(api_ids)],
            )
            return {api_id: Known(*known) for api_id, *known in cursor.fetchall()}

    def insert(self, source: Source, sightings: Sequence[Sighting]) -> dict[str, int]:
        columns = ", ".join(_COLUMNS)
        with connection.cursor() as cursor:
            # COPY takes rows several times faster than any INSERT, but can't pass over those that exist.
            cursor.execute(
                f"CREATE TEMPORARY TABLE IF NOT EXISTS incoming ON COMMIT DELETE ROWS AS "  # noqa: S608
                f"SELECT {columns} FROM {_TABLE} WITH NO DATA"
            )
            with cursor.copy(f"COPY incoming ({columns}) FROM STDIN") as copy:
                for sighting in sightings:
                    copy.write_row(_row(source, sighting))
            cursor.execute(
                f"INSERT INTO {_TABLE} ({columns}) SELECT {columns} FROM incoming "  # noqa: S608
                "ON CONFLICT (source_id, api_id) DO NOTHING RETURNING api_id, id"
            )
            added = dict(cursor.fetchall())
            cursor.execute("DELETE FROM incoming")
            return added


class SqliteStore:
    def look_up(self, source: Source, api_ids: Sequence[str]) -> dict[str, Known]:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT api_id, id, fingerprint, gone_at IS NOT NULL FROM {_TABLE} "  # noqa: S608 (our own name)
                "WHERE source_id = %s AND api_id IN (SELECT value FROM json_each(%s))",
                [source.pk, json.dumps(list(api_ids))],
            )
            return {api_id: Known(number, fingerprint, bool(gone)) for api_id, number, fingerprint, gone in cursor}

    def insert(self, source: Source, sightings: Sequence[Sighting]) -> dict[str, int]:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT coalesce(max(id), 0) FROM {_TABLE}")  # noqa: S608
            (before,) = cursor.fetchone()
            cursor.executemany(
                f"INSERT INTO {_TABLE} ({', '.join(_COLUMNS)}) "  # noqa: S608
                f"VALUES ({', '.join(['%s'] * len(_COLUMNS))}) ON CONFLICT (source_id, api_id) DO NOTHING",
                # In the order of the key, so that neighbours in the index are written together.
                [_row(source, sighting) for sighting in sorted(sightings, key=lambda s: s.record.id)],
            )
            cursor.execute(f"SELECT api_id, id FROM {_TABLE} WHERE id > %s", [before])  # noqa: S608
            return dict(cursor.fetchall())


def store() -> Store:
    return PostgresStore() if connection.vendor == "postgresql" else SqliteStore()


def _row(source: Source, sighting: Sighting) -> tuple[Any, ...]:
    record = sighting.record
    at: Any = connection.ops.adapt_datetimefield_value(sighting.at)
    created: Any = connection.ops.adapt_datetimefield_value(record.created)
    return (
        source.pk,
        record.id,
        created,
        record.created_raw,
        record.status,
        record.company_id,
        record.created_by_user_id,
        record.payload,
        record.fingerprint,
        at,
        at,
        min(created, at),
        at,
        at,
    )
