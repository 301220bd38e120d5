"""Migrations near one: of the same user, of the same company, created at about the same time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection

from dashboard import rows
from dashboard.postgresql import planned
from migrations_sync.database import as_time
from migrations_sync.models import Migration

SHOWN = 5  # of each kind
AROUND = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Tuples of ``rows.FIELDS``, newest first; ``more`` holds the names of those lists that go on."""

    user: Sequence[rows.Values] = ()
    company: Sequence[rows.Values] = ()
    hour: Sequence[rows.Values] = ()
    more: frozenset[str] = frozenset()


_COLUMNS = ", ".join(rows.FIELDS)
# By hand, so that each part is a slice of an index on every database, in one statement.
_OTHERS = (
    "SELECT * FROM (SELECT '{name}', {columns} FROM {table} WHERE {where} AND id <> %(id)s "
    "ORDER BY {order} LIMIT {limit}) AS {name}_part"
)
_PARTS = (
    ("user", "created_by_user_id = %(user)s", "created DESC, id DESC", SHOWN + 1),
    ("company", "company_id = %(company)s", "created DESC, id DESC", SHOWN + 1),
    ("before", "created BETWEEN %(first)s AND %(created)s", "created DESC, id DESC", SHOWN),
    ("after", "created > %(created)s AND created <= %(last)s", "created, id", SHOWN),
)
_SQL = " UNION ALL ".join(
    _OTHERS.format(name=name, columns=_COLUMNS, table=Migration._meta.db_table, where=where, order=order, limit=limit)
    for name, where, order, limit in _PARTS
)
_TIMES = {place for place, name in enumerate(rows.FIELDS) if name == "created" or name.endswith(("_at", "_before"))}


def of(migration: Migration) -> Neighbours:
    """The neighbours of ``migration``. One statement, and each part of it a few rows of an index."""
    adapt = connection.ops.adapt_datetimefield_value
    asked = planned.rows(
        _SQL,
        {
            "id": migration.pk,
            "user": migration.created_by_user_id,
            "company": migration.company_id,
            "created": adapt(migration.created),
            "first": adapt(migration.created - AROUND),
            "last": adapt(migration.created + AROUND),
        },
    )
    found: dict[str, list[rows.Values]] = {name: [] for name, *_ in _PARTS}
    for name, *values in asked:
        found[name].append(tuple(as_time(value) if place in _TIMES else value for place, value in enumerate(values)))
    hour = _nearest(found["before"], found["after"])
    return Neighbours(
        user=found["user"][:SHOWN],
        company=found["company"][:SHOWN],
        hour=hour,
        more=frozenset(name for name in ("user", "company") if len(found[name]) > SHOWN)
        | ({"hour"} if len(found["before"]) + len(found["after"]) > len(hour) else set()),
    )


def _nearest(before: list[rows.Values], after: list[rows.Values]) -> list[rows.Values]:
    """As many from either side as there are, the nearest of each; ``before`` and ``after`` come nearest first."""
    half = SHOWN // 2
    later = after[: max(half, SHOWN - len(before))]
    return [*reversed(later), *before[: SHOWN - len(later)]]
