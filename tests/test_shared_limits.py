"""What one worker learns of the API's limits, all obey."""

import pytest
import redis

from migrations_sync.client import Client
from migrations_sync.client.retry import Clock
from migrations_sync.client.shared import SharedLimits
from migrations_sync.conf import client_from_settings
from migrations_sync.exceptions import RateLimitError
from tests.api_server import KEY, Reply, rows

pytestmark = pytest.mark.once


@pytest.fixture
def limits(redis_url):
    """Makes the limits of one worker after another."""
    with redis.Redis.from_url(redis_url) as server:
        server.flushdb()
    return lambda api="https://a", rate=0, url=redis_url: SharedLimits(url, api, Clock(), rate)


def test_a_wait_that_one_was_asked_for_holds_all_and_counts_once(limits):
    one, other = limits(), limits()

    assert one.hold(3000) == pytest.approx(3000)
    assert other.hold(1000) == 0
    assert 2000 < other.left() <= 3000
    assert other.hold(4000) == pytest.approx(1000, abs=500)
    assert one.left() > 3000


def test_another_api_is_not_held(limits):
    limits().hold(3000)

    assert limits("https://b").left() <= 0


def test_workers_take_turns_at_one_pace(limits):
    one, other = limits(rate=0.001), limits(rate=0.001)

    turns = [one.turn(), other.turn(), one.turn(), other.turn()]

    assert turns == pytest.approx([0, 1000, 2000, 3000], abs=500)


def test_a_429_that_one_gets_stops_the_other(api, limits):
    api.rows = rows(5)
    with (
        Client(api.url, KEY, limits=limits(api.url), max_retries=0) as one,
        Client(api.url, KEY, limits=limits(api.url)) as other,
    ):
        api.will_answer(Reply(429, {"detail": "slow down"}, {"Retry-After": "3600"}))
        with pytest.raises(RateLimitError):
            one.get_page(1)
        with pytest.raises(RateLimitError, match="not sent"):
            other.get_page(1)

    assert len(api.requests) == 1


def test_a_look_up_that_a_person_waits_for_is_not_held(api, limits, redis_url, settings):
    settings.REDIS_URL, settings.MIGRATIONS_API_RATE_LIMIT = redis_url, 1000
    settings.MIGRATIONS_API_URL, settings.MIGRATIONS_API_KEY = api.url, KEY
    api.rows = rows(5)
    limits(api.url).hold(3000)

    with client_from_settings(max_retries=0) as client:
        assert len(client.get_page(1).rows) == 5
    with client_from_settings() as client, pytest.raises(RateLimitError, match="not sent"):
        client.get_page(1)


def test_without_redis_each_goes_by_what_it_has_seen_itself(limits):
    alone = limits(rate=0.001, url="redis://127.0.0.1:9/0")

    assert alone.hold(3000) == pytest.approx(3000)
    assert alone.left() > 2000
    assert [alone.turn(), alone.turn()] == pytest.approx([0, 1000], abs=500)
