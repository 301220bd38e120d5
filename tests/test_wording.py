from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dashboard import wording

pytestmark = pytest.mark.once

NOW = datetime(2026, 11, 23, 10, 16, 5, tzinfo=UTC)


def at(clock: str, day: str = "2026-11-23") -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}+00:00")


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(seconds=-5), "0 s"),
        (timedelta(seconds=34, milliseconds=900), "34 s"),
        (timedelta(minutes=12, seconds=59), "12 min"),
        (timedelta(hours=6, minutes=12), "6 h 12 min"),
        (timedelta(days=3, hours=4, minutes=59), "3 d 4 h"),
        (timedelta(days=1234), "1\u202f234 d 0 h"),
    ],
)
def test_a_duration_is_told_in_at_most_two_units(length, words):
    assert wording.span(length) == words


@pytest.mark.parametrize(
    ("then", "words"),
    [
        (NOW, "0 s ago"),
        (NOW - timedelta(minutes=14, seconds=1), "14 min ago"),
        (NOW + timedelta(minutes=5), "in 5 min"),
        (NOW - timedelta(days=14), "2026-11-09"),
    ],
)
def test_what_lies_14_days_back_is_told_by_its_date(then, words):
    assert wording.ago(then, now=NOW) == words


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0, 40, "at most 40 s"),
        (13 * 60, 14 * 60, "13–14 min"),
        (58 * 60, 62 * 60, "58 min to 1 h 2 min"),
        (3700, 3800, "1 h 1 min to 1 h 3 min"),
        (3 * 86400, 3 * 86400 + 60, "3 d 0 h"),
        (30, 130, "30 s to 2 min"),
    ],
)
def test_a_duration_that_was_only_bounded_is_told_as_a_range(low, high, words):
    assert wording.spread(timedelta(seconds=low), timedelta(seconds=high)) == words


def test_a_time_names_its_zone_and_its_day_unless_that_is_today():
    assert wording.minute(at("09:05:59")) == "2026-11-23 09:05 UTC"
    assert wording.second(at("09:05:59")) == "2026-11-23 09:05:59 UTC"
    assert wording.clock(at("09:05:59"), now=NOW) == "09:05:59 UTC"
    assert wording.clock(at("09:05", "2026-11-22"), now=NOW) == "2026-11-22 09:05:00 UTC"


@pytest.mark.parametrize(
    ("after", "by", "words"),
    [
        (at("10:02"), at("10:03"), "10:02–10:03 UTC"),
        (at("10:02:01"), at("10:02:59"), "10:02 UTC"),
        (at("09:00", "2026-11-22"), at("09:30", "2026-11-22"), "2026-11-22 09:00–09:30 UTC"),
        (at("23:58", "2026-11-22"), at("00:02"), "2026-11-22 23:58 – 2026-11-23 00:02 UTC"),
    ],
)
def test_what_was_seen_afterwards_is_told_as_an_interval(after, by, words):
    assert wording.between(after, by, now=NOW) == words


def test_times_follow_the_zone_that_the_reader_chose_and_name_it():
    berlin, dubai = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Dubai")
    assert wording.minute(at("23:30"), berlin) == "2026-11-24 00:30 CET"
    assert wording.between(at("10:02"), at("10:03"), berlin, now=NOW) == "11:02–11:03 CET"
    assert wording.minute(at("10:00"), dubai) == "2026-11-23 14:00 UTC+04"
    assert wording.iso(at("10:00").astimezone(berlin)) == "2026-11-23T10:00:00Z"


def test_large_numbers_are_set_apart_and_things_are_counted():
    assert wording.number(1234567) == "1\u202f234\u202f567"
    assert wording.capped(10_001, 10_000) == "10\u202f000+"
    assert wording.capped(640, 10_000) == "640"
    assert wording.plural(1, "migration") == "1 migration"
    assert wording.plural(2, "company", "companies") == "2 companies"
