"""Which migrations need a person, why, and how many."""

import itertools
from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from dashboard import attention, durations, rows, triage
from dashboard.reasons import KEYS
from migrations_sync import statuses
from migrations_sync.models import Migration, Source
from migrations_sync.sync.counts import recount
from tests import factories
from tests.factories import T0

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
DAY = 24 * HOUR


def one(status: str, *, for_: timedelta = HOUR, gone: bool = False, api_id: str | None = None) -> Migration:
    began = T0 - for_
    return factories.migration(
        api_id, status=status, created=began, status_changed_at=began, gone_at=T0 if gone else None
    )


def asking(now=T0) -> dict[str, list[str]]:
    """The ids by reason, as the pages list them."""
    source = counted_source()
    found = attention.longest(attention.rules(source, now), KEYS, 1000)
    return {key: [row[rows.FIELDS.index("api_id")] for row in some] for key, some in found.items() if some}


def counted_source() -> Source:
    source = Source.default()
    recount(source)
    source.refresh_from_db()
    return source


def counted(now=T0) -> dict[str, int]:
    return attention.counts(counted_source(), now)


@pytest.fixture
def request_of_ann(rf):
    request = rf.post("/")
    request.user = User.objects.create_user("ann")
    return request


def test_what_ended_badly_asks_at_once_and_what_ended_well_never():
    one("FAILED", api_id="f")
    one("COMPLETED_WITH_FAILURES", api_id="p")
    one("LOGIN_ABANDONED", api_id="a")
    one("COMPLETE", for_=90 * DAY)
    one("NOT_STARTED", for_=90 * DAY)

    assert asking() == {"failed": ["f"], "partial": ["p"], "abandoned": ["a"]}


def test_waiting_and_working_ask_only_when_they_last():
    one("PENDING_USER_INPUT", for_=23 * HOUR)
    one("PENDING_USER_INPUT", for_=25 * HOUR, api_id="waits")
    one("WORKING", for_=23 * HOUR)
    one("WORKING", for_=25 * HOUR, api_id="works")
    one("NOT_READY", for_=26 * HOUR, api_id="prepares")

    assert asking() == {"waiting": ["waits"], "slow": ["prepares", "works"]}


def test_a_status_nobody_documented_asks_in_its_own_group():
    one("PAUSED_BY_VENDOR", api_id="odd")
    one("failed", api_id="lowercase")

    assert asking() == {"unknown": ["odd", "lowercase"]}


def test_gone_while_open_asks_and_gone_after_it_ended_does_not():
    one("WORKING", gone=True, api_id="open")
    one("PAUSED_BY_VENDOR", gone=True, api_id="odd")
    one("FAILED", gone=True)
    one("COMPLETE", gone=True)

    assert asking() == {"gone": ["open", "odd"]}


def test_the_longest_comes_first():
    for hours in (2, 9, 4):
        one("FAILED", for_=hours * HOUR, api_id=str(hours))

    assert asking() == {"failed": ["9", "4", "2"]}


def test_settings_say_how_long_is_too_long(settings):
    settings.ATTENTION_WAITING_AFTER = 1800
    settings.ATTENTION_RUNNING_AFTER = 7200
    one("PENDING_USER_INPUT", for_=HOUR, api_id="waits")
    one("WORKING", for_=HOUR)

    assert asking() == {"waiting": ["waits"]}
    rules = attention.rules(Source.default(), T0)
    assert rules.thresholds["PENDING_USER_INPUT"].why == "for more than 30 min (as set for this dashboard)"


def test_else_what_is_usual_says_so_and_on_what_it_rests(monkeypatch):
    usual = durations.Usual(312, HOUR, 2 * HOUR, 3 * HOUR)
    monkeypatch.setattr(durations, "book", lambda source: durations.Book({"WORKING": usual}, {}))
    one("WORKING", for_=2 * HOUR)
    one("WORKING", for_=4 * HOUR, api_id="works")

    assert asking() == {"slow": ["works"]}
    why = attention.rules(Source.default(), T0).thresholds["WORKING"].why
    assert why == "for more than 3 h 0 min (longer than 95 of 100 usually take, going by 312 that were watched)"


def test_a_quick_vendor_raises_no_alarm_after_seconds(monkeypatch):
    quick = durations.Usual(50, *[timedelta(seconds=20)] * 3)
    monkeypatch.setattr(durations, "book", lambda source: durations.Book({"WORKING": quick}, {}))
    one("WORKING", for_=timedelta(minutes=14))

    assert asking() == {}


def test_the_counts_are_those_of_the_rows_whatever_happened_to_them(request_of_ann):
    ages = (timedelta(minutes=10), 2 * DAY)
    codes = (*statuses.DOCUMENTED, "PAUSED", "X")
    everything = [
        one(code, for_=age, gone=gone)
        for code, age, gone, _ in itertools.product(codes, ages, (False, True), range(3))
    ]
    triage.acknowledge(request_of_ann, everything[::4], "seen to")
    triage.snooze(request_of_ann, everything[1::5], until=T0 + HOUR)

    for now in (T0, T0 + 2 * HOUR, T0 + 2 * DAY):
        assert counted(now) == {key: len(ids) for key, ids in asking(now).items()}
    assert counted()["failed"] < 6


def test_acknowledged_and_snoozed_leave_and_come_back(request_of_ann):
    failed, waiting = one("FAILED", api_id="f"), one("PENDING_USER_INPUT", for_=2 * DAY, api_id="w")
    triage.acknowledge(request_of_ann, [failed], "the customer starts again")
    triage.snooze(request_of_ann, [waiting], until=T0 + HOUR)
    assert asking() == counted() == {}

    assert asking(T0 + HOUR) == {"waiting": ["w"]}
    Migration.objects.filter(pk=failed.pk).update(status="COMPLETED_WITH_FAILURES", status_changed_at=T0)
    assert asking()["partial"] == ["f"]


def test_counting_costs_the_same_for_three_and_for_three_hundred(django_assert_num_queries):
    def count(n: int) -> None:
        for _ in range(n):
            one("FAILED"), one("WORKING"), one("PENDING_USER_INPUT", for_=DAY * 3)
        source = Source.default()
        recount(source)
        source.refresh_from_db()
        durations.book(source)  # what is usual is kept for minutes
        with django_assert_num_queries(3):
            assert attention.counts(source, T0)["failed"] >= n
        with django_assert_num_queries(0):
            attention.counts(source, T0 + timedelta(seconds=1))

    count(1)
    count(100)


@pytest.mark.once
def test_sqlite_reads_who_has_waited_longest_from_an_index():
    found = attention.rules(Source.default(), T0)

    for key in ("failed", "waiting", "slow"):
        for branch in attention.asking(found, key):
            plan = branch.order_by(attention.since(key), "pk").explain()
            assert ("migration_unsettled" in plan, "TEMP B-TREE" in plan) == (True, False)
