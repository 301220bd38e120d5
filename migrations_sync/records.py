"""Rows of the API as records with real types, and cheap fingerprints that tell which rows changed.

Knows neither HTTP nor a database. Source of the fields: the API guide, "Migrations", and the API reference,
"Start migration"; where the two differ in what may be null, the more generous reading is taken.
"""

import json
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple

from migrations_sync.exceptions import InvalidRecord

# The longest values that are kept, in characters.
MAX_ID = MAX_COMPANY_ID = MAX_USER_ID = 255
MAX_STATUS = MAX_CREATED = 64

OBJECT = "migration"
DOCUMENTED = ("object", "id", "created", "status", "created_by_user_id", "company_id")

# A day inside what datetime can hold, so that no time zone pushes a stored time over the edge.
EARLIEST = datetime.min.replace(tzinfo=UTC) + timedelta(days=1)
LATEST = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)

_DOCUMENTED_SET = frozenset(DOCUMENTED)
_documented_values = itemgetter(*DOCUMENTED)
_signed_64_bits = struct.Struct(">q").unpack
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_JSON_TYPES = {bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "an object"}
_MOST_ODDITIES = 20


class MigrationRecord(NamedTuple):
    """One migration as the API gave it. A named tuple: a frozen dataclass takes four times as long to make.

    ``created`` is aware, in UTC; ``created_raw`` is its text as received. ``payload`` is the row as JSON text
    in ASCII, or ``""`` when the other fields say all of it. ``fingerprint`` is a signed 64-bit number that
    differs when the row does.
    """

    id: str
    created: datetime
    created_raw: str
    status: str
    company_id: str | None
    created_by_user_id: str | None
    payload: str
    fingerprint: int


def identify(row: Any) -> tuple[str, int]:
    """The row's API id and its fingerprint, without reading the rest.

    A row whose stored fingerprint is the same need not be parsed.

    Raises:
        InvalidRecord: the row is no object, or has no usable id.
    """
    content = _plain(row)
    if content is None:
        content = _encode(_object(row)).encode()
    return _required(row, "id", MAX_ID), _fingerprint(content)


def is_possible_id(text: str) -> bool:
    """Whether a migration of the API can have this id, so that asking for it makes sense."""
    return 0 < len(text) <= MAX_ID and "\0" not in text and _is_unicode(text)


def json_type(value: object) -> str:
    """What a JSON value is, in words for a person."""
    return "null" if value is None else _JSON_TYPES.get(type(value), "a text")


def parse(row: Any, fingerprint: int | None = None) -> MigrationRecord:
    """The row with real types. ``fingerprint``: what ``identify`` has said of it, if it was asked.

    Raises:
        InvalidRecord: a field that the mirror lives by can't be read; the message names it.
    """
    return _parse_plain(row, fingerprint) or _parse_any(row, fingerprint)


def _parse_plain(row: Any, fingerprint: int | None) -> MigrationRecord | None:
    """Nearly every row: the documented fields as short ASCII texts, which one look at all of them approves.

    Says what ``_parse_any`` says, in less than half its time, or nothing.
    """
    try:
        values = kind, api_id, created_raw, status, user_id, company_id = _documented_values(row)
        text = "\0".join(values if company_id is not None else values[:-1])
    except (KeyError, TypeError):
        return None
    plain = (
        len(row) == len(DOCUMENTED)
        and kind == OBJECT
        and text.isascii()
        and text.count("\0") == (4 if company_id is None else 5)
        and len(text) <= MAX_ID  # so no value is longer
        and 0 < len(created_raw) <= MAX_CREATED
        and 0 < len(status) <= MAX_STATUS
        and api_id != ""
        and user_id != ""
        and company_id != ""
    )
    if not plain:
        return None
    if fingerprint is None:
        fingerprint = _fingerprint(text.encode())  # the very text that ``_plain`` would join
    return MigrationRecord(api_id, _time(created_raw), created_raw, status, company_id, user_id, "", fingerprint)


def _parse_any(row: Any, fingerprint: int | None) -> MigrationRecord:
    if fingerprint is None:
        _, fingerprint = identify(row)
    created_raw = _required(row, "created", MAX_CREATED)
    return MigrationRecord(
        _required(row, "id", MAX_ID),
        _time(created_raw),
        created_raw,
        _required(row, "status", MAX_STATUS),
        _optional(row, "company_id", MAX_COMPANY_ID),
        _optional(row, "created_by_user_id", MAX_USER_ID),
        "" if _is_all_told(row) else _encode(row),
        fingerprint,
    )


