import gc
import os
import sys

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
application = get_wsgi_application()

from dashboard import celery, timeouts  # noqa: E402, F401  (they need the settings; pages send tasks)
from dashboard.sqlite import base  # noqa: E402

timeouts.limit_this_process()
base.keep_little()
# A thread that writes an export gives way to one that makes a page five times as soon as it would by itself.
sys.setswitchinterval(0.001)  # seconds
# What is there now is there for good: it need not be looked through for garbage, nor copied for each worker.
gc.collect()
gc.freeze()
