"""A migration's life cut into its stays in one status after another, and whose turn each of them was."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.history import KEPT, History, Item
from dashboard.known import NEWS, Known
from migrations_sync import statuses

NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class Stay:
    """A time in one status. It began after ``not_before`` and by ``began``; it ended after ``until`` and by
    ``ended``, which are ``None`` while it lasts. ``change`` is empty where the mirror found the status so.
    """

    status: str
    not_before: datetime
    began: datetime
    until: datetime | None
    ended: datetime | None
    change: Item | None

    def shortest(self, now: datetime) -> timedelta:
        return max((self.until or now) - self.began, NOTHING)

    def longest(self, now: datetime) -> timedelta:
        return max((self.ended or now) - self.not_before, NOTHING)


def stays(known: Known, history: History) -> list[Stay]:
    """The stays on record, oldest first. The one that was found at first sight is the first of them."""
    news = [change for change in history.changes if change.name in NEWS]
    begins: list[tuple[str, datetime, datetime, Item | None]] = []
    if not news or (news[0].old and len(history.changes) < KEPT):
        found = news[0].old if news else known.status.code
        begins.append((found, min(known.created, known.first_seen), known.first_seen, None))
    begins += [(c.new, c.since or known.first_seen, c.at or known.first_seen, c) for c in news]
    ends: list[tuple[datetime | None, datetime | None]] = [(not_before, at) for _, not_before, at, _ in begins[1:]]
    ends.append((known.gone_not_before, known.gone_at) if known.gone_at else (None, None))
    return [
        Stay(status, not_before, began, until, ended, change)
        for (status, not_before, began, change), (until, ended) in zip(begins, ends, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it was. ``status`` lends its colour; an empty one is unknown."""

    name: str
    status: str


TURNS = {
    "vendor": Turn("Vendor working", "WORKING"),
    "customer": Turn("Waiting for the customer", "PENDING_USER_INPUT"),
    "not_started": Turn("Not started", "NOT_STARTED"),
    "nobody": Turn("Ended, then went on", "COMPLETE"),
    "unknown": Turn("Unknown", ""),
}


def turns(lived: Sequence[Stay], known: Known, blind: Iterable[Item]) -> dict[str, timedelta]:
    """The age of a migration split by whose turn it was, in the order of ``TURNS``; it ends with the migration.

    Only what was seen from both sides counts. The rest is unknown: before the first look, between two looks
    that told different statuses, in a blind spot, and in a status that nobody has documented.
    """
    spots = [(spot.since or known.created, spot.at or known.at) for spot in blind]
    split = dict.fromkeys(TURNS, NOTHING)
    for number, stay in enumerate(lived):
        last = number == len(lived) - 1
        turn = whose(stay.status)
        if last and turn == "nobody":
            continue
        end = stay.until or max(known.as_of, stay.began)
        split[turn] += max(end - stay.began - _overlap(stay.began, end, spots), NOTHING)
    split["unknown"] += max(_end(lived, known) - known.created - sum(split.values(), NOTHING), NOTHING)
    return {name: length for name, length in split.items() if length >= timedelta(seconds=1)}


def whose(status: str) -> str:
    """The key of ``TURNS`` for a stay in ``status``."""
    return "not_started" if status == "NOT_STARTED" else statuses.get(status).turn


def _end(lived: Sequence[Stay], known: Known) -> datetime:
    """When the life that is split ends: with the last stay's beginning if nothing more is to come."""
    last = lived[-1]
    if whose(last.status) == "nobody":
        return last.began
    return last.until or max(known.as_of, last.began)


def _overlap(start: datetime, end: datetime, spots: Iterable[tuple[datetime, datetime]]) -> timedelta:
    return sum((max(min(end, last) - max(start, first), NOTHING) for first, last in spots), NOTHING)
