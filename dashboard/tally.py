"""How many migrations a list holds: by kept counts, and by a capped count where those don't answer."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import connection

from dashboard import filters, wording
from dashboard.filters import Criteria
from migrations_sync.models import CompanyStatusCount, Source, StatusCount
from migrations_sync.querysets import MigrationQuerySet

CAP = 10_000


@dataclass(frozen=True, slots=True)
class Tally:
    """``total``: at least so many, if there are ``more``. ``by_status``: what each status would give under the
    other criteria; ``None`` where finding out would cost too much."""

    total: int
    by_status: dict[str, int] | None = None
    more: bool = False

    @property
    def words(self) -> str:
        return f"{wording.number(self.total)}{'+' if self.more else ''}"


def tally(criteria: Criteria, kept: Iterable[StatusCount], *, source: Source, now: datetime) -> Tally:
    """At most one query more than ``kept``, the counts of all statuses; two where a search finds very many."""
    kept = list(kept)
    seen = {row.status for row in kept}
    lost = filters.gone_while_open(criteria)
    gone = sum(row.n for row in kept if row.gone and row.status in lost)
    if criteria.narrow:
        return _counted(criteria, seen, source, now)
    if gone and criteria.company:  # by company, gone ones are not kept apart
        return _at_most(_capped(filters.together(criteria, seen=seen, source=source, now=now)))
    by_status = _of_company(criteria.company, source) if criteria.company else _summed(kept)
    codes = filters.wanted(criteria, seen)
    return Tally(gone + sum(n for code, n in by_status.items() if codes is None or code in codes), by_status)


def _summed(kept: list[StatusCount]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in kept:
        found[row.status] = found.get(row.status, 0) + row.n
    return found


def _of_company(company: str, source: Source) -> dict[str, int]:
    rows = CompanyStatusCount.objects.filter(source=source, company_id=company)
    return dict(rows.values_list("status", "n"))


def _counted(criteria: Criteria, seen: set[str], source: Source, now: datetime) -> Tally:
    """By looking at no more than ``CAP`` rows. Where many may be found, only those of the statuses asked for."""
    codes = filters.wanted(criteria, seen)
    rows = filters.together(criteria, seen=seen, source=source, now=now)
    if codes is not None and not (criteria.user or criteria.q):
        return _at_most(_capped(rows))
    every = replace(criteria, statuses=(), attention=False, unknown=False)
    by_status = _grouped(filters.together(every, seen=seen, source=source, now=now))
    if sum(by_status.values()) > CAP:
        return _at_most(CAP + 1 if codes is None else _capped(rows))
    if filters.gone_while_open(criteria):
        return Tally(_capped(rows), by_status)
    return Tally(sum(n for code, n in by_status.items() if codes is None or code in codes), by_status)


def _at_most(n: int) -> Tally:
    return Tally(min(n, CAP), more=n > CAP)


def _grouped(rows: MigrationQuerySet) -> dict[str, int]:
    sql, params = rows.order_by().values_list("status")[: CAP + 1].query.sql_with_params()
    with connection.cursor() as cursor:  # the ORM can't group a part of a table
        cursor.execute(f"SELECT status, COUNT(*) FROM ({sql}) AS found GROUP BY status", params)  # noqa: S608
        return dict(cursor.fetchall())


def _capped(rows: MigrationQuerySet) -> int:
    return rows.order_by()[: CAP + 1].count()
