"""A quick sync: what it asks, what it costs, and that it finds whatever changed."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from migrations_sync.exceptions import APIConnectionError
from migrations_sync.models import BlindSpot, Migration, Source, StatusChange, SyncRun
from migrations_sync.sync import quick as engine
from migrations_sync.sync.passes import Intervals, Report, run_pass
from tests.list_api import ListApi, row, rows

pytestmark = pytest.mark.django_db
INTERVALS = Intervals(quick=60, full=3600)


def run(api: ListApi, mode: str = "quick", **options: Any) -> Report:
    return run_pass(api, mode=mode, intervals=INTERVALS, trigger="command", **options)


def status_of(api_id: str) -> str:
    return Migration.objects.get(api_id=api_id).status


def test_it_finds_new_ones_on_the_first_pages_and_changes_among_the_open():
    api = ListApi([*rows(300), *rows(30, "WORKING", first=300), *rows(300, first=330)])
    run(api, "full")
    api.rows = rows(25, "NOT_STARTED", first=-25) + api.rows
    api.set("m-000310", status="FAILED")

    report = run(api)

    assert (report.mode, report.outcome, report.run.created, report.run.changed) == ("quick", "complete", 25, 1)
    assert status_of("m-000310") == "FAILED"
    assert StatusChange.objects.get(kind="status").via == "quick"


def test_open_ones_that_share_a_page_are_asked_by_page():
    api = ListApi([*rows(300), *rows(30, "WORKING", first=300), *rows(300, first=330)])
    run(api, "full")

    report = run(api)

    assert report.run.plan["by_page"] == 30
    assert api.asked_ids == []
    assert report.run.requests == 1 + 3


def test_one_that_moved_off_its_page_is_asked_by_id():
    api = ListApi([*rows(300), *rows(30, "WORKING", first=300), *rows(300, first=330)])
    run(api, "full")
    api.rows = [r for r in api.rows if r["id"] not in ("m-000305", "m-000306")] + [
        row("m-000305", "COMPLETE", created="2020-01-01T00:00:00"),
        row("m-000306", "WORKING", created="2020-01-01T00:00:00"),
    ]

    run(api)

    assert {"m-000305", "m-000306"} <= set(api.asked_ids)
    assert status_of("m-000305") == "COMPLETE"


def test_a_plan_as_dear_as_a_sweep_becomes_one():
    api = ListApi(rows(30, "WORKING"))
    run(api, "full")

    report = run(api)

    assert report.mode == "full"
    assert "as much as a full sweep" in report.run.plan["reasons"][-1]


def test_an_unsorted_list_is_not_trusted_to_show_new_ones_first():
    unsorted = sorted(rows(400), key=lambda r: r["id"][::-1])
    api = ListApi(unsorted)
    run(api, "full")
    api.set("m-000100", status="WORKING")
    run(api, "full")
    api.set("m-000100", status="FAILED")

    report = run(api)

    assert (report.mode, report.run.pages, report.run.plan["newest"]) == ("quick", 1, False)
    assert status_of("m-000100") == "FAILED"


def test_with_nothing_to_ask_it_still_asks_whether_the_api_is_there():
    unsorted = sorted(rows(400), key=lambda r: r["id"][::-1])
    api = ListApi(unsorted)
    run(api, "full")
    saw = Source.default().succeeded_at

    def refuse(number: int) -> None:
        raise APIConnectionError("refused")

    api.before_page = refuse

    assert run(api).outcome == "failed"
    assert Source.default().succeeded_at == saw


def test_finished_is_not_final_and_is_looked_at_again_ever_more_rarely():
    api = ListApi([*rows(200), row("x", "WORKING", created="2020-01-01T00:00:00")])
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        run(api, "full")
        api.set("x", status="FAILED")
        clock.shift(60)
        run(api)
        found_at = timezone.now()
        asked_at = []
        for minute in (4, 5, 6, 9, 10, 19, 20, 21, 39, 40, 60, 79, 80, 120, 159, 160):
            clock.move_to(found_at + timedelta(minutes=minute))
            run(api)
            if "x" in api.asked_ids:
                asked_at.append(minute)

        assert asked_at == [5, 10, 20, 40, 80, 160]
        api.set("x", status="COMPLETE")
        clock.move_to(found_at + timedelta(minutes=321))
        run(api)

    assert status_of("x") == "COMPLETE"


def test_more_open_ones_than_the_budget_take_turns_and_none_is_left_out(monkeypatch):
    monkeypatch.setattr(engine, "BUDGET", 40)
    monkeypatch.setattr(engine, "RANKED_PAGES", 0)
    api = ListApi([*rows(2000), *[row(f"w-{n}", "WORKING", created="2020-01-01T00:00:00") for n in range(100)]])
    asked: set[str] = set()
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        run(api, "full")
        for _ in range(4):
            clock.shift(60)
            report = run(api)
            assert report.mode == "quick"
            assert report.run.requests <= 60
            asked |= set(api.asked_ids)

    assert len([api_id for api_id in asked if api_id.startswith("w-")]) == 100
    assert Source.default().open_checked_at == Source.default().swept_at


def test_a_single_refusal_by_id_makes_nobody_gone():
    api = ListApi([*rows(300), row("x", "WORKING", created="2020-01-01T00:00:00")])
    run(api, "full")
    api.delete("x")

    report = run(api)

    assert report.run.missing == 1
    assert not Migration.objects.gone().exists()


@pytest.mark.parametrize(("passed", "mode"), [(1800, "quick"), (3600, "full")])
def test_auto_sweeps_when_the_last_complete_sweep_is_old(passed: int, mode: str):
    api = ListApi(rows(300))
    with time_machine.travel(timezone.now(), tick=False) as clock:
        run(api, "auto")
        clock.shift(passed)

        assert run(api, "auto").mode == mode


def test_silence_of_our_own_is_a_blind_spot_that_ends_with_the_next_pass():
    api = ListApi(rows(300))
    with time_machine.travel(timezone.now(), tick=False) as clock:
        run(api, "full")
        saw = Source.default().succeeded_at
        clock.shift(1000)
        run(api)

    spot = BlindSpot.objects.get()
    assert (spot.cause, spot.started_at, spot.ended_at) == ("no_sync", saw, saw + timedelta(seconds=1000))


def test_a_sweep_that_fails_does_not_keep_the_quick_syncs_from_their_work():
    api = ListApi(rows(300))
    with time_machine.travel(timezone.now(), tick=False) as clock:
        run(api, "auto")
        kept, api.rows = api.rows, rows(100)
        clock.shift(3600)
        assert (run(api, "auto").mode, SyncRun.objects.first().outcome) == ("full", "partial")
        clock.shift(60)

        report = run(api, "auto")
        assert (report.mode, report.outcome, Source.default().succeeded_at) == ("quick", "complete", timezone.now())
        assert "missing" in Source.default().doubt
        api.rows = kept
        clock.shift(600)

        assert (run(api, "auto").mode, SyncRun.objects.first().outcome) == ("full", "complete")
        assert Source.default().doubt == ""
