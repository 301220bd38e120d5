"""Asks the API for one migration while somebody waits: once however many ask, not too often, not again at once."""

import hashlib
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from migrations_sync import tasks
from migrations_sync.exceptions import APIError
from migrations_sync.models import Source

Outcome = Literal["found", "unknown", "unreadable", "unreachable", "limited"]
LONGEST = 255  # characters of an id
# Look-ups a minute, by one person and in all: a sync needs the API, too.
A_PERSON, IN_ALL = 40, 120
# Seconds that an answer stands, so that a link which everybody opens asks once.
KEPT: dict[Outcome, int] = {"found": 5, "unknown": 60, "unreadable": 60, "unreachable": 5}
_STEP = 0.05


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking for an id at ``at`` (UTC). ``detail``: why not, in one line."""

    outcome: Outcome
    at: datetime
    detail: str = ""


def impossible(api_id: str) -> str:
    """Why no migration can have this id; empty if one can."""
    if not api_id.strip():
        return "it is empty"
    if len(api_id) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    if any(ord(c) < 32 or 127 <= ord(c) < 160 or 0xD800 <= ord(c) < 0xE000 for c in api_id):
        return "it holds characters that cannot be seen"
    return ""


def ask(api_id: str, *, who: int, via: str = "link", afresh: bool = False) -> Answer:
    """Ask for ``api_id`` on behalf of the user numbered ``who``; what the API says is stored.

    ``afresh``: not content with an answer of a moment ago.
    """
    place = f"lookup:{hashlib.sha256(api_id.encode()).hexdigest()[:32]}"
    known: Answer | None = None if afresh else cache.get(place)
    if known:
        return known
    if held := _held():
        return held
    if not (_allowed(f"user-{who}", A_PERSON) and _allowed("all", IN_ALL)):
        return Answer("limited", timezone.now(), "many were asked for within a minute")
    if not cache.add(f"{place}:asking", 1, settings.MIGRATIONS_API_TIMEOUT * 2):
        return _wait(place)
    try:
        answer = _ask(api_id, via)
        cache.set(place, answer, KEPT[answer.outcome])
    finally:
        cache.delete(f"{place}:asking")
    return answer


def _held() -> Answer | None:
    """The API wants to be left alone."""
    until = Source.default().hold_until
    if until and until > timezone.now():
        return Answer("unreachable", timezone.now(), f"the API asked not to be asked before {until:%H:%M:%S} UTC")
    return None


def _ask(api_id: str, via: str) -> Answer:
    asked_at = timezone.now()
    try:
        found = tasks.look_up(api_id, via)
    except APIError as error:
        return Answer("unreachable", asked_at, str(error))
    if not found.known:
        return Answer("unknown", found.asked_at)
    return Answer("found" if found.migration else "unreadable", found.asked_at)


def _wait(place: str) -> Answer:
    """The answer that somebody else is waiting for."""
    for _ in range(int(settings.MIGRATIONS_API_TIMEOUT / _STEP)):
        time.sleep(_STEP)
        known: Answer | None = cache.get(place)
        if known:
            return known
        if not cache.get(f"{place}:asking"):
            break
    return Answer("unreachable", timezone.now(), "the API is slow to answer")


def _allowed(who: str, most: int) -> bool:
    place = f"lookups:{who}:{timezone.now():%H%M}"
    cache.add(place, 0, 120)
    try:
        return cache.incr(place) <= most
    except ValueError:  # the cache was emptied in between
        return True
