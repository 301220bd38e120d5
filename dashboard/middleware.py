"""What every request gets: an id, a line in the log, and the headers that every answer carries."""

import logging
import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.http.request import split_domain_port
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.template import loader
from structlog.contextvars import bound_contextvars

from dashboard import latency, timeouts
from dashboard.api.problems import Problem
from dashboard.logs import note

log = structlog.stdlib.get_logger("dashboard.request")
requests = logging.getLogger("dashboard.request")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_plain_id = re.compile(r"[A-Za-z0-9._-]{8,64}")


class RequestLogMiddleware:
    """Gives each request an id, kept from a proxy's ``X-Request-ID`` where that is plain, and logs one line.

    The query is left out of the line: it may hold an e-mail address or a ticket's token.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = given if _plain_id.fullmatch(given) else uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        began = time.perf_counter()
        with bound_contextvars(request=request_id):
            response = self.get_response(request)
            seconds = time.perf_counter() - began
            latency.record(request, response.status_code, seconds)
            note(
                requests,
                "request",
                method=request.method,
                path=_shown_path(request),
                status=response.status_code,
                ms=round(seconds * 1000, 1),
                user=getattr(getattr(request, "_cached_user", None), "pk", None),  # asks for nobody by itself
            )
        response.headers["X-Request-ID"] = request_id
        return response


def _shown_path(request: HttpRequest) -> str:
    """The path; only its pattern where a part of it is a token."""
    match = request.resolver_match
    return match.route if match and "token" in match.kwargs else request.path


class CompressionMiddleware(GZipMiddleware):
    """Compresses whole pages, a tenth of their size on the way. An export streams as it is: that keeps its pace."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        return response if response.streaming else super().process_response(request, response)


class SlowStatementMiddleware:
    """Answers 503, and says why, when the database took longer over a statement than a page may."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not timeouts.struck(error):
            return None
        seconds = settings.DATABASE_STATEMENT_TIMEOUT
        log.warning("a statement took too long", path=_shown_path(request), seconds=seconds)
        if request.path.startswith("/api/"):
            detail = f"The database took longer than {seconds} s. Ask for less, or try again later."
            return Problem(503, detail, headers={"Retry-After": str(seconds)}).response()
        page = loader.render_to_string(
            "503_slow.html",
            {"seconds": seconds, "request_id": getattr(request, "request_id", ""), "again": request.get_full_path()},
        )
        return HttpResponse(page, status=503, headers={"Retry-After": str(seconds), "Cache-Control": "no-store"})


class HttpsMiddleware:
    """Sends plain requests to HTTPS, but for a person or a probe on this very machine.

    Whoever asks a loopback address from a loopback address has no network in between: there the page is
    served as it is, and its cookies without ``Secure``, which would otherwise never come back.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.exempt = [re.compile(pattern) for pattern in settings.SECURE_REDIRECT_EXEMPT]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.is_secure() or not settings.HTTPS:
            return self.get_response(request)
        if not _is_local(request):
            if not any(pattern.search(request.path.lstrip("/")) for pattern in self.exempt):
                return HttpResponsePermanentRedirect(f"https://{request.get_host()}{request.get_full_path()}")
            return self.get_response(request)
        response = self.get_response(request)
        for cookie in response.cookies.values():
            cookie["secure"] = ""
        return response


def _is_local(request: HttpRequest) -> bool:
    """A proxy on this machine passes on the public host's name, so it is not taken for a local person."""
    host = split_domain_port(request.get_host())[0].strip("[]")
    return host in _LOOPBACK and request.META.get("REMOTE_ADDR") in _LOOPBACK


class SecurityHeadersMiddleware:
    """Sends the Content Security Policy, which Django itself does from version 6 on, and its neighbours."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.policy = "; ".join(f"{name} {value}" for name, value in settings.SECURE_CSP.items())

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", self.policy)
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
        return response
