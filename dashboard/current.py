"""What the mirror is while one request is answered: read once, then the same for everything on the page."""

from datetime import UTC, datetime

from django.conf import settings
from django.http import HttpRequest

from migrations_sync import freshness as mirror_freshness
from migrations_sync.freshness import Freshness
from migrations_sync.models import Source


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


def _read(request: HttpRequest) -> tuple[Source, Freshness]:
    if not hasattr(request, "_mirror"):
        request._mirror = mirror_freshness.read(  # type: ignore[attr-defined]
            now=now(request), interval=settings.SYNC_INTERVAL
        )
    found: tuple[Source, Freshness] = request._mirror  # type: ignore[attr-defined]
    return found
