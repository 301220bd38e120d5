"""Backups by the database's own means: SQLite's online copy, PostgreSQL's ``pg_dump`` and ``pg_restore``."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from django.contrib.sessions.models import Session
from django.db import connection

_SESSIONS = Session._meta.db_table
# What libpq reads from the environment: so no password stands among a process's arguments.
_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
}


class ToolFailed(Exception):
    """The database's tool said no; the message is what it said."""


def can_dump() -> bool:
    return connection.vendor == "sqlite" or shutil.which("pg_dump") is not None


def dump(path: Path) -> None:
    """Write the whole database to ``path``, as it is at one moment."""
    if connection.vendor == "sqlite":
        _copy_sqlite(path)
    else:
        _run("pg_dump", "--format=custom", "--no-owner", f"--exclude-table-data={_SESSIONS}", f"--file={path}")


def load(path: Path) -> None:
    """Replace the whole database by what ``path`` holds: entirely, or not at all."""
    if connection.vendor == "sqlite":
        _load_sqlite(path)
    else:
        connection.close()
        _run(
            "pg_restore",
            "--clean",
            "--if-exists",
            "--no-owner",
            "--single-transaction",
            f"--dbname={_name()}",
            str(path),
        )


def _copy_sqlite(path: Path) -> None:
    connection.ensure_connection()
    with closing(sqlite3.connect(path)) as copy:
        connection.connection.backup(copy)
        copy.execute(f"DELETE FROM {_SESSIONS}")  # noqa: S608  (a table of Django's)
        copy.commit()


def _load_sqlite(path: Path) -> None:
    connection.ensure_connection()
    if _is_cut_off(path):
        raise ToolFailed(f"{path} is damaged: its end is missing")
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as stored:
        try:
            verdict = stored.execute("PRAGMA quick_check").fetchone()[0]
        except sqlite3.DatabaseError as error:
            verdict = str(error)
        if verdict != "ok":
            raise ToolFailed(f"{path} is damaged: {verdict}")
        stored.backup(connection.connection)


def _is_cut_off(path: Path) -> bool:
    """Whether the file is shorter than its header says; a check of its pages passes over unused ones.

    Source: SQLite's file format, the database header: bytes 16 and 17 page size, 28 to 31 number of pages.
    """
    with path.open("rb") as file:
        header = file.read(32)
    page, pages = int.from_bytes(header[16:18], "big"), int.from_bytes(header[28:32], "big")
    return path.stat().st_size < (65536 if page == 1 else page) * pages


def _name() -> str:
    return str(connection.get_connection_params()["dbname"])


def _run(tool: str, *arguments: str) -> None:
    program = shutil.which(tool)
    if program is None:
        raise ToolFailed(f"{tool} is not installed (Debian: apt-get install postgresql-client).")
    parameters = connection.get_connection_params()
    environment = {variable: str(parameters[name]) for name, variable in _VARIABLES.items() if parameters.get(name)}
    done = subprocess.run(  # noqa: S603  (a fixed tool with fixed options)
        [program, *arguments], env=os.environ | environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ToolFailed(f"{tool} failed: {done.stderr.strip().splitlines()[-1] if done.stderr else done.returncode}")
