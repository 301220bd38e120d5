"""SQLite: it is in this process, so rows may come back one by one; and one statement takes many, prepared once."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection

from migrations_sync.models import Migration, Source
from migrations_sync.records import MigrationRecord
from migrations_sync.sync.store import Compared, Counter, Names, into, or_add

_TABLE = Migration._meta.db_table
_COLUMNS = (
    "api_id, created, created_raw, status, company_id, created_by_user_id, payload, fingerprint, "
    "first_seen_at, status_changed_at, status_not_before, changed_at, checked_at, source_id"
)
# CROSS JOIN keeps the order: left to itself, SQLite may search all that was asked for once per migration.
_LOOK_UP = f"""
    SELECT asked.key, m.id, m.fingerprint, m.gone_at IS NOT NULL
    FROM json_each(%s) asked CROSS JOIN {_TABLE} m WHERE m.source_id = %s AND m.api_id = asked.value
"""  # noqa: S608 (our own name)


class SqliteStore:
    def compare(self, source: Source, api_ids: Sequence[str], fingerprints: Sequence[int]) -> Compared:
        same: dict[int, int] = {}
        differing: dict[int, int | None] = dict.fromkeys(range(len(api_ids)))
        with connection.cursor() as cursor:
            cursor.execute(_LOOK_UP, [json.dumps(api_ids), source.pk])
            for place, number, fingerprint, gone in cursor:
                if fingerprint == fingerprints[place] and not gone:
                    same[place] = number
                    del differing[place]
                else:
                    differing[place] = number
        return Compared([same[place] for place in sorted(same)], differing)

    def new_row(self, record: MigrationRecord, at: datetime) -> tuple[Any, ...]:
        api_id, created, *rest = record
        now, begun = _time(at), _time(created)
        return (api_id, begun, *rest, now, now, min(begun, now), now, now)

    def insert(self, source: Source, rows: Sequence[tuple[Any, ...]]) -> dict[str, int]:
        return {
            api_id: number
            for number, api_id in self._insert(source, rows, "ON CONFLICT (source_id, api_id) DO NOTHING")
        }

    def fill(self, source: Source, rows: Sequence[tuple[Any, ...]]) -> list[int]:
        return [number for number, _ in self._insert(source, rows)]

    def _insert(self, source: Source, rows: Sequence[tuple[Any, ...]], otherwise: str = "") -> list[tuple[int, str]]:
        values = ", ".join(["%s"] * len(rows[0]))
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT coalesce(max(id), 0) FROM {_TABLE}")  # noqa: S608
            (before,) = cursor.fetchone()
            # In the order of the key, so that neighbours in its index are written together.
            cursor.executemany(
                f"INSERT INTO {_TABLE} ({_COLUMNS}) VALUES ({values}, {source.pk:d}) {otherwise}",  # noqa: S608
                sorted(rows),
            )
            cursor.execute(f"SELECT id, api_id FROM {_TABLE} WHERE id > %s", [before])  # noqa: S608
            return list(cursor.fetchall())

    def add(self, source: Source, counter: Counter, key: Names, sums: Names, rows: Sequence[tuple[Any, ...]]) -> None:
        values = ", ".join(["%s"] * (1 + len(key) + len(sums)))
        with connection.cursor() as cursor:
            cursor.executemany(
                f"{into(counter, key, sums)} VALUES ({values}) {or_add(counter, key, sums)}",
                [(source.pk, *(str(v) if isinstance(v, date) else v for v in row)) for row in rows],
            )


def _time(value: datetime) -> str:
    """UTC as Django writes it to SQLite."""
    return str(value.replace(tzinfo=None))
