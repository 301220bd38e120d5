"""Pages of lists that are read from their top, newest or largest first: each costs the same however deep it lies."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.core.exceptions import BadRequest, ValidationError
from django.db.models import F, Field, Model, QuerySet, Value
from django.db.models.lookups import GreaterThan, LessThan
from django.http import HttpRequest

from dashboard.paging import RowValue
from dashboard.parts import Pager

SIZE = 50
_Row = TypeVar("_Row", bound=Model)


def _field(model: type[Model], name: str) -> "Field[Any, Any]":
    field = model._meta.get_field(name)
    if not isinstance(field, Field):
        raise TypeError(f"{name} is no column of {model.__name__}")
    return field


@dataclass(frozen=True, slots=True)
class Slice(Generic[_Row]):
    """``rows`` in the list's order, and the addresses of the pages beside them."""

    rows: list[_Row]
    pager: Pager


def page(request: HttpRequest, rows: QuerySet[_Row], columns: Sequence[str], *, size: int = SIZE) -> Slice[_Row]:
    """The page that ``after`` or ``before`` in the address asks for; the first one where they ask for none.

    ``columns``: what orders the list, largest first; none of them may be null, and the last one is unique.

    Raises:
        BadRequest: a place in the address that no link of ours has made.
    """
    after, before = (_place(request.GET.get(name), rows.model, columns) for name in ("after", "before"))
    if before:
        found = list(_from(rows, columns, GreaterThan, before, sign="")[: size + 1])
        if len(found) > size:
            return _slice(request, found[:size][::-1], columns, earlier=True, later=True)
        after = None  # what is left before the place fits on the first page
    found = list(_from(rows, columns, LessThan, after, sign="-")[: size + 1])
    return _slice(request, found[:size], columns, earlier=bool(after), later=len(found) > size)


def _from(
    rows: QuerySet[_Row], columns: Sequence[str], beyond: type[GreaterThan | LessThan], place: Any, *, sign: str
) -> QuerySet[_Row]:
    if place:
        values = [
            Value(value, output_field=_field(rows.model, name)) for name, value in zip(columns, place, strict=True)
        ]
        rows = rows.filter(beyond(RowValue(*map(F, columns)), RowValue(*values)))
    return rows.order_by(*(f"{sign}{name}" for name in columns))


def _slice(
    request: HttpRequest, shown: list[_Row], columns: Sequence[str], *, earlier: bool, later: bool
) -> Slice[_Row]:
    def to(**place: Any) -> str:
        query = request.GET.copy()
        for name in ("after", "before"):
            query.pop(name, None)
        query.update({name: _word(row, columns) for name, row in place.items()})
        return f"{request.path}?{query.urlencode()}" if query else request.path

    pager = Pager(
        summary="",
        first=to() if shown and earlier else "",
        previous=to(before=shown[0]) if shown and earlier else "",
        next=to(after=shown[-1]) if shown and later else "",
    )
    return Slice(shown, pager)


def _word(row: Model, columns: Sequence[str]) -> str:
    values = [getattr(row, name) for name in columns]
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def _place(word: str | None, model: type[Model], columns: Sequence[str]) -> list[Any] | None:
    if not word:
        return None
    try:
        plain = json.loads(base64.urlsafe_b64decode(word + "=" * (-len(word) % 4)))
        return [_typed(model, name, value) for name, value in zip(columns, plain, strict=True)]
    except (ValueError, TypeError, ValidationError) as error:
        raise BadRequest("This link to a page of the list can't be read.") from error


def _typed(model: type[Model], name: str, value: Any) -> Any:
    typed = _field(model, name).to_python(value)
    naive = isinstance(typed, datetime) and typed.tzinfo is None
    if typed is None or naive or (isinstance(typed, int) and not -(2**63) <= typed < 2**63):
        raise ValueError(name)
    return typed