def oddities(row: Any) -> tuple[str, ...]:
    """What differs from the documentation in a readable row, a few stable words each; ``()`` if nothing does.

    For example ``("created_by_user_id is null", "undocumented field 'progress'")``.
    """
    fields = _object(row)
    if _is_all_told(fields) and fields["created_by_user_id"] is not None:
        return ()
    return tuple(islice(_differences(fields), _MOST_ODDITIES))


def _differences(fields: dict[str, Any]) -> Iterator[str]:
    for name in DOCUMENTED:
        if name not in fields:
            yield f"{name} is missing"
        elif fields[name] == "":
            yield f"{name} is empty"
    if "created_by_user_id" in fields and fields["created_by_user_id"] is None:
        yield "created_by_user_id is null"
    if fields.get("object", OBJECT) not in (OBJECT, ""):
        yield f"object is {_shown(fields['object'])}"
    for name in fields:
        if name not in _DOCUMENTED_SET:
            yield f"undocumented field {_shown(name)}"


def _plain(row: Any) -> bytes | None:
    """The documented values joined, or ``None`` when the row is anything but these six as text.

    NUL, which no value that is kept may hold, keeps the joint unambiguous; a null company is one part less.
    """
    try:
        values = _documented_values(row)
        if values[-1] is None:
            values = values[:-1]
        text = "\0".join(values)
        if len(row) == len(DOCUMENTED) and text.count("\0") == len(values) - 1:
            return text.encode()
    except (KeyError, TypeError, UnicodeEncodeError):
        pass
    return None


def _fingerprint(content: bytes) -> int:
    number: int = _signed_64_bits(blake2b(content, digest_size=8).digest())[0]
    return number


def _encode(fields: dict[str, Any]) -> str:
    try:
        return _canonical(fields)
    except RecursionError:
        raise InvalidRecord("the row is nested too deeply") from None


def _is_all_told(fields: dict[str, Any]) -> bool:
    """Whether the record's own fields are enough to write the row down again."""
    return (
        fields.keys() == _DOCUMENTED_SET
        and fields["object"] == OBJECT
        and fields["company_id"] != ""
        and fields["created_by_user_id"] != ""
    )


def _object(row: Any) -> dict[str, Any]:
    if type(row) is dict:
        return row
    raise InvalidRecord(f"the row is {_kind(row)}, not an object")


def _required(fields: dict[str, Any], name: str, longest: int) -> str:
    value = fields.get(name)
    if type(value) is str and value:
        return _storable(name, value, longest)
    raise InvalidRecord(f"{name} is {_kind(value) if name in fields else 'missing'}")


def _optional(fields: dict[str, Any], name: str, longest: int) -> str | None:
    value = fields.get(name)
    if value is None or value == "":
        return None
    if type(value) is str:
        return _storable(name, value, longest)
    raise InvalidRecord(f"{name} is {_kind(value)}, not a text")


def _storable(name: str, value: str, longest: int) -> str:
    """The value, unless a database column could not hold it."""
    if len(value) > longest:
        raise InvalidRecord(f"{name} is longer than {longest} characters: {_shown(value)}")
    if not value.isascii() and not _is_unicode(value):
        raise InvalidRecord(f"{name} has half a surrogate pair: {_shown(value)}")
    if "\0" in value:
        raise InvalidRecord(f"{name} has a NUL character: {_shown(value)}")
    return value


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _time(raw: str) -> datetime:
    """A calendar date and a time of day, with or without fraction and offset; without one it is UTC.

    ``fromisoformat`` also takes bare dates, week dates and forms without dashes: a time read out of those
    would be a guess.
    """
    text = raw.upper()
    try:
        if text[4] == text[7] == "-" and text[10] in "T " and text[13] == ":":
            value = datetime.fromisoformat(text)
            # Read again where there is no zone: replace(tzinfo=UTC) takes twice as long.
            value = datetime.fromisoformat(text + "Z") if value.tzinfo is None else value.astimezone(UTC)
            if EARLIEST <= value <= LATEST:
                return value
    except (IndexError, ValueError, OverflowError):
        pass
    raise InvalidRecord(f"created is no date and time that can be read: {_shown(raw)}")


def _kind(value: object) -> str:
    return "empty" if value == "" else json_type(value)


def _shown(value: object) -> str:
    text = ascii(value) if isinstance(value, str) else _kind(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
