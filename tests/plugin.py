"""Decides which servers the tests use, before Django reads its settings.

Loaded by ``-p tests.plugin`` because a ``conftest.py`` comes too late for that. Workers of pytest-xdist inherit
through the environment what the first process decided. The product is imported late: its settings must be
chosen by then.
"""

import atexit
import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

pytest.register_assert_rewrite("tests.fixtures_browser")  # so that one which fails says what it met

_LOCAL_POSTGRES = "postgres://postgres@127.0.0.1:5432/postgres"
_ENV_EXAMPLE = Path(__file__).resolve().parent.parent / ".env.example"
_servers = contextlib.ExitStack()
_notes: list[str] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=("sqlite", "postgresql"),
        default="sqlite",
        help="the database that the tests run on; a PostgreSQL server is started where none runs",
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Set the environment; pytest-django reads the settings inside this wrapper."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        atexit.register(_servers.close)
        _prepare(early_config.known_args_namespace.database)
    return (yield)


def pytest_report_header() -> list[str]:
    return _notes


def _prepare(database: str) -> None:
    folder = Path(tempfile.mkdtemp(prefix="migrations-dashboard-tests-"))
    _servers.callback(shutil.rmtree, folder, ignore_errors=True)
    given = os.environ.get("TEST_DATABASE_URL") or os.environ.get("DATABASE_URL", "")
    _forget_the_shell()
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATA_DIR": str(folder),
        "TEST_DATABASE_NAME": str(folder / "tests.sqlite3"),
    }
    if database == "postgresql":
        os.environ |= {"DATABASE_URL": _postgresql(given), "TEST_DATABASE_NAME": f"tests_{_checkout()}"}
        os.environ["PGOPTIONS"] = "-c synchronous_commit=off"  # nobody wants these rows after a power cut
    else:
        _notes.append("database: SQLite")
    from tests import redis_server

    _notes.append(f"redis: {redis_server.version() or 'none runs; Valkey is started where a test needs it'}")


def _forget_the_shell() -> None:
    """What a developer's shell configures is not what the tests are about."""
    for line in _ENV_EXAMPLE.read_text().splitlines():
        os.environ.pop(line.lstrip("# ").partition("=")[0], None)


def _postgresql(given: str) -> str:
    """The address of a server that answers, started here if need be."""
    if given.startswith(("postgres://", "postgresql://")):
        _notes.append(f"database: PostgreSQL {_version(given)}, from the environment")
        return given
    with contextlib.suppress(psycopg.OperationalError):
        _notes.append(f"database: PostgreSQL {_version(_LOCAL_POSTGRES)}, on 127.0.0.1:5432")
        return _LOCAL_POSTGRES
    from tests import embedded_postgres

    started = _servers.enter_context(embedded_postgres.running())
    _notes.append(f"database: PostgreSQL {_version(started)}, started for these tests")
    return started


def _version(url: str) -> str:
    with psycopg.connect(url, connect_timeout=5) as connection:
        return str(connection.info.server_version // 10000)


def _checkout() -> str:
    """Tells checkouts apart, so that two that are tested at once share no database."""
    return hashlib.sha256(str(Path(__file__).resolve()).encode()).hexdigest()[:12]
