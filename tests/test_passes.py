"""What happens around a pass: the lease, failures, clocks and blind spots."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from migrations_sync.exceptions import (
    APIConnectionError,
    AuthenticationError,
    InvalidPage,
    LeaseLost,
    RateLimitError,
)
from migrations_sync.models import BlindSpot, Lease, Migration, Source, SyncRun
from migrations_sync.sync.lease import HeldLease
from migrations_sync.sync.passes import Intervals, Report, run_pass
from tests.list_api import ListApi, rows

pytestmark = pytest.mark.django_db
INTERVALS = Intervals(quick=60, full=3600)


def run(api: ListApi, mode: str = "full", **options: Any) -> Report:
    return run_pass(api, mode=mode, intervals=INTERVALS, trigger="command", **options)


def failing(api: ListApi, error: Exception, *, at_page: int = 1) -> ListApi:
    def fail(number: int) -> None:
        if number == at_page:
            raise error

    api.before_page = fail
    return api


def test_a_pass_that_finds_the_lease_held_is_skipped_and_names_the_holder():
    lease = HeldLease.acquire(Source.default())
    running = SyncRun.objects.create(source=Source.default(), mode="full", started_at=timezone.now())
    lease.name_run(running)

    report = run(ListApi(rows(3)))

    assert (report.outcome, report.run, report.as_json()["seen"]) == ("skipped", running, 0)
    assert Lease.objects.get().conflicts == 1
    assert not Migration.objects.exists()


def test_a_dead_holders_lease_lapses():
    with time_machine.travel(timezone.now(), tick=False) as clock:
        HeldLease.acquire(Source.default())
        clock.shift(61)

        assert run(ListApi(rows(3))).outcome == "complete"


def test_a_lease_from_before_the_clock_was_set_back_holds_nobody_up():
    with time_machine.travel(timezone.now(), tick=False) as clock:
        HeldLease.acquire(Source.default())
        clock.shift(-3600)

        assert run(ListApi(rows(3))).outcome == "complete"


def test_a_pass_whose_lease_was_taken_over_stops_writing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("migrations_sync.sync.sweep.ROWS_A_BATCH", 2000)
    api = ListApi(rows(6000), page_size=1000)

    def take_over(number: int) -> None:
        if number == 4:
            Lease.objects.update(owner="somebody else")

    api.before_page = take_over
    report = run(api)

    assert (report.outcome, report.error) == ("failed", "another sync took over this one's lease")
    assert Migration.objects.count() == 2000
    assert Lease.objects.get().owner == "somebody else"


def test_a_taken_over_lease_cannot_be_renewed():
    lease = HeldLease.acquire(Source.default())
    Lease.objects.update(owner="somebody else")

    with pytest.raises(LeaseLost):
        lease.renew()


def test_the_lease_is_free_after_a_failure():
    run(failing(ListApi(rows(3)), APIConnectionError("GET /migrations?page=1: refused")))

    assert Lease.objects.get().owner == ""
    assert run(ListApi(rows(3))).outcome == "complete"


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (APIConnectionError("refused"), "unreachable"),
        (AuthenticationError("401"), "refused"),
        (RateLimitError("429", 5.0), "quota"),
        (InvalidPage("not a list", "<html>"), "unreadable"),
    ],
)
def test_a_failed_pass_opens_a_blind_spot_with_its_cause_and_the_next_one_closes_it(error: Exception, cause: str):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        run(ListApi(rows(3)))
        saw = Source.default().succeeded_at
        clock.shift(60)
        report = run(failing(ListApi(rows(3)), error))
        spot = BlindSpot.objects.get()
        assert (report.outcome, spot.cause, spot.started_at, spot.ended_at) == ("failed", cause, saw, None)
        assert (Source.default().failures, Source.default().succeeded_at) == (1, saw)
        clock.shift(60)

        run(ListApi(rows(3)))

    assert BlindSpot.objects.get().ended_at == saw + timedelta(seconds=120)
    assert Source.default().failures == 0


def test_another_cause_is_another_blind_spot():
    run(ListApi(rows(3)))
    run(failing(ListApi(rows(3)), APIConnectionError("refused")))
    run(failing(ListApi(rows(3)), AuthenticationError("401")))

    first, second = BlindSpot.objects.order_by("pk")
    assert (first.cause, first.ended_at) == ("unreachable", second.started_at)
    assert (second.cause, second.ended_at) == ("refused", None)


def test_a_long_retry_after_holds_the_next_pass_off():
    with time_machine.travel(timezone.now(), tick=False) as clock:
        run(failing(ListApi(rows(3)), RateLimitError("429: wait 900 seconds", 900.0)))
        clock.shift(800)
        held = run(api := ListApi(rows(3)))
        assert (held.outcome, api.stats.requests) == ("skipped", 0)
        assert "silence" in held.error
        clock.shift(200)

        assert run(ListApi(rows(3))).outcome == "complete"


def test_an_unreadable_answer_keeps_its_beginning_on_the_run():
    report = run(failing(ListApi(rows(3)), InvalidPage("GET /migrations?page=1: not a list", "<html>Bad gateway")))

    assert report.run.excerpt == "<html>Bad gateway"


def test_a_bug_of_our_own_is_recorded_and_raised():
    with pytest.raises(ZeroDivisionError):
        run(failing(ListApi(rows(3)), ZeroDivisionError("division by zero")))

    assert SyncRun.objects.get().error == "ZeroDivisionError: division by zero"
    assert BlindSpot.objects.get().cause == "internal"
    assert Lease.objects.get().owner == ""


def test_the_version_of_the_mirror_moves_with_what_pages_show_and_not_without():
    api = ListApi(rows(30))
    run(api)
    before = Source.default().version
    HeldLease.acquire(Source.default()).release()
    assert Source.default().version == before
    run(api)

    assert Source.default().version > before


def test_the_summary_has_every_field_that_scripts_rely_on():
    assert run(ListApi(rows(3))).as_json().keys() == {
        "run", "mode", "outcome", "requests", "pages", "seen", "created", "changed", "unchanged",
        "disappeared", "rejected", "seconds", "error",
    }  # fmt: skip
