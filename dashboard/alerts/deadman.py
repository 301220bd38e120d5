"""A ping to a watchman outside for each complete sweep, who raises the alarm when none comes.

Whoever watches from inside can't tell that all of it is down. A ping is a delivery like any other, so it is tried
again, and two dispatchers make one of it; and it never holds up a sync.
"""

from datetime import datetime, timedelta

from django.conf import settings

from dashboard import redaction, wording
from dashboard.alerts import channels
from dashboard.models import AlertDelivery
from migrations_sync.models import Source, SyncRun

_YOUNG = timedelta(days=1)  # what ended before that is no sign of life


def notice(source: Source, now: datetime) -> int:
    """Queue the ping for the newest complete sweep, unless it is queued or sent already."""
    if not settings.DEADMAN_PING_URL:
        return 0
    sweeps = SyncRun.objects.filter(source=source, mode=SyncRun.Mode.FULL, outcome=SyncRun.Outcome.COMPLETE)
    run = sweeps.filter(finished_at__gt=now - _YOUNG).first()
    if run is None or AlertDelivery.objects.filter(message_id=f"sweep_{run.pk}").exists():
        return 0
    message = {"title": f"Sweep {run.pk} is complete", "finished_at": wording.iso(run.finished_at or now)}
    ping = AlertDelivery(event=AlertDelivery.Event.PING, message_id=f"sweep_{run.pk}", message=message)
    AlertDelivery.objects.bulk_create([ping], ignore_conflicts=True)
    return 1


def send(delivery: AlertDelivery, now: datetime) -> None:
    """Ask for the watchman's address, with GET as such services want it.

    Raises:
        NotDelivered: it did not answer well, or the sweep is so long ago that a ping would be a lie.
    """
    if now - delivery.created_at > timedelta(seconds=settings.SYNC_FULL_INTERVAL):
        raise channels.NotDelivered("Too late: the next sweep has to speak for itself.", final=True)
    if not settings.DEADMAN_PING_URL:
        raise channels.NotDelivered("DEADMAN_PING_URL is not set any more.", final=True)
    redaction.hide_address(settings.DEADMAN_PING_URL)
    # The address is the operator's own and may well lead to a watchman inside.
    channels.request("GET", settings.DEADMAN_PING_URL, b"", {}, allow_private=True)
