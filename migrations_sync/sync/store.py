"""The statements of a pass whose cost grows with the list, in each database's own best form."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol, cast

from django.db import connection, models

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


_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})

# What the mirror has of an id that it was asked for: the id's place among those asked for, the migration's
# number, its fingerprint, and whether it is gone. A plain tuple as the database driver makes it.
Known = tuple[int, int, int, bool]


class Sighting(NamedTuple):
    """A record and when it was received (UTC)."""

    record: MigrationRecord
    at: datetime


Counter = type[models.Model]
Names = tuple[str, ...]


class Store(Protocol):
    def look_up(self, source: Source, api_ids: Sequence[str]) -> Iterable[Known]:
        """Those of ``api_ids`` that the mirror has, in any order."""

    def insert(self, source: Source, sightings: Sequence[Sighting]) -> dict[str, int]:
        """Add them; the new numbers by API id. One that another writer has added meanwhile is left out."""

    def add(self, source: Source, counter: Counter, key: Names, sums: Names, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add to ``sums`` of the counters that ``key`` names; those that don't exist start from nothing.

        Each row holds the values of its key and then how much to add.
        """


class PostgresStore:
    def look_up(self, source: Source, api_ids: Sequence[str]) -> Iterable[Known]:
        with connection.cursor() as cursor:
            # LIMIT makes it a look-up in the index for each: left alone, the planner reads the whole table.
            cursor.execute(
                "SELECT asked.place - 1, m.id, m.fingerprint, m.gone_at IS NOT NULL "  # noqa: S608 (our own name)
                "FROM unnest(%s::text[]) WITH ORDINALITY AS asked (api_id, place) CROSS JOIN LATERAL "
                f"(SELECT id, fingerprint, gone_at FROM {_TABLE} "
                "WHERE source_id = %s AND api_id = asked.api_id LIMIT 1) m",
                [_array(api_ids), source.pk],
            )
            return cast("list[Known]", cursor.fetchall())

    def insert(self, source: Source, sightings: Sequence[Sighting]) -> dict[str, int]:
        columns = ", ".join(_COLUMNS)
        with connection.cursor() as cursor:
            # COPY takes rows several times faster than any INSERT, but can't pass over those that exist.
            cursor.execute(
                "CREATE TEMPORARY TABLE IF NOT EXISTS incoming (api_id text, created_raw text, status text, "
                "payload text, company_id text, created_by_user_id text, created timestamptz, fingerprint bigint, "
                "at timestamptz) ON COMMIT DELETE ROWS"
            )
            lines = "".join(_copy_lines(sightings))
            with cursor.copy("COPY incoming FROM STDIN") as copy:
                copy.write(lines)
            cursor.execute(
                f"INSERT INTO {_TABLE} ({columns}) SELECT %s, api_id, created, created_raw, status, "  # noqa: S608
                "company_id, created_by_user_id, payload, fingerprint, at, at, least(created, at), at, at "
                "FROM incoming ON CONFLICT (source_id, api_id) DO NOTHING RETURNING api_id, id",
                [source.pk],
            )
            added = dict(cursor.fetchall())
            cursor.execute("DELETE FROM incoming")  # the transaction may go on to add more
            return added

    def add(self, source: Source, counter: Counter, key: Names, sums: Names, rows: Sequence[tuple[Any, ...]]) -> None:
        if not rows:
            return
        types = [counter._meta.get_field(name).db_type(connection) for name in (*key, *sums)]
        arrays = ", ".join(f"%s::{type_}[]" for type_ in types)
        with connection.cursor() as cursor:
            cursor.execute(
                f"{_into(counter, key, sums)} SELECT %s, * FROM unnest({arrays}) "  # noqa: S608 (our own names)
                f"{_or_add(counter, key, sums)}",
                [source.pk, *(_array(list(map(str, column))) for column in zip(*rows, strict=True))],
            )


class SqliteStore:
    def look_up(self, source: Source, api_ids: Sequence[str]) -> Iterable[Known]:
        with connection.cursor() as cursor:
            # CROSS JOIN keeps the order: left to itself, SQLite may search all that was asked for once per migration.
            cursor.execute(
                "SELECT asked.key, m.id, m.fingerprint, m.gone_at IS NOT NULL "  # noqa: S608 (our own name)
                f"FROM json_each(%s) asked CROSS JOIN {_TABLE} m WHERE m.source_id = %s AND m.api_id = asked.value",
                [json.dumps(api_ids), source.pk],
            )
            return cast("list[Known]", cursor.fetchall())

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

    def add(self, source: Source, counter: Counter, key: Names, sums: Names, rows: Sequence[tuple[Any, ...]]) -> None:
        values = ", ".join(["%s"] * (1 + len(key) + len(sums)))
        with connection.cursor() as cursor:
            cursor.executemany(
                f"{_into(counter, key, sums)} VALUES ({values}) {_or_add(counter, key, sums)}",
                [(source.pk, *(str(v) if isinstance(v, date) else v for v in row)) for row in rows],
            )


def _into(counter: Counter, key: Names, sums: Names) -> str:
    return f"INSERT INTO {counter._meta.db_table} ({', '.join(('source_id', *key, *sums))})"


def _or_add(counter: Counter, key: Names, sums: Names) -> str:
    both = ", ".join(f"{name} = {counter._meta.db_table}.{name} + excluded.{name}" for name in sums)
    return f"ON CONFLICT ({', '.join(('source_id', *key))}) DO UPDATE SET {both}"


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


def _copy_lines(sightings: Iterable[Sighting]) -> Iterator[str]:
    """Rows of ``incoming`` in COPY's text format. The driver's own way takes three times as long."""
    last_at, at_text = None, ""
    for record, at in sightings:
        api_id, created, created_raw, status, company_id, user_id, payload, fingerprint = record
        if at is not last_at:  # one for each page
            last_at, at_text = at, at.isoformat()
        texts = [api_id, created_raw, status, payload, company_id or "", user_id or ""]
        line = "\t".join(texts)
        if "\\" in line or "\n" in line or "\r" in line or line.count("\t") > 5:
            texts = [text.translate(_ESCAPED) for text in texts]
            line = "\t".join(texts)
        if company_id is None or user_id is None:
            texts[4:] = ["\\N" if company_id is None else texts[4], "\\N" if user_id is None else texts[5]]
            line = "\t".join(texts)
        yield f"{line}\t{created.isoformat()}\t{fingerprint}\t{at_text}\n"


def _array(values: Sequence[str]) -> str:
    """PostgreSQL's way to write an array of texts: one value to bind, where a list would be thousands."""
    joined = '","'.join(values)
    if "\\" in joined or joined.count('"') != 2 * (len(values) - 1):
        joined = '","'.join(value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return f'{{"{joined}"}}' if values else "{}"
