"""Times and lengths as people write them in an address. Pure: ``now`` is given."""

import re
from datetime import UTC, datetime, timedelta

UNITS = {"min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
LONGEST = timedelta(days=36_525)  # so that no time before now is before all times
_LENGTH = re.compile(r"(\d{1,6})\s*(min|h|d|w)")
# In an address a plus sign stands for a space, so an offset may arrive as " 02:00".
_LOST_PLUS = re.compile(r"(\d) (\d\d:?\d\d)$")


def length(text: str) -> timedelta:
    """``90min``, ``6h``, ``3d``, ``2w``. Raises ``ValueError`` in words for anything else."""
    match = _LENGTH.fullmatch(text.strip().lower())
    if not match:
        raise ValueError("Use a length such as 90min, 6h, 3d or 2w.")
    found = timedelta(seconds=int(match[1]) * UNITS[match[2]])
    if found > LONGEST:
        raise ValueError("Use a length of 100 years at most.")
    return found


def said(span: timedelta) -> str:
    """``span`` as ``length`` reads it, to the minute."""
    return f"{max(1, round(span.total_seconds() / 60))}min"


def moment(text: str, *, now: datetime) -> datetime:
    """``now-24h``, ``today``, an ISO date or time. Without an offset it is UTC; a date is its beginning.

    Raises ``ValueError`` in words for anything else.
    """
    word = text.strip()
    if word.lower() == "today":
        return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        if word.lower().startswith("now"):
            return _before(now, word[3:].strip())
        at = datetime.fromisoformat(_LOST_PLUS.sub(r"\1+\2", word) if "T" in word or ":" in word else word)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("Use a date, a time such as 2026-11-23T14:45Z, or now-24h.") from error
    return at


def _before(now: datetime, rest: str) -> datetime:
    if not rest:
        return now
    if not rest.startswith("-"):
        raise ValueError(rest)
    return now - length(rest[1:])


def is_relative(text: str) -> bool:
    """Whether what ``text`` means moves on with the clock."""
    return text.strip().lower().startswith(("now", "today"))
