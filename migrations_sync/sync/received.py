"""Rows as they were received, made ready for comparing and writing. Needs no database, so any thread can do it."""

from bisect import bisect_right
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any, NamedTuple

from migrations_sync import records, statuses
from migrations_sync.exceptions import InvalidRecord
from migrations_sync.records import MigrationRecord


class Reject(NamedTuple):
    """A row that can't be read, and as much of it as can."""

    row: object
    reason: str
    api_id: str = ""


class Received:
    """Rows as received at ``at`` (UTC), any JSON values. ``page`` is empty for what was asked for by id.

    Those that can be identified stand in lists that run in parallel; ``rejects`` has the others. With
    ``make_row``, for rows that are probably new, they are read whole at once: ``records`` has what was read,
    ``new_rows`` what ``make_row`` made of it and the time, ``odd`` the indexes of what is not as documented.
    """

    def __init__(
        self,
        rows: Iterable[object],
        at: datetime,
        page: int | None = None,
        *,
        make_row: Callable[[MigrationRecord, datetime], Any] | None = None,
    ) -> None:
        self.at = at
        self.page = page
        self.rows: list[object] = []
        self.api_ids: list[str] = []
        self.fingerprints: list[int] = []
        self.records: list[MigrationRecord] = []
        self.new_rows: list[Any] = []
        self.odd: list[int] = []
        self.rejects: list[Reject] = []
        for row in rows:
            try:
                api_id, fingerprint = self._read(row, make_row) if make_row else records.identify(row)
            except InvalidRecord as error:
                self.rejects.append(Reject(row, str(error), _id_of(row)))
                continue
            self.rows.append(row)
            self.api_ids.append(api_id)
            self.fingerprints.append(fingerprint)

    def _read(self, row: object, make_row: Callable[[MigrationRecord, datetime], Any]) -> tuple[str, int]:
        record = records.parse(row)
        if is_odd(record):
            self.odd.append(len(self.records))
        self.records.append(record)
        self.new_rows.append(make_row(record, self.at))
        return record.id, record.fingerprint

    def read(self, index: int) -> MigrationRecord:
        """One row, whole.

        Raises:
            InvalidRecord: it can be identified, but not read.
        """
        return self.records[index] if self.records else records.parse(self.rows[index], self.fingerprints[index])

    def drop(self, indexes: Container[int]) -> None:
        """Forget these rows."""
        kept = [index for index in range(len(self.rows)) if index not in indexes]
        self.odd = [place for place, index in enumerate(kept) if index in self.odd]
        for name in ("rows", "api_ids", "fingerprints", "records", "new_rows"):
            if values := getattr(self, name):
                setattr(self, name, [values[index] for index in kept])


def _id_of(row: object) -> str:
    """The id of a row that can't be read, if that can."""
    try:
        return records.identify(row)[0]
    except InvalidRecord:
        return ""


def is_odd(record: MigrationRecord) -> bool:
    """Whether something about it is not as documented."""
    return bool(record.payload) or record.created_by_user_id is None or not statuses.is_known(record.status)


class Bunch:
    """What was received, as one list of rows, each with its place in it. ``repeats``: how many came twice.

    Where an id came more than once, the later answer counts.
    """

    def __init__(self, received: Iterable[Received]) -> None:
        self.received = list(received)
        self.repeats = self._drop_repeats()
        self.api_ids = [api_id for part in self.received for api_id in part.api_ids]
        self.fingerprints = [fingerprint for part in self.received for fingerprint in part.fingerprints]
        self._starts = list(accumulate((len(part.rows) for part in self.received), initial=0))

    def __len__(self) -> int:
        return len(self.api_ids)

    def find(self, place: int) -> tuple[Received, int]:
        """With what the row was received, and its index in there."""
        part = bisect_right(self._starts, place) - 1
        return self.received[part], place - self._starts[part]

    def pages(self, places: Sequence[int]) -> set[int]:
        """The numbers of the pages on which these rows were."""
        whole = len(places) == len(self)
        parts = (part for part in self.received if part.rows) if whole else (self.find(p)[0] for p in places)
        return {part.page for part in parts if part.page is not None}

    def rejects(self) -> Iterator[tuple[Reject, Received]]:
        return ((reject, part) for part in self.received for reject in part.rejects)

    def _drop_repeats(self) -> int:
        ids: set[str] = set()
        for part in self.received:
            ids.update(part.api_ids)
        repeats = sum(len(part.api_ids) for part in self.received) - len(ids)
        if repeats:
            ids.clear()
            for part in reversed(self.received):
                part.drop(_again(part.api_ids, ids))
        return repeats


def _again(api_ids: Sequence[str], ids: set[str]) -> set[int]:
    """The indexes of those that are in ``ids``, or come once more behind; the others are added."""
    again = set()
    for index in reversed(range(len(api_ids))):
        if api_ids[index] in ids:
            again.add(index)
        ids.add(api_ids[index])
    return again
