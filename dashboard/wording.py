"""How times, ages and numbers are said. Pure functions; every absolute time names its zone.

A page says hundreds of times: they are cut from their ISO form, which is quicker than any format.
"""

from datetime import UTC, datetime, timedelta, tzinfo

MINUTE, HOUR, DAY = 60, 3600, 86400
DATE_AFTER = timedelta(days=14)  # an older age says less than the date


def number(n: int) -> str:
    """``12 345``, with a thin space that does not break."""
    return f"{n:,}".replace(",", "\u202f")


def capped(n: int, cap: int) -> str:
    """``n``, or ``10 000+`` where counting stopped beyond ``cap``."""
    return f"{number(cap)}+" if n > cap else number(n)


def plural(n: int, one: str, many: str = "") -> str:
    """``1 migration``, ``2 migrations``."""
    return f"{number(n)} {one if n == 1 else many or one + 's'}"


def span(length: timedelta) -> str:
    """``34 s``, ``12 min``, ``6 h 12 min``, ``3 d 4 h``; never negative. ``app.js`` counts on in the same words."""
    seconds = max(0, int(length.total_seconds()))
    if seconds < MINUTE:
        return f"{seconds} s"
    if seconds < HOUR:
        return f"{seconds // MINUTE} min"
    if seconds < DAY:
        return f"{seconds // HOUR} h {seconds % HOUR // MINUTE} min"
    return f"{number(seconds // DAY)} d {seconds % DAY // HOUR} h"


def spread(shortest: timedelta, longest: timedelta) -> str:
    """A duration known only within bounds: ``13–14 min``, ``58 min to 1 h 2 min``, ``at most 40 s``."""
    low, high = span(shortest), span(longest)
    if low == high:
        return low
    if shortest < timedelta(seconds=1):
        return f"at most {high}"
    (first, unit), (_, other) = low.split(" ", 1), high.split(" ", 1)
    return f"{first}–{high}" if unit == other and " " not in unit else f"{low} to {high}"


def ago(at: datetime, *, now: datetime, zone: tzinfo = UTC) -> str:
    """``6 h 12 min ago``, ``in 5 min``; from 14 days on the date."""
    if abs(now - at) >= DATE_AFTER:
        return day(at, zone)
    return f"in {span(at - now)}" if at - now >= timedelta(seconds=1) else f"{span(now - at)} ago"


def iso(at: datetime) -> str:
    """For ``datetime`` attributes and addresses: UTC, to the second."""
    return f"{at.astimezone(UTC).isoformat()[:19]}Z"


def day(at: datetime, zone: tzinfo = UTC) -> str:
    return str(at.astimezone(zone))[:10]


def minute(at: datetime, zone: tzinfo = UTC) -> str:
    """``2026-11-23 14:45 UTC``"""
    local = at.astimezone(zone)
    return f"{str(local)[:16]} {_zone(local)}"


def second(at: datetime, zone: tzinfo = UTC) -> str:
    """``2026-11-23 14:45:09 UTC``"""
    local = at.astimezone(zone)
    return f"{str(local)[:19]} {_zone(local)}"


def clock(at: datetime, *, now: datetime, zone: tzinfo = UTC) -> str:
    """``14:45:09 UTC`` today, with the date otherwise."""
    local = at.astimezone(zone)
    text = str(local)
    return f"{text[11:19] if text[:10] == day(now, zone) else text[:19]} {_zone(local)}"


def between(not_before: datetime, observed: datetime, zone: tzinfo = UTC, *, now: datetime | None = None) -> str:
    """When something happened that was seen afterwards: ``2026-11-23 10:02–10:03 UTC``.

    The date of ``now`` goes without saying. Bounds within one minute are that minute.
    """
    local = observed.astimezone(zone)
    first, last = str(not_before.astimezone(zone))[:16], str(local)[:16]
    one_day = first[:10] == last[:10]
    from_place = 11 if one_day and now and last[:10] == day(now, zone) else 0
    if first == last:
        return f"{last[from_place:]} {_zone(local)}"
    if one_day:
        return f"{first[from_place:]}–{last[11:]} {_zone(local)}"
    return f"{first} – {last} {_zone(local)}"


def _zone(local: datetime) -> str:
    """The name of its zone, or its offset where the zone has no letters: ``UTC+04``."""
    zone = local.tzname() or "UTC"
    return f"UTC{zone}" if zone[0] in "+-" else zone
