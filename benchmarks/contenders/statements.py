"""The product's statements for the addresses on standard input, a JSON list, without a web server.

Prints a JSON object by address: ``cold`` and ``warm``, how many statements with an empty and with a filled cache;
``buffers`` and ``ms``, the most shared buffers that one of them reads and what all take, by EXPLAIN; PostgreSQL only.
"""

import json
import os
import sys
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
django.setup()

from django.core.cache import cache  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402

from dashboard import kept  # noqa: E402

Statement = tuple[str, Any]


def main(session: str) -> None:
    reader = Client(HTTP_HOST="127.0.0.1")
    reader.cookies["sessionid"] = session
    reader.get("/migrations/")  # what is made once in a process
    print(json.dumps({path: _weigh(reader, path) for path in json.load(sys.stdin)}))


def _weigh(reader: Client, path: str) -> dict[str, Any]:
    cache.clear()
    kept.forget()
    cold, warm = _statements(reader, path), _statements(reader, path)
    said: dict[str, Any] = {"cold": len(cold), "warm": len(warm)}
    if connection.vendor == "postgresql":
        said["buffers"] = max(_explain(sql, values)[0] for sql, values in cold)
        said["ms"] = sum(_explain(sql, values)[1] for sql, values in warm)
    return said


def _statements(reader: Client, path: str) -> list[Statement]:
    found: list[Statement] = []

    def note(execute: Any, sql: str, values: Any, many: bool, context: Any) -> Any:
        found.append((sql, values))
        return execute(sql, values, many, context)

    with connection.execute_wrapper(note):
        answer = reader.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return found


def _explain(sql: str, values: Any) -> tuple[int, float]:
    """Shared buffers and milliseconds, the second time: the first one fills the server's caches."""
    with connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", values)
            (plan,) = cursor.fetchone()[0]
    return plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"], plan["Execution Time"]


if __name__ == "__main__":
    main(sys.argv[1])
