"""The product's own settings, with an environment that tests can run in."""

import os

os.environ.setdefault("SECRET_KEY", "tests-" + "0" * 50)
os.environ.setdefault("INSECURE_HTTP", "1")

from dashboard.settings import *  # noqa: F403  (the environment must be there first)

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
