"""Floor W: the pages of ``floor`` behind a bare WSGI function, one connection a process, no session, no user."""

import csv
import io
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl

import psycopg

from benchmarks.contenders import floor

DATABASE = os.environ["BENCH_DATABASE"]
BATCH = 2000
WORDS = {200: "200 OK", 304: "304 Not Modified", 404: "404 Not Found"}
Answer = Callable[[str, list[tuple[str, str]]], object]
_connections: list[Any] = []


def application(environ: dict[str, Any], start_response: Answer) -> Iterable[bytes]:
    query = dict(parse_qsl(environ["QUERY_STRING"]))
    if "_export" in query:
        start_response(WORDS[200], [("Content-Type", "text/csv")])
        return copied() if DATABASE.startswith("postgres") else written()
    path, known = environ["PATH_INFO"], environ.get("HTTP_IF_NONE_MATCH", "")
    status, etag, html = floor.page(path, query, known, ask)
    body = html.encode()
    headers = [("ETag", etag)]
    if status != 304:
        headers += [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body)))]
    start_response(WORDS[status], headers)
    return [body]


def connection() -> Any:
    """Opened in the worker: no connection outlives a fork."""
    if not _connections:
        if DATABASE.startswith("postgres"):
            _connections.append(psycopg.connect(DATABASE, autocommit=True, options="-c timezone=UTC"))
        else:
            _connections.append(sqlite3.connect(DATABASE.removeprefix("sqlite:///"), isolation_level=None))
            _connections[0].execute("PRAGMA cache_size=-65536")
    return _connections[0]


def ask(sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]]
    if DATABASE.startswith("postgres"):
        rows = connection().execute(sql, values).fetchall()
    else:
        rows = connection().execute(sql.replace("%s", "?"), values).fetchall()
    return rows


def copied() -> Iterator[bytes]:
    with (
        connection().cursor() as cursor,
        cursor.copy(f"COPY ({floor.EXPORT}) TO STDOUT (FORMAT csv, HEADER)") as copy,
    ):
        yield from blocks(copy)


def written() -> Iterator[bytes]:
    cursor = connection().execute(floor.EXPORT)
    line = io.StringIO(newline="")
    writer = csv.writer(line)
    writer.writerow([column[0] for column in cursor.description])
    while rows := cursor.fetchmany(BATCH):
        writer.writerows(rows)
        yield line.getvalue().encode()
        line.seek(0)
        line.truncate()


def blocks(lines: Iterable[Any]) -> Iterator[bytes]:
    """Lines joined to 64 KB."""
    held, size = [], 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= 65_536:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)
