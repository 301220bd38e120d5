"""What statements written by hand need from the database beside Django."""

from datetime import UTC, datetime
from typing import Any


def as_time(value: Any) -> datetime | None:
    """A time read by a bare cursor. SQLite has no type for times: Django keeps them there as text, in UTC."""
    at: datetime | None = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at.replace(tzinfo=UTC) if at and at.tzinfo is None else at
