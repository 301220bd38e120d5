"""What an open page asks again and again: has anything changed? Small, and 304 as long as nothing has."""

from datetime import datetime

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_safe

from dashboard import attention, current, preferences, wording
from dashboard.conditional import conditional
from migrations_sync.models import Migration

MOST = 100  # more need no number: the page is read again anyway


@require_safe
@conditional
def live(request: HttpRequest) -> HttpResponseBase:
    """``since`` is the time (ISO) that the page shows; a bad one is a 400.

    Answers ``version`` (grows with every change), ``now``, ``as_of`` (``clock``: as it is told) and ``level`` of
    the mirror, ``attention`` (how many need a person) and ``changed``: how many migrations changed after
    ``since``, at most 100.
    """
    source, fresh, now = current.source(request), current.freshness(request), current.now(request)
    zone = preferences.read(request).zone
    given = request.GET.get("since", "")
    since = _time(given)
    if given and since is None:
        return JsonResponse({"error": "since: use a time such as 2026-11-23T14:45:00Z"}, status=400)
    return JsonResponse(
        {
            "version": source.version,
            "now": wording.iso(now),
            "as_of": wording.iso(fresh.as_of) if fresh.as_of else None,
            "clock": wording.clock(fresh.as_of, now=now, zone=zone) if fresh.as_of else "",
            "level": fresh.level,
            "attention": sum(attention.counts(source, now).values()),
            "changed": Migration.objects.filter(changed_at__gt=since)[:MOST].count() if since else 0,
        }
    )


def _time(text: str) -> datetime | None:
    try:
        at = parse_datetime(text)
    except ValueError:
        return None
    return at if at and at.tzinfo else None
