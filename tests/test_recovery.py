"""After the worst has happened to a pass, the next one ends complete, and nothing is lost or doubled."""

import os
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
import time_machine
from django.db import DatabaseError, OperationalError, connection, connections
from django.utils import timezone

from migrations_sync.models import Lease, Migration, Source, StatusChange, SyncRun
from migrations_sync.sync import load, one
from migrations_sync.sync.counts import recount
from migrations_sync.sync.lease import HeldLease
from migrations_sync.sync.passes import Intervals, Report, run_pass
from tests.list_api import ListApi, rows

# Connections are cut and threads write at once, so nothing here can live in a test's own transaction.
pytestmark = pytest.mark.django_db(transaction=True)
INTERVALS = Intervals(quick=60, full=3600)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what happens in the middle of a pass happens after some of it was written."""
    monkeypatch.setattr("migrations_sync.sync.sweep.ROWS_A_BATCH", 2000)


def full(api: ListApi) -> Report:
    return run_pass(api, mode="full", intervals=INTERVALS, trigger="command")


def at_page(number: int, act: Callable[[], object]) -> Callable[[int], None]:
    return lambda asked: act() if asked == number else None


def assert_next_is_complete(api: ListApi) -> None:
    api.before_page = lambda number: None
    assert full(api).outcome == "complete"
    held = dict(Migration.objects.values_list("api_id", "status"))
    assert held == {r["id"]: r["status"] for r in api.rows}
    assert set(recount(Source.default()).values()) == {0}
    assert Lease.objects.get().owner == ""
    assert not SyncRun.objects.filter(outcome="running").exists()


class Killed(BaseException):
    """Ends a pass as a kill does: no handler of an error runs, and nobody lets go of the lease."""


def kill(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HeldLease, "release", lambda lease: None)
    raise Killed


@pytest.mark.parametrize("page", [1, 5, 9, 10])
def test_a_worker_killed_at_any_point_of_a_sweep(page: int, monkeypatch: pytest.MonkeyPatch):
    api = ListApi(rows(4200), page_size=500)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        full(api)
        api.rows = rows(10, "NOT_STARTED", first=-10) + api.rows
        for changed in api.rows[10::7]:
            changed["status"] = "FAILED"
        clock.shift(60)
        with monkeypatch.context() as patch:
            api.before_page = at_page(page, lambda: kill(patch))
            with pytest.raises(Killed):
                full(api)

        assert full(api).outcome == "skipped"
        clock.shift(61)
        assert_next_is_complete(api)

    changed = StatusChange.objects.filter(kind="status")
    assert (changed.count(), changed.values("migration").distinct().count()) == (600, 600)
    assert SyncRun.objects.filter(outcome="interrupted").count() == 1


def test_a_database_that_cuts_the_connection_in_the_middle():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no server that could go away; the pass on PostgreSQL runs this")
    api = ListApi(rows(6000), page_size=500)
    api.before_page = at_page(9, _cut_connection)

    report = full(api)

    assert report.outcome == "failed"
    assert "\n" not in report.error
    Lease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert_next_is_complete(api)


def _cut_connection() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()

    def cut() -> None:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [backend])
        connections["default"].close()

    thread = threading.Thread(target=cut)
    thread.start()
    thread.join()


def test_a_full_disk():
    if connection.vendor != "sqlite":
        pytest.skip("a bound on the size of a database file is SQLite's; the pass on SQLite runs this")
    api = ListApi(rows(20_000), page_size=500)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA page_count")
        (pages,) = cursor.fetchone()
        cursor.execute(f"PRAGMA max_page_count = {pages + 500}")
    try:
        report = full(api)
    finally:
        connection.close()  # the bound is the connection's own

    assert report.outcome == "failed"
    assert "full" in report.error
    assert 0 < Migration.objects.count() < 20_000
    Lease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert_next_is_complete(api)


def test_two_workers_at_once_do_the_work_once():
    api = ListApi(rows(3000), page_size=100)
    Source.default()
    Lease.objects.get_or_create(source=Source.default())
    both_at_once = threading.Barrier(2, timeout=20)
    reports: list[Report] = []

    def work() -> None:
        both_at_once.wait()
        try:
            reports.append(full(ListApi(api.rows, page_size=100)))
        finally:
            connections["default"].close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    outcomes = sorted(report.outcome for report in reports)
    assert outcomes in (["complete", "skipped"], ["complete", "complete"])  # the second may have come after the first
    assert sum(report.run.created for report in reports if report.outcome == "complete") == 3000
    assert_next_is_complete(api)


def test_a_look_up_by_id_and_a_sweep_at_once_count_a_new_migration_once():
    api = ListApi(rows(3000), page_size=500)
    full(ListApi(api.rows[200:]))

    def look_up() -> None:
        def ask() -> None:
            try:
                one.look_up(api, "m-000150", via=StatusChange.Via.LINK)
            finally:
                connections["default"].close()

        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()

    api.before_page = at_page(2, look_up)
    assert full(api).outcome == "complete"

    assert StatusChange.objects.filter(migration__api_id="m-000150").count() == 1
    assert_next_is_complete(api)


def test_a_clock_set_back_by_an_hour_hides_no_change():
    api = ListApi(rows(300))
    with time_machine.travel(timezone.now(), tick=False) as clock:
        full(api)
        api.set("m-000007", status="FAILED")
        clock.shift(-3600)
        assert_next_is_complete(api)
        api.set("m-000008", status="FAILED")
        clock.shift(60)
        assert run_pass(api, mode="auto", intervals=INTERVALS, trigger="beat").outcome == "complete"
        assert_next_is_complete(api)

    for change in StatusChange.objects.all():
        assert change.not_before <= change.observed_at


def test_a_second_beat_costs_next_to_nothing(django_assert_max_num_queries: Any):
    full(ListApi(rows(30)))
    HeldLease.acquire(Source.default())

    with django_assert_max_num_queries(8):
        assert full(ListApi(rows(30))).outcome == "skipped"


@pytest.mark.postgresql
def test_the_driver_remembers_no_statement_of_a_pass():
    connection.close()

    full(ListApi(rows(30)))

    assert connection.connection.prepare_threshold is None


def indexes() -> set[str]:
    with connection.cursor() as cursor:
        return set(connection.introspection.get_constraints(cursor, Migration._meta.db_table))


@pytest.fixture
def slow_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that few rows are a load in which it is the database that takes the time."""
    monkeypatch.setattr("migrations_sync.sync.load.WORTH_ROWS", 2000)
    monkeypatch.setattr("migrations_sync.sync.load.WRITING_TO_READING", 0.0)


