"""The secondary indexes of the mirror during a first load.

Kept up row by row, they take most of the database's time; built over the loaded rows, a fraction of it. So a
first sweep that waits for the database more than for the API drops them, and builds them when it has read the
list, however that ended.
"""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self

from django.db import DatabaseError, OperationalError, connection, models, transaction

from migrations_sync.exceptions import LeaseLost
from migrations_sync.models import CompanyCount, CompanyStatusCount, Migration, Source
from migrations_sync.sync.lease import HeldLease

log = logging.getLogger(__name__)
# The tables that a load writes most to.
_MODELS: tuple[type[models.Model], ...] = (Migration, CompanyCount, CompanyStatusCount)
# Fewer rows are not worth it.
WORTH_ROWS = 2_500
# How many times as long as to read a row it may take to write one; beyond, it is the database that holds a sweep up.
WRITING_TO_READING = 1.0


RENEW_EVERY = 10.0  # seconds
Statements = Iterator[tuple[str, str]]  # by the names of what they create


class Load:
    """A context around reading and writing a list."""

    def __init__(self, source: Source, lease: HeldLease) -> None:
        self._lease = lease
        self._first = source.baseline_at is None
        self._empty = self._first and not Migration.objects.exists()
        self._dropped = False
        self._began = time.monotonic()
        self._reading, self._writing, self._rows = 0.0, 0.0, 0

    def __enter__(self) -> Self:
        if self._first and not self._empty:
            build(self._lease)  # a first load that was killed may have left them out
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._dropped:
            return
        if error is None:
            build(self._lease)
            return
        with suppress(DatabaseError, LeaseLost):  # then the next sweep does it
            build(self._lease)

    @contextmanager
    def writing(self, rows: int) -> Iterator[None]:
        """Around writing so many."""
        began = time.monotonic()
        if not self._rows:  # later ones are read while these are written, so only now it shows how long that takes
            self._reading = (began - self._began) / max(rows, 1)
        yield
        self._writing += time.monotonic() - began
        self._rows += rows
        if self._empty and not self._dropped and self._rows >= WORTH_ROWS:
            self._dropped = self._writing > WRITING_TO_READING * self._reading * self._rows and drop()


def drop() -> bool:
    """Drop them, unless somebody keeps the table busy or the database's user may not; whether they are dropped.

    The key and the identity stay: every write looks rows up by them.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SET LOCAL lock_timeout = '2s'")
            for name in _wanted():
                cursor.execute(f"DROP INDEX IF EXISTS {connection.ops.quote_name(name)}")
    except DatabaseError as error:
        log.warning("indexes are kept up during the first load", extra={"error": " ".join(str(error).split())})
        return False
    return True


def build(lease: HeldLease) -> None:
    """Build those that are missing. Pages can be read meanwhile; whoever writes waits for those at hand at most.

    Raises:
        LeaseLost: another pass has taken over.
    """
    present = _present()
    missing = {name: statement for name, statement in _wanted().items() if name not in present}
    # A transaction keeps every other connection away from what it has dropped.
    if connection.vendor == "postgresql" and missing and not connection.in_atomic_block:
        _build_two_at_a_time(iter(missing.items()), lease)
    else:
        _execute(iter(missing.items()), lease.renew)
    if connection.vendor == "postgresql" and missing:
        _analyze()


def _build_two_at_a_time(statements: Statements, lease: HeldLease) -> None:
    """One connection keeps one processor of the server busy, save for a part of the largest tables' sorting. This
    thread's own keeps the lease, however long an index takes."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        helpers = [pool.submit(_help, statements) for _ in range(2)]
        try:
            while not _ended(helpers):
                lease.renew()
        finally:
            left = list(statements)  # if something failed, they take no more
    for helper in helpers:
        helper.result()
    _execute(iter(left), lease.renew)


def _ended(helpers: list["Future[None]"]) -> bool:
    """Whether all have, or one has in vain; looks for a while."""
    done, at_work = wait(helpers, timeout=RENEW_EVERY, return_when=FIRST_EXCEPTION)
    return not at_work or any(helper.exception() for helper in done)


def _help(statements: Statements) -> None:
    """Take some of them, in a thread and so over a connection of its own, if there is one to be had."""
    try:
        connection.ensure_connection()
    except OperationalError:
        return
    try:
        _execute(statements)
    finally:
        connection.close()


def _execute(statements: Statements, before: Callable[[], None] = lambda: None) -> None:
    for name, statement in statements:
        before()
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
        except DatabaseError:
            # That of a pass that was killed may have been built to its end all the same.
            if connection.in_atomic_block or name not in _present():
                raise


def _analyze() -> None:
    """Give the planner, which takes the tables for empty ones, a rough idea until autovacuum comes by."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL default_statistics_target = 10")
        for model in _MODELS:
            unique = [rule for rule in model._meta.constraints if isinstance(rule, models.UniqueConstraint)]
            names = {name for index in (*model._meta.indexes, *unique) for name in index.fields}
            columns = sorted(str(field.column) for field in model._meta.concrete_fields if field.name in names)
            cursor.execute(f"ANALYZE {model._meta.db_table} ({', '.join(columns)})")


def _wanted() -> dict[str, str]:
    """The statements that create them, by name."""
    editor = connection.schema_editor()
    return {index.name: str(index.create_sql(model, editor)) for model in _MODELS for index in model._meta.indexes}


def _present() -> set[str]:
    with connection.cursor() as cursor:
        found = [connection.introspection.get_constraints(cursor, model._meta.db_table) for model in _MODELS]
    return {name for constraints in found for name in constraints}
