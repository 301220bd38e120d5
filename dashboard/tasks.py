"""What the worker does for the dashboard. Every task may run twice, at once or again; see ``dashboard.alerts``."""

from datetime import UTC, datetime, timedelta

from django.conf import settings

from dashboard.alerts import deliver, outbox
from dashboard.celery import app


@app.task
def dispatch_alerts() -> None:
    """Turn what has happened into messages, and have them sent at once."""
    if outbox.dispatch(datetime.now(UTC)):
        deliver_alerts.delay()


@app.task
def deliver_alerts() -> None:
    """Send the messages that are due."""
    deliver.deliver()


@app.task
def prune_alerts() -> None:
    """Forget alerts and deliveries that are over for longer than ``ALERTS_KEEP_DAYS``."""
    outbox.prune(datetime.now(UTC) - timedelta(days=settings.ALERTS_KEEP_DAYS))
