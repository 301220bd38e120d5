"""The columns of the table of migrations: names, headings, and what can be sorted by.

The busiest page draws the rows itself from values made ready (``dashboard.rows``): a cell at a time is too slow.
"""

from collections.abc import Collection
from dataclasses import dataclass

import django_tables2

from dashboard.filters import NEWEST_FIRST
from dashboard.links import Here
from dashboard.preferences import OPTIONAL_COLUMNS


class MigrationTable(django_tables2.Table):
    """A column that can be sorted by has the name that ``sort`` gives it."""

    status = django_tables2.Column("Status")
    id = django_tables2.Column("Migration", accessor="api_id", orderable=False)
    company = django_tables2.Column("Company", accessor="company_id")
    user = django_tables2.Column("Created by", accessor="created_by_user_id")
    created = django_tables2.Column("Created", initial_sort_descending=True)
    since = django_tables2.Column("In status for", accessor="status_changed_at", orderable=False)
    changed = django_tables2.Column("Last change", accessor="changed_at", initial_sort_descending=True)
    checked = django_tables2.Column("Last checked", accessor="checked_at", orderable=False)


LABELS = {name: str(column.verbose_name) for name, column in MigrationTable.base_columns.items()}


def optional_columns(hidden: Collection[str]) -> list[tuple[str, str, bool]]:
    """Name, label, and whether it is shown, of every column that a person may leave out."""
    return [(name, LABELS[name], name not in hidden) for name in OPTIONAL_COLUMNS]


@dataclass(frozen=True, slots=True)
class Heading:
    """``href`` sorts by the column, the other way round if it is sorted by already; empty: it can't be sorted."""

    label: str
    href: str = ""
    sorted: str = ""  # ascending, descending or empty
    arrow: str = ""


def headings(sort: str, here: Here) -> list[Heading]:
    """The heads of the columns of a table that is sorted by ``sort``."""
    return [_heading(name, column, sort, here) for name, column in MigrationTable.base_columns.items()]


def _heading(name: str, column: django_tables2.Column, sort: str, here: Here) -> Heading:
    label = LABELS[name]
    if column.orderable is False:
        return Heading(label)
    if sort.lstrip("-") != name:
        return Heading(label, _by(f"-{name}" if column.initial_sort_descending else name, here))
    if sort.startswith("-"):
        return Heading(label, _by(name, here), "descending", "↓")
    return Heading(label, _by(f"-{name}", here), "ascending", "↑")


def _by(sort: str, here: Here) -> str:
    return here.dropping("sort") if sort == NEWEST_FIRST else here.setting("sort", sort)