@pytest.mark.parametrize(("reading", "writing", "dropped"), [(3.0, 2.0, 0), (2.0, 3.0, 1)])
def test_a_first_load_drops_its_indexes_if_to_write_takes_longer_than_to_read(
    reading: float, writing: float, dropped: int, monkeypatch: pytest.MonkeyPatch
):
    now, drops = [0.0], []
    monkeypatch.setattr(load, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(load, "drop", lambda: drops.append(now[0]) or True)
    loading = load.Load(Source.default(), lease=None)

    now[0] += reading
    for _ in range(5):  # what comes next has been read meanwhile
        with loading.writing(load.WORTH_ROWS):
            now[0] += writing

    assert len(drops) == dropped


@pytest.mark.usefixtures("slow_database")
def test_a_first_load_builds_its_indexes_when_it_has_ended_and_later_sweeps_keep_them():
    before = indexes()
    api = ListApi(rows(5000), page_size=500)
    during: list[set[str]] = []
    api.before_page = at_page(8, lambda: during.append(indexes()))

    full(api)
    full(api)

    assert (before - during[0], indexes(), during[1]) == ({i.name for i in Migration._meta.indexes}, before, before)
    assert_next_is_complete(api)


@pytest.mark.usefixtures("slow_database")
def test_a_first_load_that_fails_has_its_indexes_too():
    before = indexes()
    api = ListApi(rows(5000), page_size=500)
    api.before_page = at_page(8, lambda: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        full(api)

    assert indexes() == before


@pytest.mark.postgresql
@pytest.mark.usefixtures("slow_database")
def test_a_first_load_builds_its_indexes_over_one_connection_if_there_is_no_second(monkeypatch: pytest.MonkeyPatch):
    before, here, wrapper_class = indexes(), threading.current_thread(), type(connections["default"])
    connect = wrapper_class.connect

    def refuse(wrapper: Any) -> None:
        if threading.current_thread() is not here:
            raise OperationalError("too many connections")
        connect(wrapper)

    monkeypatch.setattr(wrapper_class, "connect", refuse)

    assert full(ListApi(rows(5000), page_size=500)).outcome == "complete"
    assert indexes() == before


@pytest.mark.postgresql
@pytest.mark.usefixtures("slow_database")
def test_an_index_that_cannot_be_built_fails_the_pass_and_the_next_one_builds_it(monkeypatch: pytest.MonkeyPatch):
    before, here, execute = indexes(), threading.current_thread(), load._execute
    api = ListApi(rows(5000), page_size=500)

    def fail(statements: Any, *before: Any) -> None:
        if threading.current_thread() is not here:
            next(statements, None)
            raise DatabaseError("the disk is full")
        execute(statements, *before)

    with monkeypatch.context() as patch:
        patch.setattr(load, "_execute", fail)
        report = full(api)

    assert (report.outcome, report.error) == ("failed", "DatabaseError: the disk is full")
    assert_next_is_complete(api)
    assert indexes() == before


@pytest.mark.postgresql
@pytest.mark.usefixtures("slow_database")
def test_a_lease_is_kept_while_indexes_take_long(monkeypatch: pytest.MonkeyPatch):
    before, execute, renewed = indexes(), load._execute, []
    monkeypatch.setattr(load, "RENEW_EVERY", 0.05)

    def slowly(statements: Any, *before: Any) -> None:
        time.sleep(0.3)
        renewed.append(Lease.objects.get().renewed_at)
        execute(statements, *before)

    monkeypatch.setattr(load, "_execute", slowly)

    assert full(ListApi(rows(5000), page_size=500)).outcome == "complete"
    assert renewed[0] > timezone.now() - timedelta(seconds=5)
    assert indexes() == before


@pytest.mark.postgresql
def test_an_index_that_a_killed_pass_builds_to_its_end_is_taken_as_it_is():
    before, source = indexes(), Source.default()
    lease = HeldLease.acquire(source)
    assert lease
    assert load.drop()
    address = f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{connection.settings_dict['NAME']}"
    with psycopg.connect(address) as killed:
        killed.execute(next(iter(load._wanted().values())))
        committing = threading.Timer(0.5, killed.commit)
        committing.start()

        load.build(lease)

        committing.join()
    assert indexes() == before
    lease.release()


@pytest.mark.usefixtures("slow_database")
def test_the_indexes_of_a_first_load_that_was_killed_are_built_by_the_next_sweep(monkeypatch: pytest.MonkeyPatch):
    before = indexes()
    api = ListApi(rows(5000), page_size=500)
    with monkeypatch.context() as patch:
        patch.setattr("migrations_sync.sync.load.build", lambda lease: None)
        api.before_page = at_page(8, lambda: kill(patch))
        with pytest.raises(Killed):
            full(api)
    assert indexes() < before
    Lease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert_next_is_complete(api)

    assert indexes() == before
