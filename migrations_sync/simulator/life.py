"""Migrations come, start, wait for their user and end, over minutes."""

import heapq
import random
from collections.abc import Iterable
from itertools import count
from typing import NamedTuple

from .population import Cast
from .table import Table

_BIRTHS = 75.0  # seconds from one new migration to the next, on average


class Step(NamedTuple):
    """A way out of a status: how often it is taken (weight) and after how many seconds on average."""

    weight: float
    to: str
    mean: float


_LONG = 3 * 3600.0

# A step to the same status is a long pause: it stays as it is and then another step is drawn.
STEPS = {
    "NOT_READY": [Step(9, "NOT_STARTED", 45), Step(1, "NOT_READY", _LONG)],
    "NOT_STARTED": [
        Step(82, "WORKING", 90),
        Step(8, "LOGIN_ABANDONED", 240),
        Step(10, "NOT_STARTED", _LONG),
    ],
    "WORKING": [
        Step(35, "PENDING_USER_INPUT", 80),
        Step(44, "COMPLETE", 170),
        Step(7, "COMPLETED_WITH_FAILURES", 190),
        Step(10, "FAILED", 120),
        Step(4, "WORKING", _LONG),
    ],
    "PENDING_USER_INPUT": [
        Step(72, "WORKING", 200),
        Step(8, "LOGIN_ABANDONED", 400),
        Step(20, "PENDING_USER_INPUT", _LONG),
    ],
    # Finished is not final.
    "FAILED": [Step(12, "COMPLETE", 600), Step(8, "WORKING", 400), Step(80, "FAILED", 10 * _LONG)],
    "LOGIN_ABANDONED": [Step(15, "WORKING", 600), Step(85, "LOGIN_ABANDONED", 10 * _LONG)],
}


class Life:
    """What is due when, from ``since`` on. Nothing moves by itself: ``advance`` does what is due by a time.

    It does so in order and each thing at its own time, so that how often it is called makes no difference:
    the same beginning comes to the same state today. Times are seconds since the epoch.
    """

    def __init__(self, table: Table, cast: Cast, *, since: float, seed: int, speed: float) -> None:
        self._table, self._cast = table, cast
        self._rng = random.Random(f"life {seed}")
        self._since, self._speed = since, speed
        self._tie = count()
        self._due: list[tuple[float, int, str | None, str, str]] = []  # time, tie, id, from, to
        self._plan(since, None, "", "", _BIRTHS)

    def wake(self, rows: Iterable[tuple[str, str]]) -> None:
        """Take these (id, status) along. Each has been as it is for a while and may stay so for an hour."""
        for migration_id, status in rows:
            step = self._draw(status)
            self._plan(self._since, migration_id, status, step.to, max(step.mean, 3600.0))

    def advance(self, now: float) -> None:
        while self._due and self._due[0][0] <= now:
            at, _, migration_id, old, new = heapq.heappop(self._due)
            if migration_id is None:
                self._be_born(at)
            else:
                self._move(at, migration_id, old, new)

    def _be_born(self, at: float) -> None:
        company, user = self._cast.pick(self._rng)
        status = self._rng.choices(("NOT_READY", "NOT_STARTED"), (1, 3))[0]
        row = {"status": status, "created_by_user_id": user, "company_id": company}
        self._enter(at, self._table.add(row, at=at), status)
        self._plan(at, None, "", "", _BIRTHS)

    def _move(self, at: float, migration_id: str, old: str, new: str) -> None:
        if self._table.move(migration_id, old, new):  # else somebody else changed or deleted it
            self._enter(at, migration_id, new)

    def _enter(self, at: float, migration_id: str, status: str) -> None:
        if status in STEPS:
            step = self._draw(status)
            self._plan(at, migration_id, status, step.to, step.mean)

    def _draw(self, status: str) -> Step:
        steps = STEPS[status]
        return self._rng.choices(steps, [step.weight for step in steps])[0]

    def _plan(self, after: float, migration_id: str | None, old: str, new: str, mean: float) -> None:
        at = after + self._rng.expovariate(1 / mean) / self._speed
        heapq.heappush(self._due, (at, next(self._tie), migration_id, old, new))
