"""What a statement says to a worker and to a web server, each as a process that starts."""

import os
import subprocess
import sys

_ASK = """
import sys
import dashboard.celery, django
django.setup()
from django.db import connection
for kind in "worker", "web":
    if kind == "web":
        connection.close()
        import dashboard.wsgi
    with connection.cursor() as cursor:
        cursor.execute(sys.argv[1])
        print(kind, *cursor.fetchone())
"""


def told(statement: str, **environment: str) -> list[str]:
    """``["worker", its answer, "web", its answer]``, under the product's own settings."""
    environ = os.environ | {"DJANGO_SETTINGS_MODULE": "dashboard.settings"} | environment
    said = subprocess.run(
        [sys.executable, "-c", _ASK, statement], env=environ, capture_output=True, text=True, check=True
    )
    return said.stdout.split()
