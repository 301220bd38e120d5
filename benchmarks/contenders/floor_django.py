"""Floor D: the pages of ``floor`` inside Django's default middleware, with a database session and a login.

``BENCH_LEAN=1``: floor L, the session in the process's cache and the user kept 30 s. The session is the product's.
"""

import csv
import io
import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from benchmarks.contenders import django_settings, floor
from benchmarks.contenders.floor_wsgi import BATCH, blocks

LEAN = os.environ.get("BENCH_LEAN") == "1"
KEPT = 30  # seconds
_users: dict[Any, tuple[float, Any]] = {}

settings.configure(
    **django_settings.common(__name__),
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
    **({"SESSION_ENGINE": "django.contrib.sessions.backends.cached_db"} if LEAN else {}),
)
django.setup()

from django.contrib.auth.backends import ModelBackend  # noqa: E402  (the settings come first)
from django.contrib.auth.decorators import login_required  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection  # noqa: E402
from django.urls import re_path  # noqa: E402


def _kept_user(self: ModelBackend, user_id: Any, find: Any = ModelBackend.get_user) -> Any:
    at, user = _users.get(user_id, (0.0, None))
    if time.monotonic() - at > KEPT:
        user = find(self, user_id)
        _users[user_id] = time.monotonic(), user
    return user


if LEAN:
    ModelBackend.get_user = _kept_user  # type: ignore[method-assign]


def ask(sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


@login_required
def view(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    if "_export" in request.GET:
        lines = _copied() if connection.vendor == "postgresql" else _written()
        return StreamingHttpResponse(lines, content_type="text/csv")
    known = request.headers.get("If-None-Match", "")
    status, etag, html = floor.page(request.path, request.GET.dict(), known, ask)
    return HttpResponse(html, status=status, headers={"ETag": etag})


def _copied() -> Iterator[bytes]:
    copy_sql = f"COPY ({floor.EXPORT}) TO STDOUT (FORMAT csv, HEADER)"
    with connection.cursor() as cursor, cursor.copy(copy_sql) as copy:
        yield from blocks(copy)


def _written() -> Iterator[bytes]:
    line = io.StringIO(newline="")
    writer = csv.writer(line)
    with connection.cursor() as cursor:
        cursor.execute(floor.EXPORT)
        writer.writerow([column[0] for column in cursor.description])
        while rows := cursor.fetchmany(BATCH):
            writer.writerows(rows)
            yield line.getvalue().encode()
            line.seek(0)
            line.truncate()


urlpatterns = [re_path("", view)]
application = get_wsgi_application()
