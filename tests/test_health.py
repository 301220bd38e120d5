from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError

from dashboard import health
from migrations_sync import freshness
from migrations_sync.models import Source
from tests.factories import T0

HOUR = 3600


@pytest.fixture
def broker(settings, redis_url):
    settings.REDIS_URL = redis_url


@pytest.fixture
def synced(db):
    now = datetime.now(UTC)
    Source.default()
    Source.objects.update(attempted_at=now, succeeded_at=now, swept_at=now)


def fresh(**fields) -> freshness.Freshness:
    known = {
        "level": "fresh", "as_of": T0, "attempted_at": T0, "swept_at": T0,
        "sweeping": False, "since": None, "cause": "",
    }  # fmt: skip
    return freshness.Freshness(**{**known, **fields})


def test_a_process_that_serves_is_alive_whatever_else_is_broken(client):
    answer = client.get("/healthz")  # without a database: the test would fail if it were asked

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_ready_when_database_broker_and_mirror_are_well(client, broker, synced):
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "checks": {"database": "ok", "broker": "ok", "sync": "ok"}}
    assert "no-store" in answer["Cache-Control"]


def test_a_broker_that_is_gone_is_named_and_its_password_is_not(client, settings, synced):
    settings.REDIS_URL = "redis://:hunter2@127.0.0.1:1/0"
    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "ok", "broker": "can't be asked: ConnectionError", "sync": "ok"}
    assert "hunter2" not in answer.text


def test_a_database_that_is_gone_is_named_and_the_sync_is_not_judged(client, broker, monkeypatch):
    def refuse(**_):
        raise OperationalError("could not connect to postgres://user:hunter2@db")

    monkeypatch.setattr(freshness, "read", refuse)
    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == "can't be asked: OperationalError"
    assert answer.json()["checks"]["sync"] != "ok"
    assert "hunter2" not in answer.text


def test_a_mirror_that_was_never_filled_is_not_ready(client, broker, db):
    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["checks"]["sync"] == "no sync has come through yet"


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        (fresh(), "ok"),
        (fresh(level="late"), "ok"),
        (fresh(level="stale", as_of=T0 - timedelta(minutes=7)), "stale: nothing came through for 7 min"),
        (fresh(level="blind", as_of=None), "blind"),
        (fresh(swept_at=None), "no full sweep was complete yet"),
        (fresh(swept_at=T0 - timedelta(hours=3)), "ok"),
        (fresh(swept_at=T0 - timedelta(hours=3, seconds=1)), "no full sweep was complete for 3 h 0 min"),
        (fresh(swept_at=T0 - timedelta(hours=9), sweeping=True), "ok"),
    ],
)
def test_the_mirror_is_judged_by_its_age_and_by_its_last_full_sweep(state, verdict):
    assert health.judge(state, now=T0, full_interval=HOUR) == verdict


def test_probes_only_read(client):
    assert [client.post(path).status_code for path in ("/healthz", "/readyz", "/metrics")] == [405] * 3
