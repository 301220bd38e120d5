"""Answers 304 while what a page shows has not changed, before anything but reader and mirror was asked."""

import hashlib
import re
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.messages.storage.cookie import CookieStorage
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import resolve
from django.utils.cache import get_conditional_response, patch_cache_control

from dashboard import current, preferences
from dashboard.release import release

_OURS = re.compile(r'"[0-9a-f]{32}"')
_resolved = lru_cache(1024)(resolve)
View = Callable[..., HttpResponseBase]


def conditional(view: View) -> View:
    """For pages that show the mirror, to one person each. A page that is to say a message is always sent whole."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not _comparable(request):
            return view(request, *args, **kwargs)
        known = get_conditional_response(request, etag=tag(request))
        response = known if known is not None else view(request, *args, **kwargs)
        return _marked(request, response)

    return answer


class NotModifiedMiddleware:
    """Answers 304 before the page is even looked up: an ``ETag`` that holds this reader, this address and this state
    of the mirror was given by a conditional page."""

    def __init__(self, get_response: View) -> None:
        if settings.TRUSTED_PROXY_HEADER:
            raise MiddlewareNotUsed  # who asks is found out only later
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # By its form first: a file or a probe, whose tags are others, needs no database.
        has = _OURS.findall(request.META.get("HTTP_IF_NONE_MATCH", ""))
        if has and _comparable(request) and request.user.is_authenticated and tag(request) in has:
            known = get_conditional_response(request, etag=tag(request))
            if known is not None:
                request.resolver_match = _resolved(request.path_info)  # it is counted by the name of its page
                return _marked(request, known)
        return self.get_response(request)


def _comparable(request: HttpRequest) -> bool:
    return request.method in ("GET", "HEAD") and CookieStorage.cookie_name not in request.COOKIES


def _marked(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if response.status_code in (200, 304):
        response["ETag"] = tag(request)
        patch_cache_control(response, private=True, no_cache=True)
    return response


def _reader(user: User | AnonymousUser) -> tuple[Any, ...]:
    """Who reads, and what of it is on every page."""
    return user.pk, user.get_username(), user.is_staff, user.is_superuser


def tag(request: HttpRequest) -> str:
    """Differs whenever the page may: by the mirror, its freshness, the reader, the address or the program.

    The minute is in it because some of what is shown depends on the time alone, such as what waits too long.
    """
    if not hasattr(request, "_tag"):
        parts = (
            release(),
            current.source(request).version,
            current.freshness(request),
            *_reader(request.user),
            preferences.read(request),
            request.COOKIES.get(settings.CSRF_COOKIE_NAME, ""),
            request.get_full_path(),
            current.now(request).timestamp() // 60,
        )
        request._tag = f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"'  # type: ignore[attr-defined]
    made: str = request._tag  # type: ignore[attr-defined]
    return made
