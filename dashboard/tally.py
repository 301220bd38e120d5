"""How many migrations a list holds: by kept counts, and by a capped count where those don't answer."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Q, QuerySet, Sum

from dashboard import filters, wording
from dashboard.current import Kept
from dashboard.filters import Criteria
from migrations_sync.models import CompanyStatusCount, DayCount, Migration, Source
from migrations_sync.querysets import MigrationQuerySet

CAP = 10_000
FEW = 1_000  # where every row has to be looked at to be counted


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


def tally(criteria: Criteria, kept: Iterable[Kept], *, source: Source, now: datetime) -> Tally:
    """At most one query more than ``kept``, the counts of all statuses."""
    kept = list(kept)
    seen = {row.status for row in kept}
    rows = filters.together(criteria, seen=seen, source=source, now=now)
    codes = filters.wanted(criteria, seen)
    lost = filters.gone_while_open(criteria)
    gone = sum(row.n for row in kept if row.gone and row.status in lost)
    if criteria.user or criteria.q:
        return _few(rows, criteria, seen, source, now)
    by_status = None if gone and criteria.apart_from_status else _from_counts(criteria, kept, source)
    if by_status is None:
        return Tally(min(n := _capped(rows, CAP), CAP), more=n > CAP)
    return Tally(gone + _sum(by_status, codes), by_status)


def _sum(by_status: dict[str, int], codes: list[str] | None) -> int:
    return sum(n for code, n in by_status.items() if codes is None or code in codes)


def _from_counts(criteria: Criteria, kept: list[Kept], source: Source) -> dict[str, int] | None:
    """By status, from counts that the sync keeps; ``None`` for criteria that it keeps none for."""
    if criteria.changed_after or criteria.longer:
        return None
    ranged = criteria.created_after or criteria.created_before
    of_one = criteria.company or criteria.no_company
    if not of_one and not ranged:
        return _added((row.status, row.n) for row in kept if criteria.gone in (None, row.gone))
    if criteria.gone is not None or (of_one and ranged):
        return None
    if ranged:
        return _added(_by_day(criteria.created_after, criteria.created_before, source))
    # An empty company is that of the migrations without one.
    rows = CompanyStatusCount.objects.filter(source=source, company_id=criteria.company)
    return dict(rows.values_list("status", "n"))


def _added(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for code, n in pairs:
        found[code] = found.get(code, 0) + n
    return found


def _by_day(first: datetime | None, last: datetime | None, source: Source) -> Iterable[tuple[str, int]]:
    """Status and number of what was created from ``first`` until ``last``: whole days are kept, only what is left
    of the days at both ends is counted."""
    begin = _midnight(first + timedelta(days=1) - timedelta.resolution) if first else None
    end = _midnight(last) if last else None
    days = DayCount.objects.filter(source=source, kind=DayCount.Kind.CREATED).order_by()
    ends = Q()
    if begin and end and begin > end:  # within one day
        return _grouped(Q(created__gte=first, created__lt=last), source)
    if begin:
        days = days.filter(day__gte=begin.date())
        ends |= Q(created__gte=first, created__lt=begin) if first != begin else Q()
    if end:
        days = days.filter(day__lt=end.date())
        ends |= Q(created__gte=end, created__lt=last) if last != end else Q()
    whole = days.values_list("status").annotate(how_many=Sum("n"))
    return whole.union(_grouped(ends, source), all=True) if ends else whole


def _midnight(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _grouped(condition: Q, source: Source) -> QuerySet[Any, tuple[str, int]]:
    rows = Migration.objects.filter(condition, source=source).order_by()
    return rows.values_list("status").annotate(how_many=Count("pk"))


def _few(rows: MigrationQuerySet, criteria: Criteria, seen: set[str], source: Source, now: datetime) -> Tally:
    """Of one user or of a search, where few are to be expected."""
    every = replace(criteria, statuses=(), attention=False, unknown=False)
    by_status = _some(filters.together(every, seen=seen, source=source, now=now))
    codes = filters.wanted(criteria, seen)
    if sum(by_status.values()) > FEW:
        n = _capped(rows, FEW) if codes else FEW + 1
        return Tally(min(n, FEW), more=n > FEW)
    if filters.gone_while_open(criteria):
        return Tally(_capped(rows, FEW), by_status)
    return Tally(_sum(by_status, codes), by_status)


def _some(rows: MigrationQuerySet) -> dict[str, int]:
    """By status, as far as ``FEW`` reach."""
    sql, params = rows.order_by().values_list("status")[: FEW + 1].query.sql_with_params()
    with connection.cursor() as cursor:  # the ORM can't group a part of a table
        cursor.execute(f"SELECT status, COUNT(*) FROM ({sql}) AS found GROUP BY status", params)  # noqa: S608
        return dict(cursor.fetchall())


def _capped(rows: MigrationQuerySet, cap: int) -> int:
    return rows.order_by()[: cap + 1].count()
