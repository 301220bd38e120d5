"""Answers 304 while what a page shows has not changed, before anything but the state of the mirror was asked."""

import hashlib
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_cache_control

from dashboard import current, preferences

View = Callable[..., HttpResponseBase]
_ROOMS = ("dashboard", "migrations_sync", "templates", "static")


def conditional(view: View) -> View:
    """For pages that show the mirror, to one person each. A page that is to say a message is always sent whole."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method not in ("GET", "HEAD") or CookieStorage.cookie_name in request.COOKIES:
            return view(request, *args, **kwargs)
        etag = tag(request)
        known = get_conditional_response(request, etag=etag)
        response = known if known is not None else view(request, *args, **kwargs)
        if response.status_code in (200, 304):
            response["ETag"] = etag
            patch_cache_control(response, private=True, no_cache=True)
        return response

    return answer


def tag(request: HttpRequest) -> str:
    """Differs whenever the page may: by the mirror, its freshness, the reader, the address or the program.

    The minute is in it because some of what is shown depends on the time alone, such as what waits too long.
    """
    parts = (
        release(),
        current.source(request).version,
        current.freshness(request),
        request.user.pk,
        preferences.read(request),
        request.COOKIES.get(settings.CSRF_COOKIE_NAME, ""),
        request.get_full_path(),
        f"{current.now(request):%Y%m%d%H%M}",
    )
    return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"'


@cache
def release() -> str:
    """Names the program that runs, by what is in it: every process of one installation gives the same name."""
    digest = hashlib.sha256()
    for room in _ROOMS:
        for path in sorted((Path(settings.BASE_DIR) / room).rglob("*")):
            if path.suffix in (".py", ".html", ".css", ".js", ".svg"):
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
