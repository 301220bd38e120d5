"""A statement that takes too long ends with a page that says so, and holds nobody up."""

import os
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from dashboard import exports, timeouts
from migrations_sync.models import Migration, Source
from tests import factories
from tests.kinds import told
from tests.visitor import eventually

WAITED = """
    SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE 'COPY%' AND now() - query_start > interval '1.5 s'
"""
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


def address() -> str:
    """The database of this test, for other connections."""
    return f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{connection.settings_dict['NAME']}"


@pytest.fixture
def person(client: Client) -> Client:
    Source.default()
    factories.migration("a")
    client.force_login(User.objects.create_superuser("ann"))
    return client


@pytest.fixture
def limit(settings: Any) -> Iterator[None]:
    """This process is a web server's, and its time is short."""
    settings.DATABASE_STATEMENT_TIMEOUT = 1
    connection.close()
    timeouts.limit_this_process()
    yield
    timeouts.connection_created.disconnect(dispatch_uid="statement-timeout")
    connection.close()


@pytest.fixture
def locked(person: Client) -> Iterator[None]:
    """Somebody holds the table, as a schema change does."""
    with psycopg.connect(address()) as other:
        other.execute(f"LOCK TABLE {Migration._meta.db_table}")
        yield


@pytest.mark.usefixtures("limit", "locked")
def test_the_page_says_what_happened_what_to_do_and_the_request_s_id(person: Client) -> None:
    answer = person.get("/migrations/?company=acme", headers={"X-Request-ID": "request-of-the-test"})
    text = answer.content.decode()

    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert "The database took too long" in text
    assert "request-of-the-test" in text
    assert 'href="/migrations/?company=acme"' in text


@pytest.mark.usefixtures("limit", "locked")
def test_scripts_are_told_in_json(person: Client) -> None:
    answer = person.get("/api/migrations/")

    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
    assert "longer than 1 s" in answer.json()["detail"]


@pytest.mark.usefixtures("limit")
def test_an_export_may_take_longer(person: Client) -> None:
    with psycopg.connect(address()) as other, psycopg.connect(address(), autocommit=True) as watch:
        other.execute(f"LOCK TABLE {Migration._meta.db_table}")

        def let_go_late() -> None:
            eventually(lambda: watch.execute(WAITED).fetchone())
            other.rollback()

        thread = threading.Thread(target=let_go_late)
        thread.start()
        lines = exports.export(Migration.objects.all(), "csv", source=Source.default(), as_of=None)
        text = b"".join(lines.streaming_content).decode()
        thread.join()
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("1s",)

    assert "a," in text


def test_only_web_processes_are_bound() -> None:
    said = told("SHOW statement_timeout", DATABASE_URL=address(), DATABASE_STATEMENT_TIMEOUT="7")

    assert said == ["worker", "0", "web", "7s"]


def test_a_column_that_has_changed_under_a_kept_plan_costs_nobody_a_page(person: Client) -> None:
    for _ in range(5):
        assert person.get("/preferences/").status_code == 200

    with psycopg.connect(address(), autocommit=True) as upgrade:
        upgrade.execute("ALTER TABLE auth_user ALTER COLUMN username TYPE varchar(151)")
    try:
        assert person.get("/preferences/").status_code == 200
    finally:
        with psycopg.connect(address(), autocommit=True) as upgrade:
            upgrade.execute("ALTER TABLE auth_user ALTER COLUMN username TYPE varchar(150)")
