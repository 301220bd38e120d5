"""What every contender that is a Django project has in common: as ``startproject`` makes it, ``DEBUG`` off."""

import os
from typing import Any

import dj_database_url

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]


def common(urls: str) -> dict[str, Any]:
    """Settings over the benchmark's database; its connection is kept, as the product keeps its own."""
    database: dict[str, Any] = dict(dj_database_url.parse(os.environ["BENCH_DATABASE"]))
    if database["ENGINE"].endswith("sqlite3"):
        database["OPTIONS"] = {"init_command": "PRAGMA cache_size=-65536"}
    return {
        "SECRET_KEY": os.environ["SECRET_KEY"],
        "DEBUG": False,
        "ALLOWED_HOSTS": ["127.0.0.1"],
        "DATABASES": {"default": database | {"CONN_MAX_AGE": 600}},
        "MIDDLEWARE": MIDDLEWARE,
        "ROOT_URLCONF": urls,
        "USE_TZ": True,
        "TIME_ZONE": "UTC",
        "LOGIN_URL": "/login",
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "STATIC_URL": "/static/",
    }
