"""What one company's migrations come to: from kept counts, and from samples that say how large they are."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from statistics import median
from typing import TypeVar

from dashboard import days, paging
from dashboard.kept import kept
from migrations_sync.models import CompanyStatusCount, Migration, Source

SAMPLE = 100  # newest complete ones that are looked at for how long it takes
DRAWN = 500  # newest ones that the chart shows at most
# How the vendor's work ended; a login that was abandoned says nothing of it.
WORKED = ("COMPLETE", "COMPLETED_WITH_FAILURES", "FAILED")
BADLY = ("COMPLETED_WITH_FAILURES", "FAILED")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Share:
    """``bad`` of ``ended`` failed, or completed with failures."""

    bad: int
    ended: int

    @property
    def percent(self) -> str:
        """``0 %`` only for none at all, ``100 %`` only for all."""
        exact = 100 * self.bad / self.ended
        rounded = round(exact)
        if rounded in (0, 100) and 0 < self.bad < self.ended:
            return "under 1 %" if rounded == 0 else "over 99 %"
        return f"{rounded} %"


def statuses_of(source: Source, company_id: str) -> dict[str, int]:
    """How many there are of each status, gone ones too."""
    rows = CompanyStatusCount.objects.filter(source=source, company_id=company_id, n__gt=0)
    return dict(rows.values_list("status", "n"))


def failures(by_status: Mapping[str, int]) -> Share | None:
    """``None`` while none has ended."""
    ended = sum(by_status.get(code, 0) for code in WORKED)
    return Share(sum(by_status.get(code, 0) for code in BADLY), ended) if ended else None


def time_to_complete(source: Source, company_id: str) -> tuple[timedelta, int] | None:
    """The median from ``created`` (the API's clock) until COMPLETE was observed, and of how many.

    Only those count that the mirror saw become complete; what it found complete ended at an unknown time.
    """
    newest = Migration.objects.for_company(company_id).filter(status="COMPLETE").order_by("-created", "-pk")
    rows = newest.values_list("created", "status_changed_at", "status_not_before", "first_seen_at")[:SAMPLE]

    def seen() -> list[float]:
        return [(ended - created).total_seconds() for created, ended, before, first in rows if before >= first]

    seconds = _kept("complete", source, company_id, seen)
    return (timedelta(seconds=median(seconds)), len(seconds)) if seconds else None


def waiting_since(source: Source, company_id: str) -> datetime | None:
    """Since when the one that waits longest for its user has been seen to wait."""
    waiting = Migration.objects.for_company(company_id).present().filter(status="PENDING_USER_INPUT")
    # Bounded: a company with thousands of waiting ones has larger worries than which is the oldest.
    newest = waiting.order_by("-created", "-pk").values_list("status_changed_at", flat=True)[:DRAWN]
    return min(_kept("waiting", source, company_id, lambda: list(newest)), default=None)


def _kept(what: str, source: Source, company_id: str, make: Callable[[], list[Value]]) -> list[Value]:
    """Asked for again when the mirror has changed."""
    name = sha256(company_id.encode()).hexdigest()  # an id may hold what the key of a cache may not
    return kept(f"{what}:{source.pk}:{source.version}:{name}", make, seconds=60)


def created(company_id: str, today: date, by_status: Iterable[str]) -> days.Figure:
    """The company's newest migrations of the last days, by day and status. ``by_status``: those that it has."""
    first = datetime.combine(today - timedelta(days=days.LENGTH - 1), datetime.min.time(), UTC)
    recent = Migration.objects.for_company(company_id).filter(created__gte=first)
    # A branch for each status, because the index that holds all that is asked begins with it.
    parts = [recent.filter(status=code) for code in by_status]
    order = paging.Order(("created", "id"), descending=True)
    page = paging.page(parts, order, paging.Cursor(), size=DRAWN, fields=("created", "id", "status"))
    per_day: dict[date, Counter[str]] = {}
    for at, _, code in page.rows:
        per_day.setdefault(at.date(), Counter())[code] += 1
    return days.created(per_day, today, company=company_id, cut=page.next is not None)
