"""One migration as the API shows it, encoded once and kept as bytes.

Source of the fields: API reference, "Migration object". ``created`` is ISO 8601 in UTC with microseconds and
without a zone, as the vendor's sample has it.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

Row = dict[str, Any]

# Rows start alike, so that sorting their bytes sorts them by id.
HEAD = b'{"object":"migration","id":'
# For values known to need no escaping; the company is JSON already, as it may be null.
PLAIN = '{"object":"migration","id":"%s","created":"%s","status":"%s","created_by_user_id":"%s","company_id":%s}'


def encode(row: Row) -> bytes:
    return json.dumps(row, separators=(",", ":")).encode("ascii")


def stamp(seconds: float) -> str:
    """Seconds since the epoch as the API writes times."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def checksum(rows: Iterable[tuple[str, str, str, str | None, str | None]]) -> str:
    """Sixteen hexadecimal digits for a set of (id, status, created, company_id, created_by_user_id).

    The order of the rows does not matter; ``created`` is text as the API gives it. It is the sum, modulo
    2**64, of the first eight bytes of the MD5 of the five fields joined by ``|``, null as nothing.
    """
    total = 0
    for row in rows:
        text = "|".join(field or "" for field in row).encode("utf-8", "surrogatepass")
        total += int.from_bytes(hashlib.md5(text, usedforsecurity=False).digest()[:8])
    return f"{total % 2**64:016x}"
