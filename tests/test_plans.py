"""How PostgreSQL answers what the pages ask: from indexes, whatever a large mirror is asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from dashboard import kept
from migrations_sync.models import Source
from migrations_sync.sync.counts import recount
from migrations_sync.sync.quick import plan

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
ROWS = 20_000
# Tables that grow with the mirror or with its life.
LARGE = {
    "migrations_sync_migration",
    "migrations_sync_statuschange",
    "migrations_sync_companycount",
    "migrations_sync_companystatuscount",
}
# Nine in ten complete, one in a thousand at work; the first of a thousand companies has many; all made in a month.
FILL = f"""
    INSERT INTO migrations_sync_migration (source_id, api_id, created, created_raw, status, company_id,
        created_by_user_id, payload, fingerprint, first_seen_at, status_changed_at, status_not_before, changed_at,
        checked_at)
    SELECT %s, md5(n::text), now() - n * interval '2 minutes', '',
        CASE WHEN n %% 1000 = 0 THEN 'WORKING' WHEN n %% 10 = 0 THEN 'FAILED' ELSE 'COMPLETE' END,
        CASE WHEN n %% 3 = 0 THEN 'c-0' ELSE 'c-' || n %% 1000 END, 'u-' || n %% 500, '', n,
        now() - n * interval '1 minute', now() - n * interval '1 minute', now() - n * interval '1 minute',
        now() - n * interval '1 minute', now() FROM generate_series(1, {ROWS}) n;
    INSERT INTO migrations_sync_statuschange (migration_id, kind, old, new, not_before, observed_at, via)
    SELECT id, 'status', 'WORKING', status, status_not_before, status_changed_at, 'sweep'
        FROM migrations_sync_migration
"""  # noqa: S608


@pytest.fixture
def large() -> None:
    source = Source.default()
    with connection.cursor() as cursor:
        cursor.execute(FILL, [source.pk])
        recount(source)
        cursor.execute("ANALYZE")


@pytest.fixture
def reader(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("ann"), backend="dashboard.backends.Password")
    return client


PAGES = [
    "/",
    "/migrations/",
    "/migrations/?status=FAILED",
    "/migrations/?status=WORKING&longer=1min&sort=changed",
    "/migrations/?status=WORKING&status=FAILED",
    "/migrations/?company=c-0",
    "/migrations/?company=c-7",
    "/migrations/?company=c-0&status=FAILED",
    "/migrations/?user=u-7",
    "/migrations/?q=c81e728d",
    "/migrations/?q=u-7",
    "/migrations/?created_after=now-2d",
    "/migrations/?attention=1",
    "/migrations/?attention=1&company=c-0",
    "/migrations/?gone=1",
    "/migrations/?unknown=1",
    "/migrations/?sort=company",
    "/migrations/?sort=-user",
    "/migrations/c4ca4238a0b923820dcc509a6f75849b/",
    "/companies/",
    "/companies/c-0/",
    "/companies/c-7/",
    "/attention/",
    "/attention/?reason=failed",
    "/attention/?reason=slow",
    "/changes/",
    "/syncs/",
    "/api/migrations/",
    "/api/migrations/?status=FAILED&company=c-0",
    "/admin/migrations_sync/migration/",
    "/admin/migrations_sync/migration/?q=c81e728d9d4c2f636f067f89cc14862c",
    "/admin/migrations_sync/migration/?p=3",
    "/admin/migrations_sync/statuschange/",
    "/admin/migrations_sync/statuschange/?q=c81e728d9d4c2f636f067f89cc14862c",
]


def test_no_page_reads_a_large_table_from_end_to_end(large: None, reader: Client) -> None:
    read = {path: scanned for path in PAGES if (scanned := _scanned(reader, path))}

    assert read == {}


def test_a_quick_sync_looks_only_at_what_is_open_and_due(large: None) -> None:
    now = timezone.now()
    Source.objects.update(baseline_at=now)
    with _noted() as asked:
        made = plan(Source.default(), now=now, interval=60, since=now - timedelta(minutes=2))

    assert (made.open, len(made.by_id)) == (ROWS // 1000, made.open + made.rechecks)
    assert sum(_looked_at(_plan(sql, values, "ANALYZE, ")) for sql, values in asked) < 10 * len(made.by_id)


def _looked_at(node: dict[str, Any]) -> int:
    """Rows of large tables and entries of their indexes that were read to carry out a plan."""
    own = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) if "Scan" in node["Node Type"] else 0
    return int(own) + sum(_looked_at(part) for part in node.get("Plans", ()))


def _scanned(reader: Client, path: str) -> list[str]:
    """The statements behind a page, when nothing is cached, that PostgreSQL means to read a whole table for."""
    cache.clear()
    kept.forget()
    with _noted() as asked:
        answer = reader.get(path)
    assert answer.status_code == 200
    return [sql for sql, values in asked if LARGE & set(_whole_tables(_plan(sql, values)))]


@contextmanager
def _noted() -> Iterator[list[tuple[str, Any]]]:
    """The look-ups that are sent meanwhile, with their values."""
    asked: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, values: Any, many: bool, context: Any) -> Any:
        if _lookup(sql):
            asked.append((sql, values))
        return execute(sql, values, many, context)

    with connection.execute_wrapper(note):
        yield asked


def _lookup(sql: str) -> bool:
    return sql.lstrip("( \n").startswith(("SELECT", "WITH"))


def _plan(sql: str, values: Any, how: str = "") -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN ({how}FORMAT JSON) {sql}", values)
        plan: dict[str, Any] = cursor.fetchone()[0][0]["Plan"]
        return plan


def _whole_tables(plan: dict[str, Any], *, limited: bool = False) -> Iterator[str]:
    """``limited``: no more is read than asked for, as when counting stops at a cap."""
    if plan["Node Type"] == "Seq Scan" and not (limited and "Filter" not in plan):
        yield plan["Relation Name"]
    for part in plan.get("Plans", ()):
        yield from _whole_tables(part, limited=plan["Node Type"] == "Limit")
