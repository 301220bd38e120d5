"""The product's own passes as contenders, and the proof that a mirror equals the API."""

import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.process import ROOT, Measured, base, measure, python
from benchmarks.servers import KEY, Api, Postgres
from migrations_sync.simulator import checksum

_COLUMNS = "status, created_raw, company_id, created_by_user_id"


def environment(api: Api | None, database: str, *, in_flight: int = 4, **more: str) -> dict[str, str]:
    """How the product is configured in every run here."""
    return {
        "SECRET_KEY": "x" * 50,
        "INSECURE_HTTP": "1",
        "LOG_LEVEL": "WARNING",
        "DATABASE_URL": database,
        "MIGRATIONS_API_URL": api.url if api else "http://127.0.0.1:9/api/v1",
        "MIGRATIONS_API_KEY": KEY,
        "MIGRATIONS_API_CONCURRENCY": str(in_flight),
        **more,
    }


def migrate(database: str) -> str:
    """The database, with the product's tables in it."""
    argv = python("manage.py", "migrate", "--verbosity", "0")
    subprocess.run(argv, env=base() | environment(None, database), cwd=ROOT, check=True)
    return database


def collect() -> None:
    """The static files under their final names, as a release has them."""
    argv = python("manage.py", "collectstatic", "--noinput", "--verbosity", "0")
    subprocess.run(argv, env=base() | environment(None, "sqlite://"), cwd=ROOT, check=True)


@contextmanager
def template(server: Postgres) -> Iterator[str]:
    """The name of a database to copy: an empty mirror."""
    with server.database("template") as url:
        migrate(url)
        yield url.rsplit("/", 1)[1]


def sync(api: Api, database: str, mode: str = "--full", *, in_flight: int = 4, **more: str) -> Measured:
    """One pass as a process of its own. Its numbers must be the server's and the database's."""
    api.act("reset")
    run = measure(
        python("manage.py", "sync_migrations", mode, "--json"),
        environment(api, database, in_flight=in_flight, **more),
    )
    asked = sum(n for kind, n in api.act("stats")["requests"].items() if kind != "control")
    assert run.said["outcome"] == "complete", run.said
    assert run.said["requests"] == asked, (run.said, asked)
    check(api, database, "migrations_sync_migration", "api_id", _COLUMNS)
    return run


@contextmanager
def worker(api: Api, database: str, *, in_flight: int, **more: str) -> Iterator[None]:
    """A worker of the product that takes one task at a time."""
    argv = python("-m", "celery", "-A", "dashboard", "worker", "--pool", "solo", "--loglevel", "INFO")
    environ = base() | environment(api, database, in_flight=in_flight, **more | {"LOG_LEVEL": "INFO"})
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(argv, env=environ, cwd=ROOT, stdout=said, stderr=said)
        try:
            while process.poll() is None:
                said.seek(0)
                if " ready" in said.read():
                    break
                time.sleep(0.1)
            assert process.poll() is None, "the worker does not start"
            yield
        finally:
            process.terminate()
            process.wait()


def check(api: Api, database: str, table: str, key: str, columns: str) -> None:
    """Raise ``AssertionError`` unless the table holds what the API serves, by count and checksum."""
    rows = list(_rows(database, f"SELECT {key}, {columns} FROM {table}"))
    assert (len(rows), checksum(rows)) == api.checksum(), f"{table} is not what the API serves"


def _rows(database: str, sql: str) -> Iterable[Any]:
    if database.startswith("postgres"):
        with psycopg.connect(database) as connection:
            yield from connection.execute(sql)
    else:
        with closing(sqlite3.connect(Path(database.removeprefix("sqlite:///")))) as connection:
            yield from connection.execute(sql)


def written(server: Postgres, database: str) -> int:
    """Row writes to the mirror's table ever, as PostgreSQL's own statistics count them."""
    (row,) = server.ask(
        "SELECT n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables "
        "WHERE relname = 'migrations_sync_migration'",
        database,
    )
    return int(row[0])


def wal(server: Postgres) -> int:
    """Bytes of write-ahead log so far, of all databases of the server."""
    return int(server.ask("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')")[0][0])
