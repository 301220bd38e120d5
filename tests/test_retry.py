import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrations_sync.client.answers import retry_after
from migrations_sync.client.retry import BackOff, OwnLimits, delay_before, may_pass
from migrations_sync.client.transport import Response
from migrations_sync.exceptions import APIConnectionError, RateLimitError

pytestmark = pytest.mark.once

SERVER_TIME = "Fri, 20 Nov 2026 12:00:00 GMT"


def asked_to_wait(value, date=SERVER_TIME):
    return retry_after(Response(429, {"Retry-After": value, "Date": date}, b""))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        ("1.5", 1.5),
        (" 7 ", 7),
        ("86400", 86400),
        ("Fri, 20 Nov 2026 12:00:09 GMT", 9),
        ("Friday, 20-Nov-26 12:00:09 GMT", 9),
        ("Fri, 20 Nov 2026 11:59:00 GMT", 0),
        ("-5", 0),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("Fri, 99 Nov 2026 12:00:09 GMT", None),
        ("٧ seconds", None),
    ],
)
def test_retry_after_is_read_in_both_forms_and_ignored_in_others(value, seconds):
    assert asked_to_wait(value) == seconds


def test_a_retry_after_date_is_held_against_our_own_clock_where_the_answer_has_no_date():
    assert asked_to_wait("Fri, 20 Nov 2015 12:00:00 GMT", date="") == 0
    assert asked_to_wait("Fri, 20 Nov 2122 12:00:00 GMT", date="garbage") > 86400


@given(st.text())
def test_no_retry_after_header_is_an_error_by_itself(value):
    assert asked_to_wait(value) is None or asked_to_wait(value) >= 0


def test_the_delay_doubles_up_to_half_a_minute():
    assert [delay_before(attempt) for attempt in range(2, 10)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert delay_before(4, jitter=0.5) == 1.0


def test_the_wait_that_the_api_asks_for_is_obeyed_but_never_shrinks_to_nothing():
    assert delay_before(2, retry_after=12.0, jitter=0.5) == 12.0
    assert delay_before(2, retry_after=0.0) == 0.1


@pytest.mark.parametrize(
    ("failed", "elapsed", "retry_after", "verdict"),
    [
        (1, 0, None, True),
        (5, 0, None, True),
        (6, 0, None, False),
        (1, 301, None, False),
        (1, 0, 60, True),
        (1, 0, 61, False),
    ],
)
def test_tries_and_time_and_a_long_wait_are_all_bounds(failed, elapsed, retry_after, verdict):
    assert may_pass(failed, retries=5, elapsed=elapsed, retry_after=retry_after) is verdict


def test_overlapping_waits_count_once(clock):
    grown = []
    back_off = BackOff(clock, grown.append)

    back_off.hold(5.0)
    back_off.hold(3.0)
    back_off.hold(7.0)
    back_off.wait("GET /migrations?page=1")

    assert sum(grown) == 7.0
    assert clock.slept == [7.0]


def test_a_wait_that_is_too_long_to_sleep_is_an_error_with_its_length(clock):
    back_off = BackOff(clock, lambda seconds: None)
    back_off.hold(3600.0)

    with pytest.raises(RateLimitError, match="not sent") as told:
        back_off.wait("GET /migrations?page=1")

    assert told.value.retry_after == 3600.0
    assert clock.slept == []


def test_nothing_is_sent_once_the_client_is_closed(clock):
    back_off = BackOff(clock, lambda seconds: None)
    clock.stop()

    with pytest.raises(APIConnectionError, match="closed"):
        back_off.wait("GET /migrations?page=1")


def test_a_pace_spaces_requests_out_and_saves_up_none(clock):
    back_off = BackOff(clock, lambda seconds: None, OwnLimits(clock, rate=10))
    clock.sleep(60)
    clock.slept.clear()

    for _ in range(5):
        back_off.wait("GET /migrations?page=1")

    assert clock.slept == pytest.approx([0.1] * 4)
