"""What one company's migrations come to: from kept counts, and from samples that say how large they are."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import median

from django.db.models import F

from dashboard import days
from migrations_sync.models import CompanyStatusCount, Migration, Source

SAMPLE = 200  # newest complete ones that are looked at for how long it takes
DRAWN = 500  # newest ones that the chart shows at most
# How the vendor's work ended; a login that was abandoned says nothing of it.
WORKED = ("COMPLETE", "COMPLETED_WITH_FAILURES", "FAILED")
BADLY = ("COMPLETED_WITH_FAILURES", "FAILED")


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


def time_to_complete(company_id: str) -> tuple[timedelta, int] | None:
    """The median from ``created`` (the API's clock) until COMPLETE was observed, and of how many.

    Only those count that the mirror saw become complete; what it found complete ended at an unknown time.
    """
    newest = Migration.objects.for_company(company_id).filter(status="COMPLETE").order_by("-created", "-pk")[:SAMPLE]
    seen = Migration.objects.filter(pk__in=newest.values("pk"), status_not_before__gte=F("first_seen_at"))
    rows = seen.values_list("created", "status_changed_at")
    seconds = [(ended - created).total_seconds() for created, ended in rows]
    return (timedelta(seconds=median(seconds)), len(seconds)) if seconds else None


def waiting_since(company_id: str) -> datetime | None:
    """Since when the one that waits longest for its user has been seen to wait."""
    waiting = Migration.objects.for_company(company_id).present().filter(status="PENDING_USER_INPUT")
    # Bounded: a company with thousands of waiting ones has larger worries than which is the oldest.
    newest = waiting.order_by("-created", "-pk").values_list("status_changed_at", flat=True)[:DRAWN]
    return min(newest, default=None)


def created(company_id: str, today: date) -> days.Figure:
    """The company's newest migrations of the last days, by day and status."""
    first = datetime.combine(today - timedelta(days=days.LENGTH - 1), datetime.min.time(), UTC)
    newest = Migration.objects.for_company(company_id).filter(created__gte=first).order_by("-created", "-pk")
    rows = list(newest.values_list("created", "status")[: DRAWN + 1])
    per_day: dict[date, Counter[str]] = {}
    for at, code in rows[:DRAWN]:
        per_day.setdefault(at.date(), Counter())[code] += 1
    return days.created(per_day, today, company=company_id, cut=len(rows) > DRAWN)
