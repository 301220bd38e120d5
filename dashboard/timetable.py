"""What beat sends, and when."""

from typing import Any

from celery.schedules import crontab
from django.conf import settings


def timetable() -> dict[str, dict[str, Any]]:
    """Celery's ``beat_schedule``."""
    return {
        # One entry: whether the pass is quick or full is decided from what the mirror last knew.
        "sync": {
            "task": "migrations_sync.tasks.sync",
            "schedule": settings.SYNC_INTERVAL,
            "options": {"expires": settings.SYNC_INTERVAL},
        },
        "alerts": {"task": "dashboard.tasks.dispatch_alerts", "schedule": 15, "options": {"expires": 15}},
        # A first try follows its dispatch at once; this one is for further tries.
        "deliveries": {"task": "dashboard.tasks.deliver_alerts", "schedule": 15, "options": {"expires": 15}},
        "prune-alerts": {"task": "dashboard.tasks.prune_alerts", "schedule": crontab(hour=3, minute=29)},
        "prune": {"task": "migrations_sync.tasks.prune", "schedule": crontab(hour=3, minute=17)},
        "recount": {"task": "migrations_sync.tasks.recount", "schedule": crontab(hour=3, minute=41)},
    }
