"""Keeps the counters of ``models.counts`` in step with the rows, and proves that they are."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import repeat
from typing import Any

from django.db import connection, models, transaction
from django.db.models import Count
from django.db.models.functions import TruncDate
from django.utils import timezone

from migrations_sync import statuses
from migrations_sync.models import (
    CompanyCount,
    CompanyStatusCount,
    DailyTally,
    DayCount,
    Migration,
    Source,
    StatusChange,
    StatusCount,
)
from migrations_sync.records import MigrationRecord
from migrations_sync.sync.store import store

# The kinds of change that put a migration into a status, as far as anybody saw.
NEWS = (StatusChange.Kind.STATUS, StatusChange.Kind.FIRST_SEEN)


@dataclass(slots=True)
class Deltas:
    """By how much a batch changes each counter."""

    status: Counter[tuple[str, bool]] = field(default_factory=Counter)
    company: Counter[tuple[str, str]] = field(default_factory=Counter)
    created: Counter[tuple[date, str]] = field(default_factory=Counter)
    observed: Counter[tuple[date, str]] = field(default_factory=Counter)

    def count(self, status: str, company: str | None, created: datetime, *, gone: bool, by: int) -> None:
        """Add (``by`` = 1) or take away (-1) one migration as it stands."""
        self.status[status, gone] += by
        self.company[company or "", status] += by
        self.created[created.date(), status] += by

    def count_new(self, records: Sequence[MigrationRecord]) -> None:
        """Add migrations that were not counted before; for many at once, this is five times as fast."""
        statuses = [record.status for record in records]
        self.status.update(zip(statuses, repeat(False)))
        self.company.update(zip((record.company_id or "" for record in records), statuses, strict=True))
        self.created.update(zip((record.created.date() for record in records), statuses, strict=True))

    def apply(self, source: Source) -> None:
        """Write the differences. Call it inside the transaction that makes them.

        Always in the same order, so that two transactions can wait for each other but never both at once.
        """
        by_company: dict[str, list[int]] = {}
        for (company, status), n in self.company.items():
            sums = by_company.setdefault(company, [0, 0, 0])
            known = statuses.get(status)
            sums[0] += n
            sums[1] += n * known.open
            sums[2] += n * known.attention
        add = store().add
        add(source, StatusCount, ("status", "gone"), ("n",), _changes(self.status))
        add(source, CompanyStatusCount, ("company_id", "status"), ("n",), _changes(self.company))
        add(
            source,
            CompanyCount,
            ("company_id",),
            ("total", "open", "attention"),
            [(company, *sums) for company, sums in sorted(by_company.items()) if any(sums)],
        )
        add(source, DayCount, ("day", "kind", "status"), ("n",), [
            *((day, DayCount.Kind.CREATED.value, status, n) for day, status, n in _changes(self.created)),
            *((day, DayCount.Kind.OBSERVED.value, status, n) for day, status, n in _changes(self.observed)),
        ])  # fmt: skip


def _changes(deltas: Counter[Any]) -> list[tuple[Any, ...]]:
    """The keys that change, in order, each followed by how much."""
    return [(*key, n) for key, n in sorted(deltas.items()) if n]


def tally(kind: str, label: str = "", *, by: int = 1) -> None:
    """Count something of today (UTC) that leaves no row of its own."""
    table = connection.ops.quote_name(DailyTally._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (day, kind, label, n) VALUES (%s, %s, %s, %s) "  # noqa: S608 (our own name)
            f"ON CONFLICT (day, kind, label) DO UPDATE SET n = {table}.n + excluded.n",
            [connection.ops.adapt_datefield_value(timezone.now().date()), kind, label, by],
        )


@transaction.atomic
def recount(source: Source) -> dict[str, int]:
    """Count everything afresh, repair what differs, and say how many counters of each table did.

    Every writer takes the source's row first, so holding it keeps all of them out until the repair is done.
    """
    Source.objects.select_for_update().get(pk=source.pk)
    truth = Deltas()
    rows = Migration.objects.filter(source=source)
    for status, gone, n in _groups(rows, "status", gone=models.Q(gone_at__isnull=False)):
        truth.status[status, gone] += n
    for company, status, n in _groups(rows, "company_id", "status"):
        truth.company[company or "", status] += n
    for day, status, n in _groups(rows.annotate(day=TruncDate("created")), "day", "status"):
        truth.created[day, status] += n
    changes = StatusChange.objects.filter(migration__source=source, kind__in=NEWS)
    for day, status, n in _groups(changes.annotate(day=TruncDate("observed_at")), "day", "new"):
        truth.observed[day, status] += n
    kept = _kept(source)
    wrong = {
        "status": _difference(truth.status, kept.status),
        "company": _difference(truth.company, kept.company),
        "created": _difference(truth.created, kept.created),
        "observed": _difference(truth.observed, kept.observed),
    }
    sums_wrong = _company_sums_wrong(source, truth)
    if any(wrong.values()) or sums_wrong:
        for model in (StatusCount, CompanyCount, CompanyStatusCount, DayCount):
            model._default_manager.filter(source=source).delete()
        truth.apply(source)
        source.touch()
    return {name: len(keys) for name, keys in wrong.items()} | {"company_sums": sums_wrong}


def _groups(rows: Any, *fields: str, **flags: models.Q) -> Iterator[tuple[Any, ...]]:
    flagged = rows.annotate(**{name: models.ExpressionWrapper(q, models.BooleanField()) for name, q in flags.items()})
    names = (*fields, *flags)
    grouped = flagged.order_by().values_list(*names).annotate(how_many=Count("pk"))
    yield from grouped.values_list(*names, "how_many")


def _kept(source: Source) -> Deltas:
    kept = Deltas()
    for status, gone, n in StatusCount.objects.filter(source=source).values_list("status", "gone", "n"):
        kept.status[status, gone] = n
    for company, status, n in CompanyStatusCount.objects.filter(source=source).values_list(
        "company_id", "status", "n"
    ):
        kept.company[company, status] = n
    for day, kind, status, n in DayCount.objects.filter(source=source).values_list("day", "kind", "status", "n"):
        (kept.created if kind == DayCount.Kind.CREATED else kept.observed)[day, status] = n
    return kept


def _difference(truth: Counter[Any], kept: Counter[Any]) -> set[Any]:
    return {key for key in truth.keys() | kept.keys() if truth[key] != kept[key]}


def _company_sums_wrong(source: Source, truth: Deltas) -> int:
    sums: dict[str, list[int]] = {}
    for (company, status), n in truth.company.items():
        known = statuses.get(status)
        row = sums.setdefault(company, [0, 0, 0])
        for place, part in enumerate((n, n * known.open, n * known.attention)):
            row[place] += part
    kept = {
        company: [*parts]
        for company, *parts in CompanyCount.objects.filter(source=source).values_list(
            "company_id", "total", "open", "attention"
        )
    }
    nothing = [0, 0, 0]
    return sum(sums.get(company, nothing) != kept.get(company, nothing) for company in sums.keys() | kept.keys())
