"""dlt with its REST source and a merge into PostgreSQL: a widely used loader of APIs.

``plain``: as it comes. ``workers``: its documented performance settings. ``arrow``: a resource of our own that
fetches with ``requests`` in threads and hands over Arrow tables, which dlt writes by COPY of CSV.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from benchmarks.contenders import PAGE_SIZE, task

SETTINGS = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
}
WORKERS = {
    "EXTRACT__WORKERS": "4",
    "NORMALIZE__WORKERS": "2",
    "LOAD__WORKERS": "4",
    "DATA_WRITER__BUFFER_MAX_ITEMS": "20000",
    "DATA_WRITER__FILE_MAX_ITEMS": "25000",
}


def main(how: str) -> None:
    os.environ |= SETTINGS | (WORKERS if how != "plain" else {})
    import dlt

    wanted = task()
    with tempfile.TemporaryDirectory() as folder:
        destination = dlt.destinations.postgres(_credentials(wanted.database))
        pipeline = dlt.pipeline("bench", destination=destination, dataset_name="peer", pipelines_dir=folder)
        if how == "arrow":
            pipeline.run(_arrow(wanted), loader_file_format="csv")
        else:
            pipeline.run(_rest(wanted))
        with pipeline.sql_client() as client:
            rows = client.execute_sql("SELECT count(*) FROM migrations")[0][0]
    print(json.dumps({"rows": rows}))


def _credentials(url: str) -> dict[str, Any]:
    """In parts, because dlt insists on a password, which a server that trusts this machine ignores."""
    parts = urlsplit(url)
    return {
        "drivername": "postgresql",
        "host": parts.hostname,
        "port": parts.port or 5432,
        "database": parts.path[1:],
        "username": parts.username,
        "password": parts.password or "none",
    }


def _rest(wanted: Any) -> Any:
    from dlt.sources.rest_api import rest_api_source

    return rest_api_source(
        {
            "client": {
                "base_url": wanted.url,
                "auth": {"type": "bearer", "token": wanted.key},
                "paginator": {"type": "page_number", "base_page": 1, "total_path": None, "has_more_path": "has_more"},
            },
            "resources": [
                {
                    "name": "migrations",
                    "primary_key": "id",
                    "write_disposition": "merge",
                    "endpoint": {"path": "migrations", "params": {"page_size": PAGE_SIZE}, "data_selector": "data"},
                }
            ],
        }
    )


def _arrow(wanted: Any) -> Any:
    import dlt
    import pyarrow
    import requests

    session = requests.Session()
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=wanted.in_flight))
    session.headers["Authorization"] = f"Bearer {wanted.key}"

    def fetch(page: int) -> Any:
        at = {"page": str(page), "page_size": str(PAGE_SIZE)}
        return session.get(f"{wanted.url}/migrations", params=at, timeout=10).json()

    @dlt.resource(name="migrations", primary_key="id", write_disposition="merge")
    def migrations() -> Iterator[Any]:
        first, more = 1, True
        with ThreadPoolExecutor(wanted.in_flight) as pool:
            while more:
                answers = list(pool.map(fetch, range(first, first + 50)))
                more = answers[-1]["has_more"]
                rows = [row for answer in answers for row in answer["data"]]
                first += 50
                if rows:
                    yield pyarrow.Table.from_pylist(rows)

    return migrations


if __name__ == "__main__":
    main(sys.argv[1])
