import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
application = get_wsgi_application()

from dashboard import celery, timeouts  # noqa: E402, F401  (they need the settings; pages send tasks)

timeouts.limit_this_process()
