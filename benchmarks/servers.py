"""What a benchmark needs running: a PostgreSQL server with databases to throw away, and simulated APIs."""

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from benchmarks.process import ROOT, base, python

KEY = "benchmark"
_LOCAL = "postgres://postgres@127.0.0.1:5432/postgres"


@contextmanager
def postgresql() -> Iterator["Postgres"]:
    """The server of ``BENCH_DATABASE_URL``, the one on this machine, or one started for now."""
    url = os.environ.get("BENCH_DATABASE_URL", _LOCAL)
    with suppress(psycopg.OperationalError), psycopg.connect(url, connect_timeout=3):
        yield Postgres(url)
        return
    from tests import embedded_postgres

    with embedded_postgres.running() as started:
        yield Postgres(started)


@contextmanager
def redis() -> Iterator[str]:
    """A Redis for now, as an address: everything in it is of this benchmark."""
    from tests import redis_server

    with TemporaryDirectory() as folder, redis_server.started(Path(folder)) as url:
        yield url


class Postgres:
    """A server. The databases made here have names of this process, and are dropped after use."""

    def __init__(self, url: str) -> None:
        self.url = url

    def version(self) -> str:
        return self.ask("SHOW server_version")[0][0]

    def ask(self, sql: str, url: str = "") -> list[Any]:
        with psycopg.connect(url or self.url, autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def database(self, name: str, template: str = "template1") -> Iterator[str]:
        """A new database; its address."""
        name = f"bench_{os.getpid()}_{name}"
        self.ask(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        try:
            yield urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))
        finally:
            self.ask(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def simulator(count: int, *, latency: float = 0.0, port: int = 0, **options: str) -> Iterator["Api"]:
    """The simulated API in a process of its own, with a population that stands still. ``latency``: ms."""
    argv = python("manage.py", "simulate_api", "--port", str(port), "--count", str(count), "--control", "--still")
    argv += ["--latency", str(latency)]
    argv += [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
    environment = base() | {"SECRET_KEY": "x" * 50, "SIMULATOR_KEY": KEY}
    process = subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        yield Api(said.rsplit(" ", 1)[-1].strip(), count)
    finally:
        process.terminate()
        process.wait()


class Api:
    """A running simulator, and what a benchmark may do to it."""

    def __init__(self, url: str, count: int) -> None:
        self.url = url
        self.count = count

    def act(self, name: str, **arguments: object) -> Any:
        query = "&".join(f"{key}={value}" for key, value in arguments.items())
        address = f"{self.url.removesuffix('/api/v1')}/_control/{name}?{query}"
        with urllib.request.urlopen(urllib.request.Request(address, method="POST")) as answer:
            return json.load(answer)

    def checksum(self) -> tuple[int, str]:
        """How many migrations it serves, and the checksum of all of them."""
        said = self.act("checksum")
        return said["rows"], said["checksum"]
