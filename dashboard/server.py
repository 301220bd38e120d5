"""How gunicorn serves the product: ``gunicorn --config python:dashboard.server dashboard.wsgi``.

There is no access log: addresses of pages may hold e-mail addresses.
"""

import os
import shutil
from typing import Any

from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
bind = f"{settings.HOST}:{settings.PORT}"
worker_class = "dashboard.worker.PatientWorker"  # threads: pages wait for the database, and an export for its reader
workers = settings.WEB_WORKERS
threads = settings.WEB_THREADS
preload_app = True  # workers share the code's memory
control_socket_disable = True
# Where the processes count how long pages take; see `dashboard.latency`. They have to know it before they start.
_counts = settings.DATA_DIR / f"pages-{settings.PORT}"
raw_env = [f"PROMETHEUS_MULTIPROC_DIR={_counts}"]


def on_starting(server: Any) -> None:
    """Begin to count afresh, before the first process does."""
    shutil.rmtree(_counts, ignore_errors=True)
    _counts.mkdir(mode=0o700, parents=True)
