"""Pages of a list of any length by keyset: page 10 000 costs what page 1 costs, and a row that comes in meanwhile
neither repeats nor hides another.

A list is one or more *branches*: querysets without a common row, each of which an index serves in the list's order.
"""

import base64
import json
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.models import F, Func, Q, QuerySet, Value
from django.db.models.expressions import OrderBy
from django.db.models.lookups import GreaterThan, LessThan

from dashboard import written
from migrations_sync.models import Migration
from migrations_sync.querysets import MigrationQuerySet

Values = tuple[Any, ...]
COLUMNS = {column.name: column for column in Migration._meta.concrete_fields}
FEW = 1_000  # rows that are looked at one by one to be counted
NULLABLE = {name for name, column in COLUMNS.items() if column.null}


class RowValue(Func):
    """``(a, b)``, to be compared as a whole: the one form that PostgreSQL can seek a keyset with."""

    template = "(%(expressions)s)"
    output_field = models.BooleanField()


@dataclass(frozen=True, slots=True)
class Order:
    """``columns``: all in one direction, the last of them unique."""

    columns: tuple[str, ...]
    descending: bool = False

    def order_by(self, *, backwards: bool = False) -> list[OrderBy]:
        """Rows without a value count as the last, on every database."""
        if self.descending != backwards:
            return [F(name).desc(nulls_first=name in NULLABLE or None) for name in self.columns]
        return [F(name).asc(nulls_last=name in NULLABLE or None) for name in self.columns]


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a list: after (or, ``backwards``, before) the row whose ``key`` this is.

    ``position``: how many rows stood before the place when the link to it was made. An empty key with
    ``backwards`` is the end of the list.
    """

    position: int = 0
    key: Values = ()
    backwards: bool = False

    def encode(self) -> str:
        """A word for an address."""
        plain = [self.position, *(v.isoformat() if isinstance(v, datetime) else v for v in self.key)]
        return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, word: str, order: Order, *, backwards: bool) -> "Cursor":
        """Raises ``ValueError`` for a word that ``encode`` did not make for this order."""
        try:
            position, *raw = json.loads(base64.b64decode(word + "=" * (-len(word) % 4), b"-_", validate=True))
            if not isinstance(position, int) or not 0 <= position < 2**53 or len(raw) not in (0, len(order.columns)):
                raise ValueError(word)
            if not raw and not backwards:
                raise ValueError(word)
            key = tuple(_typed(name, value) for name, value in zip(order.columns, raw, strict=False))
        except (ValueError, TypeError, ValidationError) as error:
            raise ValueError("This link to a page of the list can't be read.") from error
        return cls(position, key, backwards)


def _typed(name: str, value: Any) -> Any:
    """``value`` from a cursor as the column ``name`` holds it."""
    if value is None:
        if name not in NULLABLE:
            raise ValueError(name)
        return None
    if isinstance(value, str) and "\0" in value.encode().decode():  # a lone surrogate is an error as well
        raise ValueError(name)
    typed = COLUMNS[name].to_python(value)
    if isinstance(typed, datetime) and typed.tzinfo is None:
        raise ValueError(name)
    if isinstance(typed, int) and not 0 <= typed < 2**63:
        raise ValueError(name)
    return typed


@dataclass(frozen=True, slots=True)
class Listing:
    """Branches that are asked for again and again with other ``values``: see ``dashboard.written``.

    ``few``: all of any status, where they are likely to be few: then ``some`` of them are listed and all are
    counted, in one statement, for which ``id``, ``api_id`` and ``status`` have to be among the fields.
    """

    shape: Hashable
    values: written.Values
    branches: Callable[[written.Values], list[MigrationQuerySet]]
    few: Callable[[written.Values], MigrationQuerySet] | None = None
    some: Q = field(default_factory=Q)  # leaves those of them that are listed


@dataclass(frozen=True, slots=True)
class Page:
    """``rows``: tuples of the fields asked for. ``start``: rows before them; ``None`` counting from the end.

    ``by_status``: how many ``few`` of a listing there are; ``None`` if there are none such, or more than ``FEW``.
    """

    rows: list[Values]
    start: int | None
    previous: Cursor | None
    next: Cursor | None
    by_status: dict[str, int] | None = None


def page(
    branches: Sequence[MigrationQuerySet] | Listing,
    order: Order,
    cursor: Cursor,
    *,
    size: int,
    fields: Sequence[str],
) -> Page:
    """The page at ``cursor``; the first one where nothing is left before it.

    One statement; two where ``few`` turn out to be many.
    """
    places = [fields.index(name) for name in order.columns]
    found, by_status = _fetch(branches, order, cursor, size + 1, tuple(fields), places)
    more, rows = len(found) > size, found[:size]
    if cursor.backwards:
        rows.reverse()
        if not more and cursor.key and len(rows) < size:
            return page(branches, order, Cursor(), size=size, fields=fields)
        start = None if not cursor.key else max(0, cursor.position - len(rows)) if more else 0
        before, after = more, bool(cursor.key)
    else:
        start, before, after = cursor.position, bool(cursor.key), more
    known = start or 0

    def at(index: int, position: int, *, backwards: bool) -> Cursor:
        return Cursor(position, tuple(rows[index][place] for place in places), backwards)

    return Page(
        rows=rows,
        start=start,
        previous=at(0, known, backwards=True) if rows and before else None,
        next=at(-1, known + len(rows), backwards=False) if rows and after else None,
        by_status=by_status,
    )


def beside(branches: Sequence[MigrationQuerySet], order: Order, key: Values, *, column: str) -> tuple[Any, Any]:
    """``column`` of the rows right before and right after the place of ``key``, whether a row still stands there;
    ``None`` at an end of the list. One statement."""
    fields = (*order.columns, column)
    places = range(len(order.columns))
    found: list[tuple[Any, ...]] = []
    parts = []
    for backwards in (True, False):
        ascending = order.descending == backwards
        for branch in branches:
            for part in _beyond(branch, order, Cursor(key=key, backwards=backwards), ascending=ascending):
                # As a subquery, because SQLite unites no slices.
                nearest = part.order_by(*order.order_by(backwards=backwards)).values("pk")[:1]
                side = Migration.objects.filter(pk__in=nearest).annotate(backwards=Value(int(backwards)))
                parts.append(side.values_list("backwards", *fields))
    if parts:
        found = list(parts[0].union(*parts[1:], all=True))
    before, after = (
        _sorted([row[1:] for row in found if row[0] == backwards], places, ascending=order.descending == backwards)
        for backwards in (True, False)
    )
    return (before[0][-1] if before else None), (after[0][-1] if after else None)


def _sorted(rows: list[Values], places: Iterable[int], *, ascending: bool) -> list[Values]:
    """``rows`` by the columns at ``places``; those without a value stand behind the others."""
    places = list(places)
    return sorted(rows, key=lambda row: [(row[p] is None, row[p] or "") for p in places], reverse=not ascending)


def _fetch(
    branches: Sequence[MigrationQuerySet] | Listing, order: Order, cursor: Cursor, limit: int,
    fields: tuple[str, ...], places: list[int],
) -> tuple[list[Values], dict[str, int] | None]:  # fmt: skip
    """The first ``limit`` rows from ``cursor`` on, in the direction that it looks, and ``by_status`` of the page."""
    ascending = order.descending == cursor.backwards
    by_status = None
    if isinstance(branches, Listing):
        rows, by_status = _few(branches, order, cursor, limit, fields) if branches.few else ([], None)
        if by_status is None:
            rows = _kept(branches, order, cursor, limit, fields)
    else:
        query = _statement(branches, order, cursor, limit, fields)
        rows = [] if query is None else list(query)
    return _sorted(rows, places, ascending=ascending), by_status


def _few(
    listing: Listing, order: Order, cursor: Cursor, limit: int, fields: tuple[str, ...]
) -> tuple[list[Values], dict[str, int] | None]:
    """The rows, and how many there are of each status; ``None`` of more than ``FEW``."""

    def write(values: written.Values) -> list[QuerySet[Any, Any]]:
        every = listing.few(values) if listing.few else Migration.objects.none()
        query = _statement([Migration.objects.filter(listing.some)], order, _at(cursor, values), limit, fields)
        return [every.order_by().values(*fields)[: FEW + 1], Migration.objects.none() if query is None else query]

    found = _asked(listing, order, cursor, limit, fields, write, _with_counts(fields))
    key = fields.index("api_id")
    by_status = {row[fields.index("status")]: row[fields.index("id")] for row in found if row[key] is None}
    return [row for row in found if row[key] is not None], by_status if sum(by_status.values()) <= FEW else None


@cache
def _with_counts(fields: tuple[str, ...]) -> Callable[[str, str], str]:
    """One statement of all rows and of a page of them: the rows of the page, and one for each status without an id of
    the API but with the number of its rows as its own."""
    counted = {"id": "COUNT(*)", "status": "status"}
    columns = ", ".join(counted.get(name, "NULL") for name in fields)

    def join(every: str, page: str) -> str:
        of_these = page.replace(f'"{Migration._meta.db_table}"', '"few"')
        return (
            f"WITH few AS ({every}) SELECT * FROM ({of_these}) AS page "  # noqa: S608  (Django wrote them)
            f"UNION ALL SELECT {columns} FROM few GROUP BY status"
        )

    return join


def _kept(listing: Listing, order: Order, cursor: Cursor, limit: int, fields: tuple[str, ...]) -> list[Values]:
    def write(values: written.Values) -> list[QuerySet[Any, Any]]:
        query = _statement(listing.branches(values), order, _at(cursor, values), limit, fields)
        return [Migration.objects.none() if query is None else query]

    return _asked(listing, order, cursor, limit, fields, write, str)


def _asked(
    listing: Listing, order: Order, cursor: Cursor, limit: int, fields: tuple[str, ...], write: written.Write,
    join: Callable[..., str],
) -> list[Values]:  # fmt: skip
    key = {f"key{place}": value for place, value in enumerate(cursor.key) if value is not None}
    nulls = tuple(value is None for value in cursor.key)
    shape = (listing.shape, order, nulls, cursor.backwards, limit, fields)
    return written.rows(shape, {**listing.values, **key}, write, fields=fields, join=join)


def _at(cursor: Cursor, values: written.Values) -> Cursor:
    """``cursor`` with what stands in for its key."""
    return Cursor(key=tuple(values.get(f"key{n}") for n in range(len(cursor.key))), backwards=cursor.backwards)


def _statement(
    branches: Sequence[MigrationQuerySet], order: Order, cursor: Cursor, limit: int, fields: Sequence[str]
) -> QuerySet[Any, Any] | None:
    """What finds them; ``None`` where there are none to be found."""
    order_by = order.order_by(backwards=cursor.backwards)
    ascending = order.descending == cursor.backwards
    parts = [part.order_by() for branch in branches for part in _beyond(branch, order, cursor, ascending=ascending)]
    if not parts:
        return None
    if len(parts) == 1:
        return parts[0].order_by(*order_by).values_list(*fields)[:limit]
    if connection.features.supports_slicing_ordering_in_compound:
        # Only of parts that come in order PostgreSQL reads no more than the page takes.
        parts = [part.order_by(*order_by)[:limit] for part in parts]
    first, *others = (part.values_list(*fields) for part in parts)
    return first.union(*others, all=True).order_by(*order_by)[:limit]


def _beyond(branch: MigrationQuerySet, order: Order, cursor: Cursor, *, ascending: bool) -> list[MigrationQuerySet]:
    """``branch`` from ``cursor`` on. Rows without a value stand behind all others, in a part of their own,
    because no index can seek past a null."""
    first, *rest = order.columns
    key = cursor.key
    if first not in NULLABLE:
        return [branch.filter(_past(order.columns, key, ascending=ascending)) if key else branch]
    valued, empty = branch.filter(Q((f"{first}__isnull", False))), branch.filter(Q((f"{first}__isnull", True)))
    if not key:
        return [valued, empty]
    if key[0] is None:
        left = empty.filter(_past(rest, key[1:], ascending=ascending))
        return [left] if ascending else [valued, left]
    left = valued.filter(_past(order.columns, key, ascending=ascending))
    return [left, empty] if ascending else [left]


def _past(columns: Sequence[str], key: Values, *, ascending: bool) -> GreaterThan | LessThan:
    values = [Value(value, output_field=COLUMNS[name]) for name, value in zip(columns, key, strict=True)]
    compare = GreaterThan if ascending else LessThan
    return compare(RowValue(*(F(name) for name in columns)), RowValue(*values))
