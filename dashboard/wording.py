"""How times, ages and numbers are put into words. Pure: aware times in, text out; nothing here reads the clock.

Absolute times are told in Django's current time zone, which is UTC unless the reader chose another, and name it.
"""

from datetime import datetime, timedelta

from django.utils import timezone

MINUTE, HOUR, DAY = 60, 3600, 86_400
# An age this large says less than the date.
OLD = timedelta(days=14)


def age(span: timedelta) -> str:
    """``34 s``, ``12 min``, ``6 h 12 min``, ``3 d 4 h``, ``34 d``; a negative one counts as nothing."""
    seconds = max(int(span.total_seconds()), 0)
    if seconds < MINUTE:
        return f"{seconds} s"
    if seconds < HOUR:
        return f"{seconds // MINUTE} min"
    if seconds < DAY:
        return _two(seconds // HOUR, "h", seconds % HOUR // MINUTE, "min")
    if seconds < OLD.total_seconds():
        return _two(seconds // DAY, "d", seconds % DAY // HOUR, "h")
    return f"{number(seconds // DAY)} d"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit} {small} {small_unit}" if small else f"{large} {large_unit}"


def ago(at: datetime, *, now: datetime) -> str:
    """``14 min ago``, ``just now``, ``in 5 min``; from 14 days on the date."""
    span = now - at
    if abs(span) >= OLD:
        return date(at)
    if span <= timedelta(seconds=-1):
        return f"in {age(-span)}"
    return f"{age(span)} ago" if span >= timedelta(seconds=1) else "just now"


def span(low: timedelta, high: timedelta) -> str:
    """A duration known only within bounds: ``13–14 min``, ``58 min to 1 h 2 min``, ``at most 40 s``, ``3 d``."""
    first, last = age(low), age(high)
    if first == last:
        return first
    if low < timedelta(seconds=1):
        return f"at most {last}"
    number_, unit = first.split(" ", 1)
    if last.split(" ", 1)[1] == unit and " " not in unit:
        return f"{number_}–{last}"
    return f"{first} to {last}"


def moment(at: datetime, *, seconds: bool = False, today: datetime | None = None) -> str:
    """``2026-11-23 14:45 UTC``; only the time of day if ``today`` is given and is the same day."""
    local = timezone.localtime(at)
    day = "" if today and timezone.localtime(today).date() == local.date() else f"{local:%Y-%m-%d} "
    return f"{day}{local:{_clock(seconds)}} {zone(local)}"


def interval(after: datetime, by: datetime, *, today: datetime | None = None) -> str:
    """When something happened that was seen only afterwards: ``2026-11-23 10:02–10:03 UTC``.

    One minute is told as that minute; the days are told where they differ, or are not ``today``.
    """
    first, last = timezone.localtime(min(after, by)), timezone.localtime(by)
    if f"{first:%Y-%m-%d %H:%M}" == f"{last:%Y-%m-%d %H:%M}":
        return moment(by, today=today)
    if first.date() == last.date():
        return f"{moment(by, today=today)[: -len(_tail(last))]}{first:%H:%M}–{_tail(last)}"
    return f"{first:%Y-%m-%d %H:%M} – {last:%Y-%m-%d} {_tail(last)}"


def _tail(local: datetime) -> str:
    return f"{local:%H:%M} {zone(local)}"


def _clock(seconds: bool) -> str:
    return "%H:%M:%S" if seconds else "%H:%M"


def date(at: datetime) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d}"


def zone(local: datetime) -> str:
    """The name of a local time's zone: ``UTC``, ``CET``, or ``UTC+03`` where it has no letters."""
    name = local.tzname() or "UTC"
    return f"UTC{name}" if name[0] in "+-" else name


def number(n: int) -> str:
    """Thousands set apart by a narrow space that does not break: ``10 000``."""
    return f"{n:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def count(n: int, thing: str, things: str | None = None) -> str:
    """``1 migration``, ``2 migrations``."""
    return f"{number(n)} {thing if n == 1 else things or thing + 's'}"
