"""Records the intervals in which the mirror could not see, and why."""

from datetime import datetime, timedelta

from migrations_sync.exceptions import APIError, AuthenticationError, InvalidPage, RateLimitError, RequestRefused
from migrations_sync.models import BlindSpot, Source, SyncRun

# Passes start late now and then; only a longer silence is an outage of our own.
_MISSED_INTERVALS = 3


def cause_of(error: BaseException) -> BlindSpot.Cause:
    match error:
        case AuthenticationError():
            return BlindSpot.Cause.REFUSED
        case RateLimitError():
            return BlindSpot.Cause.QUOTA
        case InvalidPage() | RequestRefused():
            return BlindSpot.Cause.UNREADABLE
        case APIError():
            return BlindSpot.Cause.UNREACHABLE
        case _:
            return BlindSpot.Cause.INTERNAL


def begin(source: Source, cause: BlindSpot.Cause, detail: str, *, now: datetime, run: SyncRun | None) -> None:
    """The mirror can't see, for ``cause``. The same cause goes on; another one starts an interval of its own."""
    spot = BlindSpot.objects.filter(source=source, ended_at__isnull=True).first()
    if spot and spot.cause == cause:
        return
    last_seen = source.succeeded_at or now
    if spot:
        spot.ended_at = last_seen = max(now, spot.started_at)
        spot.save(update_fields=["ended_at"])
    BlindSpot.objects.create(source=source, cause=cause, detail=detail[:500], started_at=min(last_seen, now), run=run)


def end(source: Source, *, at: datetime) -> None:
    """The mirror sees again since ``at``."""
    for spot in BlindSpot.objects.filter(source=source, ended_at__isnull=True):
        spot.ended_at = max(at, spot.started_at)
        spot.save(update_fields=["ended_at"])


def note_silence(source: Source, *, now: datetime, interval: int) -> None:
    """If no pass has been at work for several intervals before ``now``, that was a blind spot of our own."""
    if BlindSpot.objects.filter(source=source, ended_at__isnull=True).exists():
        return
    last = SyncRun.objects.filter(source=source).order_by("-pk").first()
    if last is None or source.succeeded_at is None:
        return
    heard = last.finished_at or last.progress_at or last.started_at
    if now - heard > timedelta(seconds=interval * _MISSED_INTERVALS):
        BlindSpot.objects.create(
            source=source, cause=BlindSpot.Cause.NO_SYNC,
            started_at=source.succeeded_at, run=None,
        )  # fmt: skip
