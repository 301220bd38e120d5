"""PostgreSQL: COPY into a temporary table, arrays for everything else; what differs comes back, and no more."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import connection

from migrations_sync.models import Migration, Source
from migrations_sync.records import MigrationRecord
from migrations_sync.sync.store import Compared, Counter, Names, into, or_add

_TABLE = Migration._meta.db_table
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
# LIMIT makes it a look-up in the index for each: left alone, the planner reads the whole table.
_COMPARE = f"""
    WITH found AS MATERIALIZED (
        SELECT asked.place - 1 AS place, m.id,
            coalesce(m.fingerprint = asked.fingerprint AND m.gone_at IS NULL, false) AS same
        FROM unnest(%s::text[], %s::bigint[]) WITH ORDINALITY AS asked (api_id, fingerprint, place)
        LEFT JOIN LATERAL (
            SELECT id, fingerprint, gone_at FROM {_TABLE} WHERE source_id = %s AND api_id = asked.api_id LIMIT 1
        ) m ON true)
    SELECT NULL, string_agg(id::text, ' ' ORDER BY place) FROM found WHERE same
    UNION ALL SELECT place, id::text FROM found WHERE NOT same
"""  # noqa: S608 (our own name)
_INCOMING = """
    CREATE TEMPORARY TABLE IF NOT EXISTS incoming (
        api_id text, created_raw text, status text, payload text, company_id text, created_by_user_id text,
        created timestamptz, fingerprint bigint, at timestamptz
    ) ON COMMIT DELETE ROWS
"""
_INSERT = f"""
    INSERT INTO {_TABLE} (
        source_id, api_id, created, created_raw, status, company_id, created_by_user_id, payload, fingerprint,
        first_seen_at, status_changed_at, status_not_before, changed_at, checked_at)
    SELECT %s, api_id, created, created_raw, status, company_id, created_by_user_id, payload, fingerprint,
        at, at, least(created, at), at, at
    FROM incoming
"""  # noqa: S608


class PostgresStore:
    def compare(self, source: Source, api_ids: Sequence[str], fingerprints: Sequence[int]) -> Compared:
        with connection.cursor() as cursor:
            cursor.execute(_COMPARE, [_array(api_ids), _array(map(str, fingerprints)), source.pk])
            (_, same), *differing = cursor.fetchall()
        return Compared(
            list(map(int, (same or "").split())), {place: number and int(number) for place, number in differing}
        )

    def new_row(self, record: MigrationRecord, at: datetime) -> str:
        """A line of COPY's text format. The driver's own way to make it takes three times as long."""
        api_id, created, created_raw, status, company_id, user_id, payload, fingerprint = record
        texts = [api_id, created_raw, status, payload, company_id or "", user_id or ""]
        line = "\t".join(texts)
        if "\\" in line or "\n" in line or "\r" in line or line.count("\t") > 5:
            texts = [text.translate(_ESCAPED) for text in texts]
            line = "\t".join(texts)
        if company_id is None or user_id is None:
            texts[4:] = ["\\N" if company_id is None else texts[4], "\\N" if user_id is None else texts[5]]
            line = "\t".join(texts)
        return f"{line}\t{created.isoformat()}\t{fingerprint}\t{_text(at)}\n"

    def insert(self, source: Source, rows: Sequence[str]) -> dict[str, int]:
        with connection.cursor() as cursor:
            _copy(cursor, rows)
            cursor.execute(f"{_INSERT} ON CONFLICT (source_id, api_id) DO NOTHING RETURNING api_id, id", [source.pk])
            added = dict(cursor.fetchall())
            cursor.execute("DELETE FROM incoming")  # the transaction may go on to add more
            return added

    def fill(self, source: Source, rows: Sequence[str]) -> list[int]:
        with connection.cursor() as cursor:
            _copy(cursor, rows)
            cursor.execute(f"{_INSERT} RETURNING id", [source.pk])
            return [number for (number,) in cursor.fetchall()]

    def add(self, source: Source, counter: Counter, key: Names, sums: Names, rows: Sequence[tuple[Any, ...]]) -> None:
        if not rows:
            return
        types = [counter._meta.get_field(name).db_type(connection) for name in (*key, *sums)]
        arrays = ", ".join(f"%s::{type_}[]" for type_ in types)
        with connection.cursor() as cursor:
            cursor.execute(
                f"{into(counter, key, sums)} SELECT %s, * FROM unnest({arrays}) "  # noqa: S608 (our own names)
                f"{or_add(counter, key, sums)}",
                [source.pk, *(_array(map(str, column)) for column in zip(*rows, strict=True))],
            )


@lru_cache(maxsize=64)
def _text(at: datetime) -> str:
    """The same for all of a page, and as dear to make as the rest of a row."""
    return at.isoformat()


def _copy(cursor: Any, rows: Sequence[str]) -> None:
    """COPY takes rows several times faster than INSERT, but can neither pass over those that exist nor return any."""
    cursor.execute(_INCOMING)
    with cursor.copy("COPY incoming FROM STDIN") as copy:
        copy.write("".join(rows))


def _array(values: Iterable[str]) -> str:
    """PostgreSQL's way to write an array of texts: one value to bind, where a list would be thousands."""
    values = list(values)
    joined = '","'.join(values)
    if "\\" in joined or joined.count('"') != 2 * (len(values) - 1):
        joined = '","'.join(value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return f'{{"{joined}"}}' if values else "{}"
