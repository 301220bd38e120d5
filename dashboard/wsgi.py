import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
application = get_wsgi_application()

from dashboard import timeouts  # noqa: E402  (it needs the settings)

timeouts.limit_this_process()
