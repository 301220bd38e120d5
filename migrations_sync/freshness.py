"""How old what the mirror shows is, and what to say about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db import connection
from django.db.models import DateTimeField

from migrations_sync.database import as_time
from migrations_sync.models import BlindSpot, Lease, Source

Level = Literal["never", "fresh", "late", "stale", "blind"]
BLIND_AFTER = 3  # failed passes in a row; one is noise


@dataclass(frozen=True, slots=True)
class Freshness:
    """``as_of``: everything shown was true then (UTC); ``None`` while nothing was ever read.

    ``never``: no pass has come through yet. ``fresh``: at most 2 sync intervals old. ``late``: at most 5.
    ``stale``: older. ``blind``: as old as stale or with failing attempts, and passes keep failing.
    ``since``: when the blind spot began, if there is one now. ``cause``: why, in one line.
    ``doubt``: why the last full sweep was only partial; empty where it was complete.
    """

    level: Level
    as_of: datetime | None
    attempted_at: datetime | None
    swept_at: datetime | None
    sweeping: bool
    since: datetime | None
    cause: str
    doubt: str = ""

    @property
    def trusted(self) -> bool:
        """Whether "there are none" may be said."""
        return self.level in ("fresh", "late")


def of(source: Source, *, now: datetime, interval: int) -> Freshness:
    """The freshness of ``source`` at ``now``; ``interval`` is the seconds between passes. Two queries."""
    spot = BlindSpot.objects.filter(source=source, ended_at__isnull=True).first()
    lease = Lease.objects.filter(source=source).first()
    return _judge(source, spot, lease, now=now, interval=interval)


def read(*, now: datetime, interval: int) -> tuple[Source, Freshness]:
    """The default source and its freshness, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_DEFAULT)
        return of_row(cursor.fetchone(), now=now, interval=interval)


def of_row(row: Sequence[Any] | None, *, now: datetime, interval: int) -> tuple[Source, Freshness]:
    """The source and its freshness from the values of ``COLUMNS``; a new source where there is none yet."""
    if row is None or row[0] is None:
        return (source := Source.default()), of(source, now=now, interval=interval)
    *values, owner, expires, since, cause, detail = row
    # A bare cursor gives times as the database keeps them.
    of_fields = [as_time(value) if name in _TIMES else value for name, value in zip(_NAMES, values, strict=True)]
    source = Source.from_db(connection.alias, _NAMES, of_fields)
    lease = Lease(source=source, owner=owner, expires_at=as_time(expires)) if owner else None
    began = as_time(since)
    spot = BlindSpot(started_at=began, cause=cause, detail=detail) if began else None
    return source, _judge(source, spot, lease, now=now, interval=interval)


_FIELDS = Source._meta.concrete_fields
_NAMES = [field.attname for field in _FIELDS]
_TIMES = {field.attname for field in _FIELDS if isinstance(field, DateTimeField)}
# By hand: Django would need longer to write them, anew for each page, than any database to answer.
COLUMNS = f"""\
{", ".join(f"s.{field.column}" for field in _FIELDS)}, l.owner, l.expires_at, b.started_at, b.cause, b.detail"""
TABLES = f"""\
({Source._meta.db_table} s LEFT JOIN {Lease._meta.db_table} l ON l.source_id = s.id
    LEFT JOIN {BlindSpot._meta.db_table} b ON b.source_id = s.id AND b.ended_at IS NULL)"""
_DEFAULT = f"SELECT {COLUMNS} FROM {TABLES} WHERE s.name = 'default'"  # noqa: S608  (names of our own)


def _judge(source: Source, spot: BlindSpot | None, lease: Lease | None, *, now: datetime, interval: int) -> Freshness:
    # A sweep that is getting on is no outage, however long it takes.
    sweeping = bool(lease and lease.owner and lease.expires_at and lease.expires_at > now)
    return Freshness(
        level=_level(source, now=now, interval=timedelta(seconds=interval), sweeping=sweeping),
        as_of=source.succeeded_at,
        attempted_at=source.attempted_at,
        swept_at=source.swept_at,
        sweeping=sweeping,
        since=spot.started_at if spot else None,
        cause=(spot.detail or spot.get_cause_display()) if spot else source.last_error,
        doubt=source.doubt,
    )


def _level(source: Source, *, now: datetime, interval: timedelta, sweeping: bool) -> Level:
    if source.succeeded_at is None:
        return "blind" if source.failures >= BLIND_AFTER else "never"
    age = now - source.succeeded_at
    if source.failures >= BLIND_AFTER or (source.failures and age > 5 * interval):
        return "blind"
    if age <= 2 * interval:
        return "fresh"
    if age <= 5 * interval or sweeping:
        return "late"
    return "stale"
