"""Statements that Django writes once, to be filled with other values ever after.

A list is asked for in a few shapes with many values, and writing its statement takes Django several times as long as
any database needs to answer it.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from secrets import token_hex
from threading import Lock
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import DateTimeField, QuerySet

from migrations_sync.database import as_time
from migrations_sync.models import Migration

Values = Mapping[str, Any]  # texts, times, dates or numbers by name
Row = tuple[Any, ...]
Write = Callable[[Values], Sequence[QuerySet[Any, Any]]]

TIMES = {field.name for field in Migration._meta.concrete_fields if isinstance(field, DateTimeField)}
_KEPT = 512  # shapes; those that nobody asks for are forgotten
_MARK = token_hex(16)  # in no text that anybody sends


class _Statement(NamedTuple):
    """``names``: for each of ``params`` the value that goes in its place, and what follows a text; none for one that
    is always the same."""

    sql: str
    params: tuple[Any, ...]
    names: tuple[tuple[str, str] | None, ...]


_statements: OrderedDict[Hashable, _Statement | None] = OrderedDict()
_lock = Lock()


def rows(
    shape: Hashable, values: Values, write: Write, *, fields: Sequence[str] = (), join: Callable[..., str] = str
) -> list[Row]:
    """What the querysets that ``write`` makes of ``values`` find; ``join`` makes one statement of several.

    ``shape`` and ``join`` say all there is to say of them but the values: of equal ones only the first is written.
    ``write`` may put a value into them as it is, or begin a text with it; it must not look at it.
    ``fields``: those of migrations that are asked for, if times are among them.
    """
    statement = _written((shape, join), values, lambda: _write(values, write, join))
    if statement is None:
        return []
    params = [_filled(param, name, values) for param, name in zip(statement.params, statement.names, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, params)
        found: list[Row] = cursor.fetchall()
    if connection.vendor == "sqlite" and fields:
        places = [place for place, name in enumerate(fields) if name in TIMES]
        return [_with_times(row, places) for row in found]
    return found


def _with_times(row: Row, places: Iterable[int]) -> Row:
    """``row`` of SQLite, which does not say of each statement's columns that they hold times."""
    read = list(row)
    for place in places:
        read[place] = as_time(read[place])
    return tuple(read)


def _written(shape: Hashable, values: Values, make: Callable[[], _Statement | None]) -> _Statement | None:
    """The statement of that ``shape``; ``None`` for one that can find nothing."""
    place = (shape, tuple((name, type(value)) for name, value in values.items()))
    with _lock:
        if place in _statements:
            _statements.move_to_end(place)
            return _statements[place]
    made = make()
    with _lock:
        _statements[place] = made
        if len(_statements) > _KEPT:
            _statements.popitem(last=False)
    return made


def _write(values: Values, write: Write, join: Callable[..., str]) -> _Statement | None:
    stand_ins = {name: _stand_in(name, value, place) for place, (name, value) in enumerate(values.items())}
    try:
        parts = [query.query.sql_with_params() for query in write(stand_ins)]
    except EmptyResultSet:
        return None
    params = [param for _, of_one in parts for param in of_one]
    names = [_name(param, stand_ins) for param in params]
    return _Statement(join(*(sql for sql, _ in parts)), tuple(params), tuple(names))


def _stand_in(name: str, value: Any, place: int) -> Any:
    """Something of the same type as ``value`` that no other value equals."""
    if isinstance(value, str):
        return f"{_MARK} {name}."
    if isinstance(value, datetime):
        return datetime(1900, 1, 1, tzinfo=UTC) + timedelta(microseconds=1 + place)
    if isinstance(value, date):
        return date(1900, 1, 1) + timedelta(days=place)
    return 2**62 + place


def _name(param: Any, stand_ins: Values) -> tuple[str, str] | None:
    """Of the one of ``stand_ins`` that ``param`` is or begins with, and what follows it."""
    for name, stand_in in stand_ins.items():
        if isinstance(stand_in, str) and isinstance(param, str) and param.startswith(stand_in):
            return name, param.removeprefix(stand_in)
        if param == _prepared(stand_in):
            return name, ""
    return None


def _filled(param: Any, name: tuple[str, str] | None, values: Values) -> Any:
    """``param``, or what stands in its place."""
    if name is None:
        return param
    value = values[name[0]]
    return value + name[1] if isinstance(value, str) else _prepared(value)


def _prepared(value: Any) -> Any:
    """``value`` as the database takes it."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return connection.ops.adapt_datefield_value(value) if isinstance(value, date) else value
