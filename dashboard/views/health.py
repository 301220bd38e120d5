"""What monitors ask. Open, because they carry no session; so nothing here tells more than it must."""

import hmac
from datetime import UTC, datetime

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard import health, metrics

LOOPBACK = ("127.0.0.1", "::1")
# A proxy on this machine speaks for others, and says so in one of these.
FOR_OTHERS = ("X-Forwarded-For", "X-Real-Ip", "Forwarded")


@login_not_required
@never_cache
@require_safe
def alive(request: HttpRequest) -> HttpResponse:
    """200 while the process serves; asks nobody else."""
    return JsonResponse({"status": "ok"})


@login_not_required
@never_cache
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """200 when database, broker and the mirror are well, else 503 and which one is not."""
    checks = health.check(datetime.now(UTC))
    well = all(word == health.OK for word in checks.values())
    return JsonResponse({"status": "ok" if well else "unavailable", "checks": checks}, status=200 if well else 503)


@login_not_required
@never_cache
@require_safe
def scrape(request: HttpRequest) -> HttpResponse:
    """Prometheus text for whoever shows ``METRICS_TOKEN``; without one set, for this machine only."""
    if settings.METRICS_TOKEN:
        if not _shows(request, settings.METRICS_TOKEN):
            headers = {"WWW-Authenticate": 'Bearer realm="metrics"'}
            return HttpResponse("Send Authorization: Bearer and METRICS_TOKEN.\n", status=401, headers=headers)
    elif not _from_here(request):
        return HttpResponse("Only from this machine, unless METRICS_TOKEN is set.\n", status=403)
    return HttpResponse(metrics.text(datetime.now(UTC)), content_type=metrics.CONTENT_TYPE)


def _shows(request: HttpRequest, token: str) -> bool:
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), token.encode())


def _from_here(request: HttpRequest) -> bool:
    return request.META.get("REMOTE_ADDR") in LOOPBACK and not any(name in request.headers for name in FOR_OTHERS)
