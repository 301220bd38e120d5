"""Learns from what passes by whether the list is sorted by ``created``. The API does not document it."""

from collections.abc import Sequence
from datetime import datetime

from migrations_sync import records
from migrations_sync.exceptions import InvalidRecord
from migrations_sync.models import Source

# Rows created while a sweep reads push others along; a list with more steps back than this is not sorted.
_TOLERATED = 0.02


class OrderObserver:
    """Looks at a few rows of each page, in page order."""

    def __init__(self) -> None:
        self._last: datetime | None = None
        self._down = self._up = 0

    def look(self, rows: Sequence[object]) -> None:
        every = max(1, len(rows) // 4)
        for row in [*rows[::every], rows[-1]] if rows else []:
            try:
                created = records.parse(row).created
            except InvalidRecord:
                continue
            if self._last is not None:
                self._down += created < self._last
                self._up += created > self._last
            self._last = created

    @property
    def order(self) -> Source.Order:
        """What was seen; unknown while too little was."""
        steps = self._down + self._up
        if steps < 2:
            return Source.Order.UNKNOWN
        if self._up <= steps * _TOLERATED:
            return Source.Order.NEWEST_FIRST
        if self._down <= steps * _TOLERATED:
            return Source.Order.OLDEST_FIRST
        return Source.Order.NONE
