"""Thirty days in numbers, as charts and as tables that say the same."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.safestring import SafeString

from dashboard import charts, hrefs, wording
from dashboard.charts import Column
from migrations_sync import statuses
from migrations_sync.models import DayCount, Source

LENGTH = 30  # days
# From the ground up: what went well carries what did not.
_GROUND_UP = ("COMPLETE", "NOT_STARTED", "NOT_READY", "WORKING", "PENDING_USER_INPUT", "LOGIN_ABANDONED")
_ON_TOP = ("COMPLETED_WITH_FAILURES", "FAILED")

Numbers = Mapping[date, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Series:
    """One status of a chart: its place in the legend and its column in the table."""

    code: str
    label: str
    icon: str
    total: str
    href: str


@dataclass(frozen=True, slots=True)
class Cell:
    n: str
    href: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart and its twin. ``finding``: what it shows, in a sentence. ``rows``: day, sum, and a cell a series."""

    title: str
    finding: str
    chart: SafeString
    series: list[Series]
    rows: list[tuple[str, str, list[Cell]]]


def numbers(source: Source, today: date) -> Mapping[str, Numbers]:
    """By kind of ``DayCount``, for the last ``LENGTH`` days to ``today`` (UTC). One statement."""
    found: dict[str, dict[date, Counter[str]]] = {kind: {} for kind in DayCount.Kind.values}
    first = today - timedelta(days=LENGTH - 1)
    rows = DayCount.objects.filter(source=source, day__range=(first, today), n__gt=0)
    for day, kind, status, n in rows.values_list("day", "kind", "status", "n"):
        found[kind].setdefault(day, Counter())[status] += n
    return found


def created(per_day: Numbers, today: date, *, company: str | None = None, cut: bool = False) -> Figure:
    """Migrations by the day they were created on and by their status now.

    ``company``: those of one, empty for those without one, ``None`` for all. ``cut``: only the newest are in it.
    """
    total, failed = wording.plural(_sum(per_day), "migration"), wording.number(_sum(per_day, "FAILED"))
    finding = f"{total} created in {LENGTH} days, {failed} of them failed."
    if cut:
        finding = (
            f"The newest {total}, created since {min(per_day)}; {failed} of them failed. Older ones are not drawn."
        )

    def href(first: date, last: date, code: str) -> str:
        days = {"created_after": first, "created_before": last + timedelta(days=1)}
        if company is None:
            return hrefs.migrations(status=code, **days)
        return hrefs.of_company(company, status=code, **days)

    return figure("Created per day", finding, per_day, today, href)


def ended(per_day: Numbers, today: date) -> Figure:
    """Changes into a status in which migrations end, by the day they were observed on."""
    ends = {day: {code: n for code, n in row.items() if code in statuses.FINISHED} for day, row in per_day.items()}
    complete, failed = _sum(ends, "COMPLETE"), _sum(ends, "FAILED")
    finding = (
        f"{wording.number(complete)} completed and {wording.number(failed)} failed in {LENGTH} days, as observed."
    )
    if not any(ends.values()):
        finding = f"No migration was seen to end in {LENGTH} days."

    def href(first: date, last: date, code: str) -> str:
        return hrefs.changes(first=first, last=last, status=code)

    return figure("Ended per day", finding, ends, today, href)


def figure(title: str, finding: str, per_day: Numbers, today: date, href: Callable[[date, date, str], str]) -> Figure:
    days = [today - timedelta(days=back) for back in reversed(range(LENGTH))]
    codes = order({code for row in per_day.values() for code in row})
    names = {code: statuses.get(code).label.lower() if statuses.is_known(code) else code for code in codes}
    columns = [
        Column(f"{day.day}", f"{day:%a} {day.isoformat()}", row, {code: href(day, day, code) for code in row})
        for day in days
        for row in [per_day.get(day, {})]
    ]
    legend = [_series(code, _sum(per_day, code), href(days[0], today, code)) for code in reversed(codes)]
    return Figure(
        title=title,
        finding=finding,
        chart=charts.draw(charts.stack(columns, codes, names, width=920, height=220), "chart"),
        series=legend,
        rows=[_row(day, per_day.get(day, {}), legend, href) for day in reversed(days)],
    )


def order(codes: Iterable[str]) -> list[str]:
    """From the ground up, with what nobody has documented below what failed."""
    found = set(codes)
    unknown = sorted(code for code in found if not statuses.is_known(code))
    return [code for code in (*_GROUND_UP, *unknown, *_ON_TOP) if code in found]


def _series(code: str, total: int, href: str) -> Series:
    status = statuses.get(code)
    return Series(code, status.label, status.icon, wording.number(total), href)


def _row(
    day: date, row: Mapping[str, int], legend: Sequence[Series], href: Callable[[date, date, str], str]
) -> tuple[str, str, list[Cell]]:
    cells = [
        Cell(wording.number(n), href(day, day, s.code)) if (n := row.get(s.code, 0)) else Cell("", "") for s in legend
    ]
    return day.isoformat(), wording.number(sum(row.values())), cells


def _sum(per_day: Numbers, code: str = "") -> int:
    return sum(n for row in per_day.values() for key, n in row.items() if not code or key == code)
