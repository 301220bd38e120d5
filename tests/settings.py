"""The product's own settings, with an environment that tests can run in."""

import os

os.environ.setdefault("SECRET_KEY", "tests-" + "0" * 50)
os.environ.setdefault("INSECURE_HTTP", "1")

from dashboard.settings import *  # noqa: F403  (the environment must be there first)
from dashboard.settings import DATABASES, STORAGES

# `tests.plugin` chose it: a file of its own on SQLite, a name of its own on a shared PostgreSQL.
DATABASES["default"]["TEST"] = {"NAME": os.environ.get("TEST_DATABASE_NAME")}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
# Messages published by the way go nowhere; tests of the queue start real workers on a real broker.
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS = {}
# Nothing listens there. Tests of the API name their own; none may ever ask the vendor's.
MIGRATIONS_API_URL = "http://127.0.0.1:9/api/v1"
# Static files come from the source tree: nothing has to be collected first.
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True
