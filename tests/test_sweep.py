"""A full sweep, seen from the mirror: what it holds, what its history says, what the run tells."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from migrations_sync.exceptions import ServerError
from migrations_sync.models import (
    Drift,
    Migration,
    PayloadVersion,
    QuarantinedRow,
    Source,
    StatusChange,
    SyncRun,
)
from migrations_sync.sync.counts import recount
from migrations_sync.sync.passes import Intervals, Report, run_pass
from tests.list_api import ListApi, row, rows

pytestmark = pytest.mark.django_db


def full(api: ListApi, **options: Any) -> Report:
    return run_pass(api, mode="full", intervals=Intervals(quick=60, full=3600), trigger="command", **options)


def statuses_held() -> dict[str, str]:
    return dict(Migration.objects.values_list("api_id", "status"))


def assert_counters_hold() -> None:
    assert set(recount(Source.default()).values()) == {0}


def test_the_first_sweep_mirrors_the_list_and_is_no_news():
    api = ListApi([row("a"), row("b", "FAILED", company_id=None), row("c", "WORKING")], page_size=2)

    report = full(api)

    assert (report.outcome, report.run.seen, report.run.created) == ("complete", 3, 3)
    assert statuses_held() == {"a": "COMPLETE", "b": "FAILED", "c": "WORKING"}
    assert not StatusChange.objects.exists()
    assert Source.default().baseline_at is not None
    assert_counters_hold()


def test_an_unchanged_list_writes_no_migration_row(django_assert_max_num_queries):
    api = ListApi(rows(250), page_size=100)
    full(api)
    before = list(Migration.objects.order_by("pk").values())

    with django_assert_max_num_queries(40) as queries:
        report = full(api)

    assert (report.run.seen, report.run.changed, report.run.unchanged) == (250, 0, 250)
    assert list(Migration.objects.order_by("pk").values()) == before
    table = Migration._meta.db_table
    assert not [q for q in queries if table in q["sql"] and q["sql"].split()[0] not in ("SELECT", "WITH")]


@pytest.mark.parametrize("known", ["nothing", "statistics"])
def test_looking_rows_up_seeks_each_in_the_index_whatever_the_planner_knows_of_the_table(known: str):
    api = ListApi(rows(3000), page_size=1000)
    full(api)
    postgres = connection.vendor == "postgresql"
    with connection.cursor() as cursor, CaptureQueriesContext(connection) as queries:
        if known == "statistics":
            cursor.execute("ANALYZE migrations_sync_migration")
        full(api)
        look_up = next(q["sql"] for q in queries if "asked.api_id" in q["sql"] or "asked.key" in q["sql"])
        cursor.execute(("EXPLAIN " if postgres else "EXPLAIN QUERY PLAN ") + look_up)
        plan = "\n".join(str(line) for line in cursor.fetchall())

    assert ("Seq Scan" if postgres else "SCAN m") not in plan
    assert ("Index Scan using migration_identity" if postgres else "(source_id=? AND api_id=?)") in plan


def test_a_status_change_is_an_interval_between_two_looks():
    api = ListApi([row("a", "WORKING")])
    full(api)
    looked = Source.default().swept_at
    api.set("a", status="FAILED")

    full(api)

    change = StatusChange.objects.get()
    assert (change.old, change.new, change.kind, change.via) == ("WORKING", "FAILED", "status", "sweep")
    assert looked <= change.not_before < change.observed_at
    migration = Migration.objects.get()
    assert (migration.status_changed_at, migration.status_not_before) == (change.observed_at, change.not_before)
    assert '"WORKING"' in PayloadVersion.objects.get().payload
    assert_counters_hold()


def test_a_new_migration_after_the_first_sweep_is_news():
    api = ListApi([row("a")])
    full(api)
    api.rows.insert(0, row("b", "FAILED"))

    full(api)

    change = StatusChange.objects.get()
    assert (change.kind, change.old, change.new, change.announced_at) == ("first_seen", "", "FAILED", None)
    assert_counters_hold()


def test_a_changed_field_is_kept_as_a_version_without_a_status_change():
    api = ListApi([row("a", progress=10)])
    full(api)
    api.set("a", progress=20)

    report = full(api)

    assert report.run.changed == 1
    assert not StatusChange.objects.exists()
    assert '"progress":10' in PayloadVersion.objects.get().payload.replace(" ", "")
    assert Drift.objects.get(kind="field").name == "undocumented field 'progress'"


def test_a_row_that_cannot_be_read_is_kept_and_stops_no_other():
    bad = [row("x", created="yesterday"), row("", "FAILED"), "not a row", row("y\0y"), None, row("z", status=None)]
    api = ListApi([row("a"), *bad, row("b")])

    first, second = full(api), full(api)

    assert (first.outcome, first.run.rejected, first.run.error) == ("partial", 6, second.run.error)
    assert statuses_held().keys() == {"a", "b"}
    assert QuarantinedRow.objects.count() == 6
    assert set(QuarantinedRow.objects.values_list("times", flat=True)) == {2}
    assert "yesterday" in QuarantinedRow.objects.get(api_id="x").raw


def test_a_few_bad_rows_leave_the_sweep_complete():
    api = ListApi([*rows(20), row("x", created="yesterday")])

    report = full(api)

    assert (report.outcome, report.run.seen, report.run.rejected) == ("complete", 20, 1)


def test_a_known_migration_whose_row_became_unreadable_is_not_missing():
    api = ListApi([*rows(10), row("x", "WORKING")])
    full(api)
    api.set("x", created="yesterday")

    report = full(api)

    assert (report.run.missing, report.run.rejected) == (0, 1)
    assert statuses_held()["x"] == "WORKING"


def test_a_migration_missing_from_the_list_is_gone_only_when_refused_by_id():
    api = ListApi(rows(40))
    full(api)
    api.delete("m-000003")
    api.hidden.add("m-000005")

    report = full(api)

    assert (report.outcome, report.run.missing, report.run.recovered, report.run.disappeared) == ("complete", 2, 1, 1)
    gone = Migration.objects.get(gone_at__isnull=False)
    assert gone.api_id == "m-000003"
    assert gone.gone_not_before <= gone.gone_at
    assert StatusChange.objects.get().kind == "gone"
    assert_counters_hold()


def test_one_that_is_gone_can_come_back():
    api = ListApi(rows(40))
    full(api)
    kept = api.rows.pop(3)
    full(api)
    api.rows.insert(3, kept | {"status": "FAILED"})

    report = full(api)

    assert report.run.returned == 1
    assert not Migration.objects.gone().exists()
    assert list(StatusChange.objects.order_by("pk").values_list("kind", flat=True)) == ["gone", "returned", "status"]
    assert_counters_hold()


@pytest.mark.parametrize("left", [0, 25])
def test_a_mass_disappearance_confirms_nobody(left: int):
    api = ListApi(rows(40))
    full(api)
    api.rows = api.rows[:left]

    report = full(api)

    assert (report.outcome, report.run.disappeared) == ("partial", 0)
    assert "none" in report.error
    assert api.asked_ids == []
    assert not Migration.objects.gone().exists()


def test_a_person_can_accept_a_mass_disappearance():
    api = ListApi(rows(40))
    full(api)
    api.rows = api.rows[:25]

    report = full(api, accept_missing=True)

    assert (report.outcome, report.run.disappeared) == ("complete", 15)
    assert_counters_hold()


def test_a_failed_sweep_keeps_what_it_wrote_and_loses_nobody():
    api = ListApi(rows(4000), page_size=100)
    full(api)
    api.rows = rows(500, first=4000) + api.rows

    def fail(number: int) -> None:
        if number == 30:
            raise ServerError("GET /migrations?page=30: 503 after 6 tries")

    api.before_page = fail
    report = full(api)

    assert (report.outcome, report.error) == ("failed", "GET /migrations?page=30: 503 after 6 tries")
    assert (report.run.created, Migration.objects.count()) == (500, 4500)
    assert not Migration.objects.gone().exists()
    assert_counters_hold()


def test_rows_that_move_while_a_sweep_reads_are_neither_doubled_nor_gone():
    api = ListApi(rows(50))
    full(api)

    def shift(number: int) -> None:
        if number in (2, 3, 4):
            api.rows.insert(0, row(f"new-{number}"))
        if number == 5:
            api.delete("m-000001", "m-000002")

    api.before_page = shift
    report = full(api)

    assert report.outcome == "complete"
    assert report.run.seen_twice > 0
    assert (Migration.objects.count(), Migration.objects.gone().count()) == (50, 0)
    api.before_page = lambda number: None
    full(api)
    assert (Migration.objects.count(), Migration.objects.gone().count()) == (53, 2)
    assert_counters_hold()


def test_a_list_that_starts_again_is_read_once():
    api = ListApi(rows(30))
    serve = api.get_page
    api.get_page = lambda number: serve((number - 1) % 3 + 1)._replace(number=number)

    report = full(api)

    assert (report.outcome, report.run.seen) == ("complete", 30)
    assert "brought nothing new" in report.run.notes[0]


def test_a_first_load_inside_a_transaction_builds_its_indexes_in_there(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("migrations_sync.sync.load.WORTH_ROWS", 10)
    monkeypatch.setattr("migrations_sync.sync.load.WRITING_TO_READING", 0.0)

    assert full(ListApi(rows(30))).outcome == "complete"


@pytest.mark.parametrize(
    ("arrange", "order"),
    [(list, "newest_first"), (lambda r: r[::-1], "oldest_first"), (lambda r: r[::2] + r[1::2], "none")],
)
def test_the_order_of_the_list_is_learned(arrange: Callable[[list[Any]], list[Any]], order: str):
    if order == "none":
        arrange = lambda r: sorted(r, key=lambda x: x["id"][::-1])  # noqa: E731
    full(ListApi(arrange(rows(100))))

    assert Source.default().list_order == order


def test_an_unknown_status_is_kept_as_it_came_and_recorded():
    full(ListApi([row("a", "failed"), row("b", "PAUSED")]))

    assert statuses_held() == {"a": "failed", "b": "PAUSED"}
    assert set(Drift.objects.filter(kind="status").values_list("name", flat=True)) == {"failed", "PAUSED"}
    assert Migration.objects.needs_attention().count() == 2


def test_a_smaller_page_than_asked_for_is_recorded():
    api = ListApi(rows(30))
    asked = api.page_size
    api.page_size = 100
    serve = ListApi.get_page

    def capped(number: int) -> Any:
        api.page_size = asked
        try:
            return serve(api, number)
        finally:
            api.page_size = 100

    api.get_page = capped
    full(api)

    assert Drift.objects.get(kind="page_size").name == "10"
    assert Source.default().page_rows == 10


def test_a_dead_run_is_closed_by_the_next_one():
    now = timezone.now()
    dead = SyncRun.objects.create(source=Source.default(), mode="full", started_at=now - timedelta(hours=2))

    full(ListApi([row("a")]))

    dead.refresh_from_db()
    assert (dead.outcome, dead.finished_at is not None) == ("interrupted", True)


def test_an_answer_older_than_what_is_known_moves_nothing_back():
    api = ListApi([row("a", "WORKING")])
    full(api)
    serve = api.get_page

    def overtaken(number: int) -> Any:
        page = serve(number)
        Migration.objects.update(status="COMPLETE", checked_at=timezone.now(), fingerprint=0)
        return page

    api.get_page = overtaken
    full(api)

    assert statuses_held() == {"a": "COMPLETE"}


def test_a_counter_that_is_wrong_is_repaired_and_reported():
    full(ListApi(rows(20)))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE migrations_sync_statuscount SET n = n + 5")

    assert recount(Source.default())["status"] == 1
    assert_counters_hold()


ODD = ['a"b', "c\\d", "{e,f}", "NULL", " ", "g\th", "i\nj\r", "\\N", "é☃\U0001f600", "100%s", "'k'"]


def test_ids_and_values_of_any_characters_are_kept_as_they_came_and_found_again():
    """Each database has its own characters that mean something to it."""
    fields = [{"status": text, "company_id": text, "created_by_user_id": text, "extra": text} for text in ODD]
    api = ListApi([row(text, **values) for text, values in zip(ODD, fields, strict=True)])
    full(api)

    report = full(api)

    assert (report.run.seen, report.run.unchanged) == (len(ODD), len(ODD))
    held = Migration.objects.values_list("api_id", "status", "company_id", "created_by_user_id")
    assert sorted(held) == sorted((text,) * 4 for text in ODD)
    assert sorted(json.loads(m.raw)["extra"] for m in Migration.objects.all()) == sorted(ODD)
    assert_counters_hold()
