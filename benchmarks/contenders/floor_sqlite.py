"""SQLite's floor: raw client and an ``executemany`` upsert per transaction; with the same four indexes, kept up."""

import json
import sqlite3

import orjson

from benchmarks.contenders import raw, task
from benchmarks.contenders.floor_postgres import PAGES_A_TRANSACTION

TABLE = """
    CREATE TABLE IF NOT EXISTS migration (
        id text PRIMARY KEY, created text NOT NULL, status text NOT NULL, company_id text, created_by_user_id text)
"""
INDEXES = (
    "CREATE INDEX IF NOT EXISTS by_created ON migration (created, id)",
    "CREATE INDEX IF NOT EXISTS by_status ON migration (status, created, id)",
    "CREATE INDEX IF NOT EXISTS by_company ON migration (company_id, created, id)",
    "CREATE INDEX IF NOT EXISTS by_company_status ON migration (company_id, status, created, id)",
)
UPSERT = """
    INSERT INTO migration VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET created = excluded.created, status = excluded.status,
        company_id = excluded.company_id, created_by_user_id = excluded.created_by_user_id
    WHERE (created, status, company_id, created_by_user_id)
        IS NOT (excluded.created, excluded.status, excluded.company_id, excluded.created_by_user_id)
"""


def main() -> None:
    wanted = task()
    connection = sqlite3.connect(wanted.database, isolation_level=None)
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL", TABLE, *INDEXES):
        connection.execute(statement)
    pages = rows = 0
    part: list[tuple[str | None, ...]] = []
    for body in raw.bodies(wanted.url, wanted.key, wanted.in_flight):
        found = orjson.loads(body)["data"]
        part += [(r["id"], r["created"], r["status"], r["company_id"], r["created_by_user_id"]) for r in found]
        rows += len(found)
        pages += 1
        if pages % PAGES_A_TRANSACTION == 0:
            write(connection, part)
            part = []
    write(connection, part)
    print(json.dumps({"rows": rows, "requests": pages}))


def write(connection: sqlite3.Connection, part: list[tuple[str | None, ...]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(UPSERT, part)
    connection.execute("COMMIT")


if __name__ == "__main__":
    main()
