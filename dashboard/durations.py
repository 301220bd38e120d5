"""How long migrations usually stay in a status, from what the mirror itself saw begin and end."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, OuterRef, Subquery

from dashboard.kept import kept
from migrations_sync.models import Source, StatusChange

NEWEST = 2000  # changes that are looked at, of all statuses together: the cost does not grow with the mirror
ENOUGH = 20  # stays; fewer say nothing about what is usual
KEPT = 600  # seconds; a process asks the shared cache again after HERE
HERE = 10
VAGUE = timedelta(minutes=15)  # an end that is known no better than this is not known
NEWS = (StatusChange.Kind.STATUS, StatusChange.Kind.FIRST_SEEN)

# Status, company, begin and end as observed.
Stay = tuple[str, str | None, datetime, datetime]


@dataclass(frozen=True, slots=True)
class Usual:
    """What ``n`` stays in a status were like. ``company_id`` is ``None`` when those of all companies count."""

    n: int
    median: timedelta
    p90: timedelta
    p95: timedelta
    company_id: str | None = None


@dataclass(frozen=True, slots=True)
class Book:
    """The usual stay by status, and by company and status where there are enough of them."""

    of_all: dict[str, Usual]
    of_company: dict[tuple[str, str], Usual]

    def usual(self, status: str, company_id: str | None = None) -> Usual | None:
        """The company's own if it is known, else that of all; ``None`` where too little was seen."""
        return self.of_company.get((company_id or "", status)) or self.of_all.get(status)


def book(source: Source) -> Book:
    """What is usual now; read afresh every ten minutes at most."""
    return kept("durations", lambda: summarise(stays(source)), seconds=KEPT, here=HERE)


def stays(source: Source) -> Iterable[Stay]:
    """Stays that the mirror saw from end to end, among the newest changes.

    What the first sweep found, and what began or ended while nobody looked, is left out: its length is not known.
    """
    newest = StatusChange.objects.filter(migration__source=source).order_by("-observed_at", "-pk")[:NEWEST]
    before = StatusChange.objects.filter(
        migration=OuterRef("migration"),
        observed_at__lte=OuterRef("observed_at"),
        pk__lt=OuterRef("pk"),
        kind__in=NEWS,
    ).order_by("-observed_at", "-pk")
    return (
        StatusChange.objects.filter(pk__in=newest.values("pk"), kind=StatusChange.Kind.STATUS)
        .filter(not_before__gte=F("observed_at") - VAGUE)
        .annotate(
            began=Subquery(before.values("observed_at")[:1]), not_began=Subquery(before.values("not_before")[:1])
        )
        .filter(not_began__gte=F("began") - VAGUE)
        .order_by()
        .values_list("old", "migration__company_id", "began", "observed_at")
    )


def summarise(seen: Iterable[Stay]) -> Book:
    lengths: dict[str, list[timedelta]] = defaultdict(list)
    by_company: dict[tuple[str, str], list[timedelta]] = defaultdict(list)
    for status, company, began, ended in seen:
        lengths[status].append(ended - began)
        by_company[company or "", status].append(ended - began)
    return Book(
        {status: _usual(spans) for status, spans in lengths.items() if len(spans) >= ENOUGH},
        {key: _usual(spans, key[0]) for key, spans in by_company.items() if len(spans) >= ENOUGH},
    )


def _usual(spans: list[timedelta], company_id: str | None = None) -> Usual:
    spans.sort()
    return Usual(len(spans), at(spans, 0.5), at(spans, 0.9), at(spans, 0.95), company_id)


def at(ordered: list[timedelta], share: float) -> timedelta:
    """The smallest length that at least ``share`` of ``ordered`` do not exceed."""
    return ordered[math.ceil(len(ordered) * share) - 1]
