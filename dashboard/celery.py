import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, celeryd_init
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from dashboard import embedded, task_logs  # noqa: F401  (the logs of tasks connect themselves)
from dashboard.timetable import timetable

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
app = Celery("dashboard")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.on_configure.connect
def refuse_wrong_settings(**_: Any) -> None:
    """A wrong value in the environment is one line here as elsewhere, not a traceback."""
    try:
        settings.DEBUG  # noqa: B018  (reads the environment)
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from None


@app.on_after_configure.connect
def keep_time(sender: Celery, **_: Any) -> None:
    sender.conf.beat_schedule = timetable()


@celeryd_init.connect
@beat_init.connect
def refuse_without_broker(**_: Any) -> None:
    """Say what to start, instead of trying for ever to reach an embedded broker that nobody runs."""
    if not settings.REDIS_URL and not embedded.answers(settings.DATA_DIR):
        raise SystemExit("No broker: set REDIS_URL=redis://host:6379/0, or leave `make run` running beside this")
