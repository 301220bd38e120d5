"""The floor: raw client, COPY into a temporary table, one INSERT … ON CONFLICT a transaction; a bare table.

``none``: the table has its key and nothing else. ``kept``: with four secondary indexes. ``late``: the same, built
after the load of an empty table.
"""

import json
import sys

import orjson
import psycopg

from benchmarks.contenders import raw, task

PAGES_A_TRANSACTION = 50
TABLE = """
    CREATE TABLE IF NOT EXISTS migration (
        id text COLLATE "C" PRIMARY KEY, created timestamptz NOT NULL, status text COLLATE "C" NOT NULL,
        company_id text COLLATE "C", created_by_user_id text COLLATE "C")
"""
INDEXES = (
    "CREATE INDEX IF NOT EXISTS by_created ON migration (created, id)",
    "CREATE INDEX IF NOT EXISTS by_status ON migration (status, created, id)",
    "CREATE INDEX IF NOT EXISTS by_company ON migration (company_id, created, id)",
    "CREATE INDEX IF NOT EXISTS by_company_status ON migration (company_id, status, created, id)",
)
MERGE = """
    INSERT INTO migration AS m SELECT DISTINCT ON (i.id) i.* FROM incoming i LEFT JOIN migration o ON o.id = i.id
    WHERE (o.created, o.status, o.company_id, o.created_by_user_id)
        IS DISTINCT FROM (i.created, i.status, i.company_id, i.created_by_user_id)
    ON CONFLICT (id) DO UPDATE SET created = excluded.created, status = excluded.status,
        company_id = excluded.company_id, created_by_user_id = excluded.created_by_user_id
"""


def main(indexes: str) -> None:
    wanted = task()
    with psycopg.connect(wanted.database, autocommit=True) as connection:
        connection.execute("SET timezone = 'UTC'")
        connection.execute(TABLE)
        connection.execute("CREATE TEMPORARY TABLE incoming (LIKE migration)")
        if indexes == "kept":
            build(connection)
        pages = rows = 0
        part: list[bytes] = []
        for body in raw.bodies(wanted.url, wanted.key, wanted.in_flight):
            found = orjson.loads(body)["data"]
            part += [
                f"{r['id']}\t{r['created']}\t{r['status']}\t{r['company_id'] or chr(92) + 'N'}\t"
                f"{r['created_by_user_id']}\n".encode()
                for r in found
            ]
            rows += len(found)
            pages += 1
            if pages % PAGES_A_TRANSACTION == 0:
                write(connection, part)
                part = []
        write(connection, part)
        if indexes == "late":
            build(connection)
    print(json.dumps({"rows": rows, "requests": pages}))


def write(connection: psycopg.Connection, part: list[bytes]) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        with cursor.copy("COPY incoming FROM STDIN") as copy:
            copy.write(b"".join(part))
        cursor.execute(MERGE)
        cursor.execute("TRUNCATE incoming")


def build(connection: psycopg.Connection) -> None:
    for statement in INDEXES:
        connection.execute(statement)


if __name__ == "__main__":
    main(sys.argv[1])
