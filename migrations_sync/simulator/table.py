"""What the API serves at this moment, in its order; safe to read and change from several threads."""

import json
import random
import re
import threading
from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Sequence

from .identifiers import Identifiers
from .rows import HEAD, Row, checksum, encode, stamp

ORDERS = ("newest-first", "oldest-first", "shuffled-by-id")

# Told of each change, in order: the row as it is now, and the status it had, or None for a new one. It is
# called while the table is locked, so it must not wait for anything.
Listener = Callable[[Row, str | None], None]


class Table:
    """The rows being served. A change names a row by its id; an id that is not served raises ``KeyError``."""

    def __init__(self, rows: list[bytes], identifiers: Identifiers, order: str) -> None:
        self._rows = sorted(rows) if order == "shuffled-by-id" else rows
        self._order = order
        self._identifiers = identifiers
        self._next_serial = len(rows)
        self._removed: dict[int, bytes] = {}
        self._removed_serials: list[int] = []  # the same, sorted
        self._odd: dict[str, int] = {}  # ids that a caller chose, and -1 for those they stand in for
        self._lock = threading.RLock()
        self.listener: Listener = lambda row, old: None

    def __len__(self) -> int:
        return len(self._rows)

    def page(self, offset: int, size: int) -> list[bytes]:
        """Up to ``size`` encoded rows from place ``offset`` of the list; none past its end."""
        with self._lock:
            if self._order != "newest-first":
                return self._rows[offset : offset + size]
            end = len(self._rows) - offset
            return self._rows[max(end - size, 0) : max(end, 0)][::-1]

    def get(self, migration_id: str) -> bytes:
        with self._lock:
            return self._rows[self._place(self._served(migration_id), migration_id)]

    def rows(self) -> list[Row]:
        """All that is served, in the order of the list."""
        return [json.loads(row) for row in self.page(0, len(self))]

    def checksum(self) -> str:
        """``rows.checksum`` of all that is served."""
        rows = map(json.loads, self.page(0, len(self)))
        return checksum((r["id"], r["status"], r["created"], r["company_id"], r["created_by_user_id"]) for r in rows)

    def sample(self, count: int, rng: random.Random, statuses: Collection[str] | None = None) -> list[Row]:
        """``count`` different rows, of these statuses or of any, or all there are when fewer."""
        with self._lock:
            rows: Sequence[bytes] = self._rows
            if statuses is not None:
                # A million rows are looked through in a second when only the likely ones are decoded.
                likely = re.compile(b"|".join(re.escape(encode({"status": status})[1:-1]) for status in statuses))
                rows = [row for row in rows if likely.search(row) and json.loads(row)["status"] in statuses]
            return [json.loads(row) for row in rng.sample(rows, min(count, len(rows)))]

    def add(self, row: Row, *, at: float) -> str:
        """Serve a new row, created ``at`` (seconds since the epoch), and return its id.

        ``row`` needs ``status``, ``company_id`` and ``created_by_user_id``; what else it holds is served as
        it is, an ``id`` of the caller's choice too.
        """
        with self._lock:
            serial = self._next_serial
            self._next_serial += 1
            row = {
                "object": "migration",
                "id": self._identifiers.encode(serial),
                "created": stamp(at),
                **row,
            }
            if row["id"] != (own := self._identifiers.encode(serial)):
                self._odd |= {row["id"]: serial, own: -1}
            self._rows.insert(self._place(serial, row["id"]), encode(row))
            self.listener(row, None)
        return str(row["id"])

    def update(self, migration_id: str, **fields: object) -> None:
        """Serve the row with these fields from now on."""
        with self._lock:
            place = self._place(self._served(migration_id), migration_id)
            before = json.loads(self._rows[place])
            after = before | fields
            self._rows[place] = encode(after)
            self.listener(after, before["status"])

    def move(self, migration_id: str, old: str, new: str) -> bool:
        """Change the status unless it is no longer ``old``, or the row no longer served."""
        with self._lock:
            try:
                row = json.loads(self.get(migration_id))
            except KeyError:
                return False
            if row["status"] != old:
                return False
            if new != old:
                self.update(migration_id, status=new)
            return True

    def delete(self, migration_id: str) -> None:
        """Serve the row no longer; ``restore`` brings it back as it was."""
        with self._lock:
            serial = self._served(migration_id)
            self._removed[serial] = self._rows.pop(self._place(serial, migration_id))
            insort(self._removed_serials, serial)

    def restore(self, migration_id: str) -> None:
        with self._lock:
            serial = self._serial(migration_id)
            row = self._removed.pop(serial)
            self._removed_serials.remove(serial)
            self._rows.insert(self._place(serial, migration_id), row)

    def _served(self, migration_id: str) -> int:
        """The serial number of a row that is served."""
        serial = self._serial(migration_id)
        if not 0 <= serial < self._next_serial or serial in self._removed:
            raise KeyError(migration_id)
        return serial

    def _serial(self, migration_id: str) -> int:
        serial = self._odd.get(migration_id)
        return self._identifiers.decode(migration_id) if serial is None else serial

    def _place(self, serial: int, migration_id: str) -> int:
        """Where a row is, or belongs, in ``_rows``: by id, or by serial number, which is by age."""
        if self._order == "shuffled-by-id":
            return bisect_left(self._rows, HEAD + json.dumps(migration_id).encode("ascii"))
        return serial - bisect_left(self._removed_serials, serial)
