"""What the product's own SQLite does otherwise than Django's."""

from datetime import UTC, datetime

import pytest
from django.db import connection

from migrations_sync.models import Migration
from tests import factories
from tests.kinds import told

pytestmark = pytest.mark.once


def test_a_web_server_s_threads_keep_little_of_the_file_in_memory(tmp_path):
    said = told("PRAGMA cache_size", DATABASE_URL=f"sqlite:///{tmp_path}/a.sqlite3", REDIS_URL="")

    assert said == ["worker", "-65536", "web", "-8192"]


@pytest.mark.django_db
def test_times_are_read_in_utc_with_and_without_a_fraction():
    moments = [datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC)]
    for moment in moments:
        factories.migration(created=moment)

    assert list(Migration.objects.order_by("created").values_list("created", flat=True)) == moments
    with connection.cursor() as cursor:
        cursor.execute("SELECT created FROM migrations_sync_migration ORDER BY created")
        assert [created for (created,) in cursor.fetchall()] == moments


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["%", "?", "100%s", "a'b"])
def test_only_placeholders_are_filled(text):
    with connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute("SELECT '%%', '?', %s", [text])
            assert cursor.fetchone() == ("%", "?", text)
            cursor.execute("SELECT '%%', %(text)s", {"text": text})
            assert cursor.fetchone() == ("%", text)
