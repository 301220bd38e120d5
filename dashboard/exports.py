"""Streams every row that a list asks for, as CSV or JSON, in the memory of one block however many there are.

On PostgreSQL the server itself writes the lines (``COPY``); on SQLite they are read a batch at a time. Times are
UTC. In CSV a text that a spreadsheet would take for a formula gets an apostrophe in front.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db import connection, models
from django.db.models import Case, F, Func, Value, When
from django.db.models.functions import Greatest
from django.http import StreamingHttpResponse

from dashboard import timeouts
from dashboard.tables import MigrationTable
from migrations_sync import statuses
from migrations_sync.models import Source
from migrations_sync.querysets import MigrationQuerySet

Params = tuple[Any, ...]
FORMATS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
BLOCK = 64 * 1024  # bytes
BATCH = 2000  # rows

_SHOWN = [str(column.accessor or name) for name, column in MigrationTable.base_columns.items()]
TEXTS = ("api_id", "status", "company_id", "created_by_user_id")
# Those of the table, what the API calls the id first, and what the table says in other ways.
COLUMNS = ("api_id", *(name for name in _SHOWN if name != "api_id"), "status_not_before", "gone_at")
NAMES = ("id", *COLUMNS[1:])
# A ``Stamp`` of SQLite as PostgreSQL's JSON has it: ``2026-11-20T12:00:00+00:00``.
_ISO = "REPLACE({}, ' ', 'T') || ':00'"


class Stamp(Func):
    """A UTC time as both databases write it: ``2026-11-20 12:00:00+00``, with a fraction where there is one."""

    template = "%(expressions)s"
    output_field = models.TextField()

    def as_sqlite(self, compiler, connection, **extra):  # type: ignore[no-untyped-def]  # as Func's own
        # Also keeps the driver from making a datetime of each.
        return self.as_sql(compiler, connection, template="%(expressions)s || '+00'", **extra)


class Harmless(Func):
    """A text that no spreadsheet runs."""

    template = (
        "CASE WHEN SUBSTR(%(expressions)s, 1, 1) IN ('=', '+', '-', '@', '\t', '\r', '\n')"
        " THEN '''' || %(expressions)s ELSE %(expressions)s END"
    )
    output_field = models.TextField()

    def as_postgresql(self, compiler, connection, **extra):  # type: ignore[no-untyped-def]  # as Func's own
        # Hardly any begins with anything but a letter or a digit, which are told apart in a fifth of the time.
        first, dangerous = "ASCII(%(expressions)s)", ", ".join(str(ord(character)) for character in "=+-@\t\r\n")
        template = (
            f"CASE WHEN {first} > 64 THEN %(expressions)s WHEN {first} BETWEEN 48 AND 57 THEN %(expressions)s"
            f" WHEN {first} IN ({dangerous}) THEN '''' || %(expressions)s ELSE %(expressions)s END"
        )
        return self.as_sql(compiler, connection, template=template, **extra)


def export(rows: MigrationQuerySet, kind: str, *, source: Source, as_of: datetime | None) -> StreamingHttpResponse:
    """``rows`` in their order as a file of that ``kind``; its name says as of when it is true."""
    lines = _csv(rows, source) if kind == "csv" else _json(rows, source)
    name = f"migrations-as-of-{as_of:%Y-%m-%dT%H-%M-%SZ}.{kind}" if as_of else f"migrations.{kind}"
    return StreamingHttpResponse(
        _blocks(lines),
        content_type=FORMATS[kind],
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"},
    )


def _csv(rows: MigrationQuerySet, source: Source) -> Iterator[bytes]:
    select, params = _select("*", rows, source, harmless=True)
    if connection.vendor == "postgresql":
        yield from _copied(select, params, "FORMAT csv, HEADER")
        return
    line = io.StringIO(newline="")
    writer = csv.writer(line, lineterminator="\r\n")  # with "\n" a lone "\r" in a value would not be quoted
    writer.writerow(NAMES)
    for batch in _fetched(select, params):
        writer.writerows(batch)
        yield line.getvalue().encode()
        line.seek(0)
        line.truncate()
    yield line.getvalue().encode()  # the heads alone, where there are no rows


def _json(rows: MigrationQuerySet, source: Source) -> Iterator[bytes]:
    """A JSON array, an object a line."""
    yield b"["
    mark = b"\n"
    for text in _objects(rows, source):
        yield mark + text
        mark = b",\n"
    yield b"\n]\n"


def _objects(rows: MigrationQuerySet, source: Source) -> Iterator[bytes]:
    if connection.vendor == "postgresql":
        select, params = _select("row_to_json(t)", rows, source)
        # No JSON text holds these two control characters, so nothing is quoted or escaped on top.
        for line in _copied(select, params, "FORMAT csv, DELIMITER E'\\x02', QUOTE E'\\x01'"):
            yield line[:-1]
        return
    texts = {*TEXTS, "id"}
    pairs = ", ".join(f"'{n}', {n if n in texts else _ISO.format(n)}" for n in NAMES)
    for batch in _fetched(*_select(f"json_object({pairs})", rows, source)):
        for (text,) in batch:
            yield text.encode()


def _select(what: str, rows: MigrationQuerySet, source: Source, *, harmless: bool = False) -> tuple[str, Params]:
    """``what`` of the rows under the names of the export, every value made ready by the database."""
    shown: dict[str, Any] = {name: Harmless(F(name)) if harmless else F(name) for name in TEXTS}
    shown |= {name: Stamp(F(name)) for name in COLUMNS if name not in TEXTS}
    shown["checked_at"] = Stamp(last_checked(source))
    query = rows.annotate(**{f"x_{name}": value for name, value in shown.items()})
    sql, params = query.values_list(*(f"x_{name}" for name in COLUMNS)).query.sql_with_params()
    named = f"WITH t ({', '.join(NAMES)}) AS ({sql})"
    return f"{named} SELECT {what} FROM t", params  # noqa: S608  (our own names; values are parameters)


def last_checked(source: Source) -> Case:
    """``dashboard.rows.last_checked`` in SQL."""
    swept = [source.swept_at] if source.swept_at else []
    asked = [source.open_checked_at] if source.open_checked_at else []

    def newest(times: Iterable[datetime]) -> models.expressions.Combinable:
        known = max(times, default=None)
        return Greatest("checked_at", Value(known, models.DateTimeField())) if known else F("checked_at")

    of_open, of_finished = newest(swept + asked), newest(swept)
    cases = [When(gone_at__isnull=False, then=F("checked_at"))]
    if of_open != of_finished:
        cases.append(When(status__in=statuses.FINISHED, then=of_finished))
    return Case(*cases, default=of_open, output_field=models.DateTimeField())


def _copied(select: str, params: Params, options: str) -> Iterator[bytes]:
    """The lines that PostgreSQL makes of ``select``, one at a time."""
    # Its parameters as literals, because COPY takes none.
    statement = connection.ops.compose_sql(  # type: ignore[attr-defined]  # PostgreSQL's
        f"COPY ({select}) TO STDOUT WITH ({options})", params
    )
    with timeouts.unlimited(), connection.cursor() as cursor, cursor.copy(statement) as copy:
        yield from copy


def _fetched(select: str, params: Params) -> Iterator[list[tuple[str, ...]]]:
    with connection.cursor() as cursor:
        cursor.execute(select, params)
        while batch := cursor.fetchmany(BATCH):
            yield batch


def _blocks(lines: Iterable[bytes]) -> Iterator[bytes]:
    """``lines`` joined into fewer, larger pieces."""
    held, size = [], 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= BLOCK:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)
