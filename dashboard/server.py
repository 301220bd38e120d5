"""How gunicorn serves the product: ``gunicorn --config python:dashboard.server dashboard.wsgi``.

There is no access log: addresses of pages may hold e-mail addresses.
"""

import os

from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
bind = f"{settings.HOST}:{settings.PORT}"
worker_class = "dashboard.worker.PatientWorker"  # threads: pages wait for the database, and an export for its reader
workers = settings.WEB_WORKERS
threads = settings.WEB_THREADS
preload_app = True  # workers share the code's memory
control_socket_disable = True
