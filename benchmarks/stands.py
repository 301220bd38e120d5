"""Databases to show pages of: the product's mirror, the floor's tables, and somebody signed in."""

import json
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import mirrors, servers
from benchmarks.process import ROOT, base, python

FLOOR = """
    CREATE TABLE floor_migration (
        id bigint PRIMARY KEY, api_id text{c} NOT NULL UNIQUE, created {time} NOT NULL, status text{c} NOT NULL,
        company_id text{c}, created_by_user_id text{c}, changed_at {time} NOT NULL);
    INSERT INTO floor_migration SELECT id, api_id, created, status, company_id, created_by_user_id, changed_at
        FROM migrations_sync_migration;
    CREATE INDEX floor_created ON floor_migration (created, id);
    CREATE INDEX floor_status ON floor_migration (status, created, id);
    CREATE INDEX floor_company ON floor_migration (company_id, created, id);
    CREATE INDEX floor_company_status ON floor_migration (company_id, status, created, id);
    CREATE INDEX floor_user ON floor_migration (created_by_user_id, created, id);
    CREATE TABLE floor_count (company_id text{c}, status text{c}, n bigint, PRIMARY KEY (company_id, status));
    INSERT INTO floor_count SELECT '', status, COUNT(*) FROM floor_migration GROUP BY status;
    INSERT INTO floor_count SELECT company_id, status, COUNT(*) FROM floor_migration
        WHERE company_id IS NOT NULL GROUP BY company_id, status;
    CREATE TABLE floor_day (day {date}, status text{c}, n bigint, PRIMARY KEY (day, status));
    INSERT INTO floor_day SELECT {day}, status, COUNT(*) FROM floor_migration GROUP BY 1, 2;
    CREATE TABLE floor_version (version bigint);
    INSERT INTO floor_version VALUES (1)
"""
POSTGRES = {"c": ' COLLATE "C"', "time": "timestamptz", "date": "date", "day": "(created AT TIME ZONE 'UTC')::date"}
SQLITE = {"c": "", "time": "text", "date": "text", "day": "date(created)"}


@dataclass(frozen=True, slots=True)
class Stand:
    """``session``: the key of a superuser's session in the product; ``other_session``: in other Django projects."""

    database: str
    rows: int
    session: str
    other_session: str

    @property
    def kind(self) -> str:
        return "PostgreSQL" if self.database.startswith("postgres") else "SQLite"

    def ask(self, sql: str) -> list[Any]:
        return query(self.database, sql)

    def environment(self, **more: str) -> dict[str, str]:
        """For the product and for contenders alike."""
        # Fresh for as long as this takes: pages without a banner are what people see.
        return mirrors.environment(None, self.database, SYNC_INTERVAL="86400", BENCH_DATABASE=self.database, **more)


def query(database: str, sql: str) -> list[Any]:
    if database.startswith("postgres"):
        with psycopg.connect(database, autocommit=True, options="-c timezone=UTC") as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []
    with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as connection:
        return connection.execute(sql).fetchall()


@contextmanager
def filled(server: servers.Postgres, templates: tuple[str, Path], rows: int) -> Iterator[list[Stand]]:
    """One on PostgreSQL and one on SQLite, filled by a full sweep of the product and checked against the API.

    ``templates``: the name of an empty database and an empty file.
    """
    empty, empty_file = templates
    with tempfile.TemporaryDirectory() as folder, server.database(f"pages_{rows}", empty) as postgres:
        file = Path(folder) / "pages.sqlite3"
        file.write_bytes(empty_file.read_bytes())
        databases = (postgres, f"sqlite:///{file}")
        with servers.simulator(rows, page_size_max="10000") as api:
            for database in databases:
                mirrors.sync(api, database, MIGRATIONS_API_PAGE_SIZE="5000")
        for database in databases:
            _add_floor(database)
        yield [Stand(database, rows, *_sign_in(database)) for database in databases]


def _add_floor(database: str) -> None:
    """Also leaves both mirrors as they are after a while, not as right after a bulk load."""
    if database.startswith("postgres"):
        query(database, FLOOR.format(**POSTGRES))
        query(database, "VACUUM (ANALYZE)")
    else:
        with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as connection:
            connection.executescript(FLOOR.format(**SQLITE))
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _sign_in(database: str) -> tuple[str, str]:
    run = subprocess.run(
        python("-m", "benchmarks.contenders.person"),
        env=base() | mirrors.environment(None, database),
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    keys = json.loads(run.stdout)
    return keys["product"], keys["others"]
