"""Whether the product can do its work. Each check says what is wrong in words that hold no secret."""

from collections.abc import Callable
from datetime import datetime, timedelta

import redis
from django.conf import settings
from django.db import DatabaseError

from dashboard import embedded, wording
from migrations_sync import freshness
from migrations_sync.freshness import Freshness

OK = "ok"
PATIENCE = 2  # seconds that a probe waits for the broker
# Complete sweeps may be late by this many intervals: one may fail, and the next takes its time.
SWEEPS_LATE = 3


def check(now: datetime) -> dict[str, str]:
    """Every part by its name: ``ok``, or what is wrong with it."""
    checks = {"database": OK, "broker": _asked(_broker), "sync": "unknown while the database can't be asked"}
    try:
        fresh = freshness.read(now=now, interval=settings.SYNC_INTERVAL)[1]
    except DatabaseError as error:
        return checks | {"database": f"can't be asked: {type(error).__name__}"}
    return checks | {"sync": judge(fresh, now=now, full_interval=settings.SYNC_FULL_INTERVAL)}


def judge(fresh: Freshness, *, now: datetime, full_interval: int) -> str:
    """``ok`` while what the pages say may be believed; ``full_interval`` is the seconds between sweeps."""
    if fresh.level == "never":
        return "no sync has come through yet"
    if not fresh.trusted:
        since = f": nothing came through for {wording.span(now - fresh.as_of)}" if fresh.as_of else ""
        return f"{fresh.level}{since}"
    if fresh.swept_at is None:
        return "no full sweep was complete yet"
    old = now - fresh.swept_at
    if old > timedelta(seconds=SWEEPS_LATE * full_interval) and not fresh.sweeping:
        return f"no full sweep was complete for {wording.span(old)}"
    return OK


def _broker() -> None:
    url = settings.REDIS_URL or embedded.url(settings.DATA_DIR)
    with redis.Redis.from_url(url, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE) as broker:
        broker.ping()


def _asked(question: Callable[[], None]) -> str:
    try:
        question()
    except (redis.RedisError, OSError) as error:
        # The message of the error would name the address, which may hold a password.
        return f"can't be asked: {type(error).__name__}"
    return OK
