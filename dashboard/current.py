"""What the mirror is while one request is answered: read once, then the same for everything on the page."""

from datetime import UTC, datetime
from typing import NamedTuple

from django.conf import settings
from django.http import HttpRequest

from dashboard import visit
from dashboard.kept import kept
from migrations_sync import freshness as mirror_freshness
from migrations_sync import statuses
from migrations_sync.freshness import Freshness
from migrations_sync.models import Source, StatusCount

KEPT = 60  # seconds


def now(request: HttpRequest) -> datetime:
    """The one "now" (UTC) of this request, so that two ages on a page never disagree."""
    if not hasattr(request, "_now"):
        request._now = datetime.now(UTC)  # type: ignore[attr-defined]
    moment: datetime = request._now  # type: ignore[attr-defined]
    return moment


def source(request: HttpRequest) -> Source:
    return _read(request)[0]


def freshness(request: HttpRequest) -> Freshness:
    return _read(request)[1]


class Kept(NamedTuple):
    """How many migrations there are of one status, gone ones apart."""

    status: str
    gone: bool
    n: int


def status_counts(source: Source) -> list[Kept]:
    """The count of every status that a migration ever had here, in the order of display."""

    def read() -> list[Kept]:
        rows = StatusCount.objects.filter(source=source).values_list("status", "gone", "n")
        return [Kept(*row) for row in sorted(rows, key=lambda row: (statuses.rank(row[0]), row[0]))]

    return kept(f"counts:{source.pk}:{source.version}", read, seconds=KEPT)


def kept_counts(request: HttpRequest) -> list[Kept]:
    """``status_counts`` of the request's mirror."""
    if not hasattr(request, "_counts"):
        request._counts = status_counts(source(request))  # type: ignore[attr-defined]
    known: list[Kept] = request._counts  # type: ignore[attr-defined]
    return known


def counts(request: HttpRequest) -> dict[str, int]:
    """How many migrations there are of each status, those that are gone left out; in the order of display."""
    return {row.status: row.n for row in kept_counts(request) if row.n and not row.gone}


def _read(request: HttpRequest) -> tuple[Source, Freshness]:
    if not hasattr(request, "_mirror"):
        request._mirror = _mirror(now(request))  # type: ignore[attr-defined]
    found: tuple[Source, Freshness] = request._mirror  # type: ignore[attr-defined]
    return found


def _mirror(now: datetime) -> tuple[Source, Freshness]:
    visiting = visit.current()
    if known := visiting and visiting.mirror():
        return mirror_freshness.of_row(known, now=now, interval=settings.SYNC_INTERVAL)
    return mirror_freshness.read(now=now, interval=settings.SYNC_INTERVAL)
