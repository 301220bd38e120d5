"""Schema migrations leave a large, live table usable, and have PostgreSQL keep it well."""

import os
import re
import threading
from collections.abc import Iterable, Iterator

import psycopg
import pytest
from django.db import OperationalError, connection, connections, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from dashboard.models import AlertDelivery, AuditEntry, TriageAct
from migrations_sync.models import (
    CompanyCount,
    CompanyStatusCount,
    Migration,
    PayloadVersion,
    StatusChange,
    WebhookDelivery,
)
from migrations_sync.schema import AddIndexConcurrently
from tests import factories
from tests.visitor import eventually

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
LARGE = (
    Migration, StatusChange, PayloadVersion, WebhookDelivery, CompanyCount, CompanyStatusCount, AuditEntry,
    AlertDelivery, TriageAct,
)  # fmt: skip
CHANGE = "UPDATE migrations_sync_migration SET status = 'FAILED' WHERE api_id = %s"
INDEX = models.Index(fields=["first_seen_at"], name="of_the_test")


def locking(statements: list[str], tables: Iterable[str]) -> list[str]:
    """Those that keep writers out of a table for as long as it takes to read all of it, or to write it anew."""
    table = f'"({"|".join(tables)})"'
    slow = (
        rf"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY).* ON {table}",
        rf"ALTER TABLE {table} (?!.*NOT VALID).*ADD CONSTRAINT",
        rf"ALTER TABLE {table} .*(TYPE|SET NOT NULL|UNIQUE)",
    )
    return [sql for sql in statements if any(re.search(pattern, sql) for pattern in slow)]


def statements(migration: migrations.Migration, before: ProjectState) -> list[str]:
    """What it asks of the database, without doing it."""
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        migration.apply(before, editor, collect_sql=True)
    return list(editor.collected_sql)


def with_operation(operation: Operation) -> migrations.Migration:
    migration = migrations.Migration("of_the_test", "migrations_sync")
    migration.operations, migration.atomic = [operation], False
    return migration


def test_no_schema_migration_keeps_writers_out_of_a_large_table_that_was_there_before():
    loader = MigrationLoader(connection)
    tables = {model._meta.model_name: model._meta.db_table for model in LARGE}
    there: set[str] = set()
    found = {}
    for app, name in loader.graph._generate_plan(loader.graph.leaf_nodes(), at_end=True):
        if app in ("migrations_sync", "dashboard"):
            migration = loader.graph.nodes[app, name]
            sql = statements(migration, loader.project_state((app, name), at_end=False))
            found[name] = locking(sql, [tables[model] for model in there]) if there else []
            born = (op.name.lower() for op in migration.operations if isinstance(op, migrations.CreateModel))
            there |= tables.keys() & born

    assert there == tables.keys()
    assert {name: sql for name, sql in found.items() if sql} == {}


@pytest.mark.parametrize(
    ("operation", "locks"),
    [
        (migrations.AddIndex("migration", INDEX), True),
        (AddIndexConcurrently("migration", INDEX), False),
        (migrations.AddField("statuschange", "more", models.IntegerField(null=True)), False),
        (migrations.AddField("statuschange", "more", models.IntegerField(null=True, db_index=True)), True),
        (
            migrations.AddConstraint(
                "payloadversion", models.CheckConstraint(condition=models.Q(id__gt=0), name="of_the_test")
            ),
            True,
        ),
        (migrations.AlterField("migration", "fingerprint", models.IntegerField()), True),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_keeps_writers_out_is_noticed(operation, locks):
    sql = statements(with_operation(operation), MigrationLoader(connection).project_state())

    assert bool(locking(sql, [model._meta.db_table for model in LARGE])) is locks


@pytest.fixture
def other() -> Iterator[psycopg.Connection]:
    """Somebody else at work in the same database."""
    database = f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{connection.settings_dict['NAME']}"
    with psycopg.connect(database) as session:
        yield session


def build() -> None:
    """Add the index as a schema migration does."""
    with connection.schema_editor(atomic=False) as editor:
        with_operation(AddIndexConcurrently("migration", INDEX)).apply(
            MigrationLoader(connection).project_state(), editor
        )


def is_valid() -> bool | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indisvalid FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE relname = %s", [INDEX.name]
        )
        found = cursor.fetchone()
    return found and found[0]


@pytest.fixture
def no_index() -> Iterator[None]:
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX IF EXISTS {INDEX.name}")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_index")
def test_an_index_is_built_while_others_write(other):
    factories.migration("a")
    factories.migration("b")
    other.execute(CHANGE, ["a"])  # and does not end yet

    def in_a_thread() -> None:
        build()
        connections["default"].close()

    building = threading.Thread(target=in_a_thread)
    building.start()
    eventually(lambda: is_valid() is False)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '5s'")
        cursor.execute(CHANGE, ["b"])
        cursor.execute("RESET lock_timeout")
    assert building.is_alive()
    other.commit()
    building.join()

    assert is_valid()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_index")
def test_what_an_interrupted_build_left_behind_is_built_anew(other):
    factories.migration("a")
    other.execute(CHANGE, ["a"])
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
        with pytest.raises(OperationalError, match="lock timeout"):
            build()
        cursor.execute("RESET lock_timeout")
    assert is_valid() is False
    other.commit()

    build()

    assert is_valid()


def test_tables_that_grow_are_cleaned_before_a_fifth_of_them_has_died():
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, unnest(reloptions) FROM pg_class WHERE relkind = 'r'")
        options = set(cursor.fetchall())

    for model in (Migration, StatusChange, PayloadVersion, WebhookDelivery):
        assert (model._meta.db_table, "autovacuum_vacuum_scale_factor=0.02") in options
    for table in ("daycount", "companycount", "companystatuscount"):
        assert (f"migrations_sync_{table}", "fillfactor=70") in options
