"""How many migrations a list holds: by kept counts, and by a capped count where those don't answer."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from dashboard import filters, wording, written
from dashboard.current import Kept
from dashboard.filters import Criteria
from dashboard.paging import FEW
from dashboard.written import Values
from migrations_sync.models import CompanyStatusCount, DayCount, Migration, Source

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


@dataclass(frozen=True, slots=True)
class _List:
    """The list whose rows are counted, where no counts are kept of it."""

    criteria: Criteria
    seen: frozenset[str]
    source: Source
    now: datetime

    def count(self, cap: int) -> int:
        """How many they are, or ``cap`` + 1."""

        def write(values: Values) -> list[QuerySet[Any, Any]]:
            criteria, now = filters.with_values(self.criteria, values, self.now)
            rows = filters.together(criteria, now, seen=self.seen, source=self.source)
            return [rows.order_by().values_list("status")[: cap + 1]]

        shape = ("count", filters.shape(self.criteria, self.seen, self.source), cap)
        ((n,),) = written.rows(shape, filters.values(self.criteria, self.now), write, join=_counted) or [(0,)]
        return int(n)


def _counted(rows: str) -> str:
    return f"SELECT COUNT(*) FROM ({rows}) AS found"  # noqa: S608  (Django wrote it)


def tally(
    criteria: Criteria,
    kept: Iterable[Kept],
    *,
    source: Source,
    now: datetime,
    by_status: dict[str, int] | None = None,
) -> Tally:
    """At most one query more than ``kept``, the counts of all statuses, and what a page has counted by the way."""
    kept = list(kept)
    asked = _List(criteria, frozenset(row.status for row in kept), source, now)
    codes = filters.wanted(criteria, asked.seen)
    lost = filters.gone_while_open(criteria)
    gone = sum(row.n for row in kept if row.gone and row.status in lost)
    if criteria.user or criteria.q:
        return _few(asked, by_status, codes)
    of_list = None if gone and criteria.apart_from_status else _from_counts(criteria, kept, source)
    if of_list is None:
        return Tally(min(n := asked.count(CAP), CAP), more=n > CAP)
    return Tally(gone + _sum(of_list, codes), of_list)


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

    def write(values: Values) -> list[QuerySet[Any, Any]]:
        counts = CompanyStatusCount.objects.filter(source=source, company_id=values["company"])
        return [counts.values_list("status", "n")]

    return dict(written.rows(("of a company", source.pk), {"company": criteria.company}, write))


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
    given = {"first": first, "begin": begin, "end": end, "last": last}
    within = bool(begin and end and begin > end)  # one day
    broken = (first != begin, last != end)
    values: dict[str, date] = {name: value for name, value in given.items() if value}
    values |= {f"{name} day": value.date() for name, value in (("begin", begin), ("end", end)) if value}

    def write(values: Values) -> list[QuerySet[Any, Any]]:
        if within:
            return [_grouped(Q(created__gte=values["first"], created__lt=values["last"]), source)]
        days = DayCount.objects.filter(source=source, kind=DayCount.Kind.CREATED).order_by()
        ends = Q()
        if begin:
            days = days.filter(day__gte=values["begin day"])
            ends |= Q(created__gte=values["first"], created__lt=values["begin"]) if broken[0] else Q()
        if end:
            days = days.filter(day__lt=values["end day"])
            ends |= Q(created__gte=values["end"], created__lt=values["last"]) if broken[1] else Q()
        whole = days.values_list("status").annotate(how_many=Sum("n"))
        return [whole.union(_grouped(ends, source), all=True) if ends else whole]

    return written.rows(("by day", within, broken, source.pk), values, write)


def _midnight(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _grouped(condition: Q, source: Source) -> QuerySet[Any, tuple[str, int]]:
    rows = Migration.objects.filter(condition, source=source).order_by()
    return rows.values_list("status").annotate(how_many=Count("pk"))


def _few(asked: _List, by_status: dict[str, int] | None, codes: list[str] | None) -> Tally:
    """Of one user or of a search, where few are to be expected."""
    if by_status is None:
        n = FEW + 1 if codes is None else asked.count(FEW)
        return Tally(min(n, FEW), more=n > FEW)
    if filters.gone_while_open(asked.criteria):
        return Tally(asked.count(FEW), by_status)
    return Tally(_sum(by_status, codes), by_status)
