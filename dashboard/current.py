"""What the mirror is while one request is answered: read once, then the same for everything on the page."""

from datetime import UTC, datetime

from django.conf import settings
from django.http import HttpRequest

from migrations_sync import freshness as mirror_freshness
from migrations_sync import statuses
from migrations_sync.freshness import Freshness
from migrations_sync.models import Source, StatusCount


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


def kept_counts(request: HttpRequest) -> list[StatusCount]:
    """The counts of every status that a migration ever had here, gone ones apart."""
    if not hasattr(request, "_counts"):
        rows = StatusCount.objects.filter(source=source(request))
        ordered = sorted(rows, key=lambda row: (statuses.rank(row.status), row.status))
        request._counts = ordered  # type: ignore[attr-defined]
    known: list[StatusCount] = request._counts  # type: ignore[attr-defined]
    return known


def counts(request: HttpRequest) -> dict[str, int]:
    """How many migrations there are of each status, those that are gone left out; in the order of display."""
    return {row.status: row.n for row in kept_counts(request) if row.n and not row.gone}


def _read(request: HttpRequest) -> tuple[Source, Freshness]:
    if not hasattr(request, "_mirror"):
        request._mirror = mirror_freshness.read(  # type: ignore[attr-defined]
            now=now(request), interval=settings.SYNC_INTERVAL
        )
    found: tuple[Source, Freshness] = request._mirror  # type: ignore[attr-defined]
    return found
