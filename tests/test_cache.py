import functools
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache

from dashboard import cache as forgiving
from dashboard import kept, throttle


@pytest.fixture
def no_redis(settings, monkeypatch):
    """A cache whose server does not answer."""
    monkeypatch.setattr(forgiving, "_down_until", 0.0)
    settings.CACHES = settings.CACHES | {
        "default": {"BACKEND": "dashboard.cache.ForgivingRedisCache", "LOCATION": "redis://127.0.0.1:9/0"}
    }


def test_a_cache_that_is_away_is_an_empty_one(no_redis):
    cache.set("key", 1)

    assert cache.get("key") is None
    assert cache.get("key", "default") == "default"
    assert cache.get_or_set("key", 7) == 7
    assert cache.get_many(["key"]) == {}
    assert "key" not in cache
    assert cache.delete("key") is False
    assert cache.add("key", 1) is True


def test_without_the_cache_nobody_is_locked_out(no_redis):
    assert all(throttle.take("key", limit=1, window=60).allowed for _ in range(3))


@pytest.mark.django_db
def test_without_the_cache_people_sign_in_read_and_sign_out(no_redis, client):
    User.objects.create_user("ann", password="a long enough secret")
    client.post("/accounts/login/", {"username": "ann", "password": "a long enough secret"})

    assert client.get("/preferences/").status_code == 200
    kept = client.cookies["sessionid"].value
    client.post("/accounts/logout/")
    client.cookies["sessionid"] = kept
    assert client.get("/preferences/").status_code == 302


def test_a_cache_that_comes_back_is_used_again(settings, redis_url, monkeypatch):
    monkeypatch.setattr(forgiving, "_down_until", 0.0)
    settings.CACHES = {"default": {"BACKEND": "dashboard.cache.ForgivingRedisCache", "LOCATION": redis_url}}

    cache.set("key", 1)

    assert cache.get("key") == 1
    assert cache.incr("key") == 2


def test_another_release_finds_nothing_that_this_one_kept(monkeypatch):
    assert kept.kept("key", lambda: "ours", seconds=60) == "ours"
    kept.forget()
    monkeypatch.setattr(kept, "release", lambda: "another")

    assert kept.kept("key", lambda: "theirs", seconds=60) == "theirs"


def test_what_is_kept_is_made_again_when_its_time_is_over(monkeypatch):
    now, made = [1000.0], iter("ab")
    monkeypatch.setattr(kept, "time", SimpleNamespace(monotonic=lambda: now[0]))
    ask = functools.partial(kept.kept, "key", lambda: next(made), seconds=60)
    assert (ask(), ask()) == ("a", "a")

    cache.clear()
    now[0] += 59
    assert ask() == "a"
    now[0] += 1
    assert ask() == "b"
