"""The migrations that are there before anything moves: the same for the same count, seed and time."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from .identifiers import Identifiers
from .rows import PLAIN

OPEN = ("NOT_READY", "NOT_STARTED", "WORKING", "PENDING_USER_INPUT")
FINISHED = ("COMPLETE", "COMPLETED_WITH_FAILURES", "FAILED", "LOGIN_ABANDONED")
STATUSES = OPEN + FINISHED

_FINISHED_SHARES = (85, 6, 5, 4)
# Just created, most are on their way; after a while, most of what is still open waits for a person.
_NEWER_SHARES = (10, 25, 40, 25)
_OLDER_SHARES = (6, 18, 10, 66)

_DAYS = 120
_DOUBLING = 45.0  # days in which business doubles
_WEEK = (1.0, 1.1, 1.1, 1.05, 0.9, 0.2, 0.15)  # from Monday
_DAY = (1, 1, 1, 1, 1, 2, 4, 8, 14, 20, 24, 24, 20, 22, 26, 26, 24, 20, 14, 9, 6, 4, 2, 2)  # by hour, UTC

_USERS = 8  # a company's at most


class Cast:
    """Companies and the people who start their migrations: few with many, many with few."""

    def __init__(self, count: int, seed: int) -> None:
        rng = random.Random(f"cast {seed}")
        companies = max(1, round(2.2 * count**0.66))
        self.companies = [f"{rng.getrandbits(64):016x}" for _ in range(companies)]
        self._users = [_user(rng) for _ in range(companies * _USERS)]

    def pick(self, rng: random.Random) -> tuple[str | None, str]:
        """A company, or ``None`` for the few migrations without one, and a user of it."""
        rank = _zipf(len(self.companies), rng)
        user = self._users[rank * _USERS + _zipf(_USERS, rng)]
        return (None if rng.random() < 0.03 else self.companies[rank]), user


def _zipf(size: int, rng: random.Random) -> int:
    """A rank below ``size``; drawn evenly on a logarithmic scale, which is Zipf's law without a table."""
    return int((size + 1) ** rng.random()) - 1


def _user(rng: random.Random) -> str:
    name = f"{rng.getrandbits(64):016x}"
    return f"user-{name[:8]}@example.com" if rng.random() < 0.15 else name


@dataclass(frozen=True, slots=True)
class Population:
    """``rows`` are encoded, oldest first; ``lively`` are (id, status) of those that may still move."""

    rows: list[bytes]
    lively: list[tuple[str, str]]
    cast: Cast


def populate(count: int, *, seed: int, until: float) -> Population:
    """``count`` migrations created in the four months up to ``until`` (seconds since the epoch)."""
    rng = random.Random(f"population {seed} {count}")
    identifiers, cast = Identifiers(seed), Cast(count, seed)
    statuses, lively = _statuses(count, rng)
    rows = []
    for serial, (created, status) in enumerate(zip(_created(count, until, rng), statuses, strict=True)):
        company, user = cast.pick(rng)
        quoted = "null" if company is None else f'"{company}"'
        rows.append((PLAIN % (identifiers.encode(serial), created, status, user, quoted)).encode("ascii"))
    return Population(rows, [(identifiers.encode(serial), statuses[serial]) for serial in lively], cast)


def _statuses(count: int, rng: random.Random) -> tuple[list[str], list[int]]:
    """One status per serial number, and which serial numbers are open at the newest end.

    At most 250 are open there and 50 older ones never got going, however many migrations there are: an API
    that has served for long has finished most of them.
    """
    statuses = rng.choices(FINISHED, _FINISHED_SHARES, k=count)
    fresh, stuck = min(250, count // 12), min(50, count // 60)
    lively = sorted(rng.sample(range(count - 2 * fresh, count), fresh))
    for rank, serial in enumerate(lively):
        shares = _OLDER_SHARES if rank < fresh * 0.6 else _NEWER_SHARES
        statuses[serial] = rng.choices(OPEN, shares)[0]
    for serial in rng.sample(range(count - 2 * fresh), stuck):
        statuses[serial] = rng.choice(("NOT_READY", "NOT_STARTED"))
    return statuses, lively


def _created(count: int, until: float, rng: random.Random) -> Iterator[str]:
    """``count`` times in ascending order, by the rhythm of day and week; none after ``until``."""
    end = datetime.fromtimestamp(until, UTC)
    hours = [end.replace(minute=0, second=0, microsecond=0) - timedelta(hours=n) for n in range(_DAYS * 24)]
    hours.reverse()
    lengths = [3_600_000_000] * (len(hours) - 1) + [(end - hours[-1]) // timedelta(microseconds=1)]
    weights = [
        _WEEK[hour.weekday()] * _DAY[hour.hour] * 2 ** (index / 24 / _DOUBLING) * length
        for index, (hour, length) in enumerate(zip(hours, lengths, strict=True))
    ]
    done, whole = 0, sum(weights)
    for hour, length, reached in zip(hours, lengths, accumulate(weights), strict=True):
        due = count if hour is hours[-1] else round(count * reached / whole)
        yield from _within(hour, sorted(int(rng.random() * length) for _ in range(due - done)))
        done = due


def _within(hour: datetime, offsets: list[int]) -> Iterator[str]:
    """Times that lie ``offsets`` microseconds after a full hour."""
    prefix = f"{hour:%Y-%m-%dT%H:}"
    for offset in offsets:
        seconds, micros = divmod(offset, 1_000_000)
        minutes, seconds = divmod(seconds, 60)
        yield f"{prefix}{minutes:02d}:{seconds:02d}.{micros:06d}"
