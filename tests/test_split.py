"""A sweep that several workers read: what the mirror holds and the run tells, whatever becomes of a worker."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from dashboard.supervisor import Supervisor
from migrations_sync.client import Client
from migrations_sync.conf import split_from_settings
from migrations_sync.exceptions import ServerError
from migrations_sync.models import Lease, Migration, Source, StatusChange, SweepPart, SyncRun
from migrations_sync.simulator import Simulator
from migrations_sync.sync import passes
from migrations_sync.sync.counts import recount
from migrations_sync.sync.passes import Intervals, Report, run_pass
from migrations_sync.sync.split import Split, help_with
from tests.list_api import ListApi, row, rows
from tests.visitor import eventually

# Other connections must see what is written, and only PostgreSQL lets several write.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]
ROOT = Path(__file__).resolve().parent.parent
INTERVALS = Intervals(quick=60, full=3600)
KEY = "anon_key_of_the_test"
HELPER = """
import django
django.setup()
from migrations_sync.conf import client_from_settings
from migrations_sync.models import SyncRun
from migrations_sync.sync.split import help_with
with client_from_settings() as client:
    help_with(SyncRun.objects.get(), client, seconds=60)
"""


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("migrations_sync.sync.split.ROWS_A_PART", 50)
    monkeypatch.setattr("migrations_sync.sync.sweep._OTHERS_LOOKED_AT", 0.01)


class Helpers:
    """Threads that help; whoever calls goes on once each has claimed a part."""

    def __init__(self, api: ListApi, *, before_page: Callable[[int], None] = lambda number: None) -> None:
        self.api, self.before_page = api, before_page
        self.said: list[bool] = []
        self.threads: list[threading.Thread] = []

    def call(self, run: SyncRun) -> None:
        claimed = threading.Event()
        thread = threading.Thread(target=self._help, args=(run.pk, claimed))
        self.threads.append(thread)
        thread.start()
        assert claimed.wait(20)

    def _help(self, run: int, claimed: threading.Event) -> None:
        mine = ListApi(page_size=self.api.page_size)
        mine.rows = self.api.rows

        def before(number: int) -> None:
            claimed.set()
            self.before_page(number)

        mine.before_page = before
        try:
            self.said.append(help_with(SyncRun.objects.select_related("source").get(pk=run), mine, seconds=60))
        finally:
            claimed.set()
            connections["default"].close()

    def join(self) -> None:
        for thread in self.threads:
            thread.join(20)
            assert not thread.is_alive()


def full(api: Any, call: Callable[[SyncRun], None], *, workers: int = 2) -> Report:
    split = Split(least=0, workers=workers, call=call)
    return run_pass(api, mode="full", intervals=INTERVALS, trigger="command", split=split)


def nobody(run: SyncRun) -> None:
    """No other worker has time."""


def assert_equal(api_rows: list[dict[str, Any]]) -> None:
    """The mirror holds just these, and its counters are right."""
    held = dict(Migration.objects.filter(gone_at=None).values_list("api_id", "status"))
    assert held == {r["id"]: r["status"] for r in api_rows}
    assert set(recount(Source.default()).values()) == {0}
    assert not SweepPart.objects.exists()
    assert Lease.objects.get().owner == ""


@pytest.mark.parametrize("workers", [1, 3])
def test_the_list_is_read_once_whoever_reads_it_and_one_run_tells_of_it(workers: int):
    api = ListApi(rows(1234), page_size=10)
    helpers = Helpers(api)

    first = full(api, helpers.call, workers=workers)
    for changed in api.rows[::50]:
        changed["status"] = "FAILED"
    second = full(api, helpers.call, workers=workers)
    helpers.join()

    assert (first.outcome, first.run.seen, first.run.created, first.run.pages) == ("complete", 1234, 1234, 124)
    assert (second.outcome, second.run.changed, second.run.unchanged) == ("complete", 25, 1209)
    assert first.run.requests >= 125
    others = int(first.run.plan["reasons"][-1].split()[0])
    assert (others > 0) == (workers > 1)
    assert (Source.default().list_order, Source.default().page_rows) == ("newest_first", 10)
    assert_equal(api.rows)


def test_one_that_was_only_missed_is_not_gone_and_one_that_is_refused_by_id_is():
    api = ListApi(rows(200), page_size=10)
    full(api, nobody)
    api.delete("m-000003")
    api.hidden.add("m-000150")

    report = full(api, nobody)

    assert (report.run.missing, report.run.recovered, report.run.disappeared) == (2, 1, 1)
    assert_equal(api.rows)


def test_rows_that_move_while_several_read_are_neither_lost_nor_doubled():
    api = ListApi(rows(600), page_size=10)
    full(api, nobody)
    lock, moved = threading.Lock(), iter(range(10))

    def move(number: int) -> None:
        if number % 5 == 0:
            with lock:
                if (n := next(moved, None)) is not None:
                    api.rows.insert(0, row(f"new-{n}"))
                    del api.rows[100]

    api.before_page = move
    helpers = Helpers(api, before_page=move)
    report = full(api, helpers.call)
    helpers.join()
    api.before_page = lambda number: None

    assert report.outcome == "complete"
    assert full(api, nobody).outcome == "complete"
    assert_equal(api.rows)
    changes = StatusChange.objects.filter(kind="first_seen")
    assert changes.count() == changes.values("migration").distinct().count() == 10


def test_what_a_helper_can_not_read_is_read_by_whoever_began():
    api = ListApi(rows(300), page_size=10)

    def fail(number: int) -> None:
        raise ServerError(f"GET /migrations?page={number}: 503 after 6 tries")

    helpers = Helpers(api, before_page=fail)
    report = full(api, helpers.call)
    helpers.join()

    assert (helpers.said, report.outcome, report.run.created) == ([False], "complete", 300)
    assert_equal(api.rows)


def test_a_list_that_can_not_be_read_fails_the_run_and_nobody_is_lost():
    api = ListApi(rows(600), page_size=10)
    full(api, nobody)
    helpers = Helpers(api)

    def fail(number: int) -> None:
        raise ServerError(f"GET /migrations?page={number}: 503 after 6 tries")

    api.before_page = fail
    report = full(api, helpers.call)
    helpers.join()

    assert (report.outcome, "503 after 6 tries" in report.error) == ("failed", True)
    assert not Migration.objects.gone().exists()
    api.before_page = lambda number: None
    assert full(api, nobody).outcome == "complete"
    assert_equal(api.rows)


def test_whoever_is_told_to_stop_takes_the_helpers_along():
    api = ListApi(rows(2000), page_size=10)
    stopped = threading.Event()

    def stop(number: int) -> None:
        if number > 10 and not stopped.is_set():
            passes.stop(Source.default(), who="ann")
            stopped.set()

    api.before_page = stop
    helpers = Helpers(api, before_page=lambda number: stopped.wait(20) if number > 20 else None)
    report = full(api, helpers.call)
    helpers.join()

    assert (report.run.outcome, helpers.said) == ("interrupted", [False])
    assert Migration.objects.count() < 2000
    api.before_page = lambda number: None
    assert full(api, nobody).outcome == "complete"
    assert_equal(api.rows)


def test_whoever_began_dies_and_the_next_sweep_is_complete(monkeypatch: pytest.MonkeyPatch):
    api = ListApi(rows(600), page_size=10)

    def die(number: int) -> None:
        if number == 30:
            raise KeyboardInterrupt  # as a kill does: nothing is tidied up

    api.before_page = die
    with monkeypatch.context() as patch:
        patch.setattr("migrations_sync.sync.parts.Parts.close", lambda parts: None)
        patch.setattr("migrations_sync.sync.lease.HeldLease.release", lambda lease: None)
        with pytest.raises(KeyboardInterrupt):
            full(api, nobody)
    dead = SyncRun.objects.get()
    assert SweepPart.objects.filter(run=dead, done=False).exists()

    Lease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    api.before_page = lambda number: None
    report = full(api, nobody)

    assert (report.outcome, report.run.seen) == ("complete", 600)
    assert not help_with(dead, api, seconds=60)
    assert_equal(api.rows)


@pytest.fixture
def environment(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets what processes of the product need to sync with an API into this test's database."""

    def set_up(api_url: str) -> None:
        database = f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{connection.settings_dict['NAME']}"
        for name, value in {
            "DJANGO_SETTINGS_MODULE": "dashboard.settings",
            "PYTHONPATH": str(ROOT),
            "SECRET_KEY": "of-the-test-" + "0" * 50,
            "INSECURE_HTTP": "1",
            "DATA_DIR": str(tmp_path),
            "DATABASE_URL": database,
            "REDIS_URL": redis_url,
            "MIGRATIONS_API_URL": api_url,
            "MIGRATIONS_API_KEY": KEY,
            "SYNC_SPLIT": "on",
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(ROOT)

    return set_up


def test_a_worker_that_is_killed_in_the_middle_loses_nothing_and_doubles_nothing(environment, monkeypatch):
    monkeypatch.setattr("migrations_sync.sync.parts.CLAIM", timedelta(seconds=1))
    monkeypatch.setattr("migrations_sync.sync.split.ROWS_A_PART", 500)
    with Simulator(5000, key=KEY, page_size_max=50, latency=50.0, life=False) as api:
        environment(api.url)
        helpers: list[subprocess.Popen[bytes]] = []

        def call(run: SyncRun) -> None:
            if helpers:  # called once more for the one that was lost
                return
            helpers.append(subprocess.Popen([sys.executable, "-c", HELPER]))
            eventually(lambda: SweepPart.objects.filter(done=True) and SweepPart.objects.filter(done=False))
            os.kill(helpers[0].pid, signal.SIGKILL)
            helpers[0].wait()

        client = Client(api.url, KEY, page_size=50)
        report = full(lambda: client, call)

        assert (report.outcome, report.run.seen, report.run.created) == ("complete", 5000, 5000)
        assert report.run.pages == 100
        assert_equal(api.rows())


def test_a_worker_and_the_command_share_a_sweep_over_redis(environment, tmp_path):
    with Simulator(20_000, key=KEY, latency=5.0, life=False) as api:
        environment(api.url)
        with Supervisor(tmp_path / "log") as parts:
            worker = parts.start(
                "worker", [Path(sys.executable).parent / "celery", "-A", "dashboard", "worker", "--pool", "solo"]
            )
            parts.wait_for(worker, lambda: "ready" in worker.last_lines())
            command = [sys.executable, "manage.py", "sync_migrations", "--full", "--json"]
            done = subprocess.run(command, check=True, capture_output=True, text=True)

        said = json.loads(done.stdout.splitlines()[-1])
        assert (said["outcome"], said["created"], said["pages"]) == ("complete", 20_000, 200)
        assert said["requests"] == api.requests["list"]
        assert not SyncRun.objects.get().plan["reasons"][-1].startswith("0 of")
        assert_equal(api.rows())


def test_only_postgresql_with_redis_splits_and_from_a_size_on(settings):
    settings.REDIS_URL = ""
    assert split_from_settings(nobody) is None
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    assert split_from_settings(nobody) == Split(least=200_000, workers=2, call=nobody)
    settings.SYNC_SPLIT = "on"
    assert split_from_settings(nobody).least == 0
    settings.SYNC_SPLIT = "off"
    assert split_from_settings(nobody) is None


def test_a_small_mirror_and_a_list_without_a_plain_end_are_read_by_one():
    api = ListApi(rows(300), page_size=10)
    split = Split(least=301, workers=2, call=nobody)
    assert not split.suits(Source.default(), api)
    full(api, nobody)
    assert not split.suits(Source.default(), api)
    assert Split(least=300, workers=2, call=nobody).suits(Source.default(), api)
    api.ends_plainly = lambda: False
    assert not Split(least=300, workers=2, call=nobody).suits(Source.default(), api)
