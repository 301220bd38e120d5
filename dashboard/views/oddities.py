"""What the mirror met that was not as it should be: deliveries, rows in quarantine, drift, blind spots."""

from datetime import datetime, timedelta, tzinfo
from typing import Any

from django.conf import settings
from django.db.models import Sum
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard import current, hrefs, keyset, preferences, wording
from dashboard.conditional import conditional
from migrations_sync.models import BlindSpot, DailyTally, Drift, QuarantinedRow, WebhookDelivery

MONTH = timedelta(days=30)
DRIFTS = 200
EXCERPT = 4000  # characters of a body that a page shows


@require_safe
@conditional
def deliveries(request: HttpRequest) -> HttpResponseBase:
    source, now, zone = current.source(request), current.now(request), preferences.read(request).zone
    part = keyset.page(request, WebhookDelivery.objects.filter(source=source), ("received_at", "id"))
    refused = DailyTally.objects.filter(kind="webhook_refused", day__gt=(now - MONTH).date())
    context = {
        "lines": [_delivery(one, now=now, zone=zone) for one in part.rows],
        "pager": part.pager,
        "refused": list(refused.order_by("label").values_list("label").annotate(Sum("n"))),
        "configured": bool(settings.MIGRATIONS_WEBHOOK_SECRET),
    }
    return render(request, "dashboard/deliveries.html", context)


def _delivery(one: WebhookDelivery, *, now: datetime, zone: tzinfo) -> dict[str, Any]:
    waiting = one.outcome == WebhookDelivery.Outcome.WAITING
    return {
        "message_id": one.message_id,
        "type": one.event_type or "no type",
        "id": one.api_id,
        "href": hrefs.migration(one.api_id) if one.api_id else "",
        "outcome": one.get_outcome_display(),
        "tone": "info" if waiting else "good" if one.outcome == WebhookDelivery.Outcome.FETCHED else "late",
        "icon": "clock" if waiting else "check" if one.outcome == WebhookDelivery.Outcome.FETCHED else "alert",
        "received": wording.second(one.received_at, zone),
        "iso": wording.iso(one.received_at),
        "handled": wording.span(one.handled_at - one.received_at) if one.handled_at else "",
        "repeats": one.repeats,
        "error_message": one.error_message,
        "body": one.body[:EXCERPT],
    }


@require_safe
@conditional
def quarantine(request: HttpRequest) -> HttpResponseBase:
    source, zone = current.source(request), preferences.read(request).zone
    part = keyset.page(request, QuarantinedRow.objects.filter(source=source), ("last_seen_at", "id"))
    lines = [
        {
            "reason": row.reason,
            "id": row.api_id,
            "page": "" if row.page is None else row.page,
            "times": wording.number(row.times),
            "first": wording.second(row.first_seen_at, zone),
            "last": wording.second(row.last_seen_at, zone),
            "iso": wording.iso(row.last_seen_at),
            "run": row.run_id,
            "raw": row.raw[:EXCERPT],
        }
        for row in part.rows
    ]
    return render(request, "dashboard/quarantine.html", {"lines": lines, "pager": part.pager})


@require_safe
@conditional
def drift(request: HttpRequest) -> HttpResponseBase:
    source, zone = current.source(request), preferences.read(request).zone
    found = Drift.objects.filter(source=source).order_by("-last_seen_at", "-pk")[:DRIFTS]
    lines = [
        {
            "kind": one.get_kind_display(),
            "name": one.name,
            "times": wording.number(one.times),
            "first": wording.second(one.first_seen_at, zone),
            "last": wording.second(one.last_seen_at, zone),
            "iso": wording.iso(one.last_seen_at),
            "example": one.example[:EXCERPT],
        }
        for one in found
    ]
    return render(request, "dashboard/drift.html", {"lines": lines})


@require_safe
@conditional
def blind_spots(request: HttpRequest) -> HttpResponseBase:
    source, now, zone = current.source(request), current.now(request), preferences.read(request).zone
    part = keyset.page(request, BlindSpot.objects.filter(source=source), ("started_at", "id"))
    lines = [
        {
            "cause": spot.get_cause_display(),
            "detail": spot.detail if spot.detail != spot.get_cause_display() else "",
            "from": wording.second(spot.started_at, zone),
            "iso": wording.iso(spot.started_at),
            "to": wording.second(spot.ended_at, zone) if spot.ended_at else "",
            "length": wording.span((spot.ended_at or now) - spot.started_at),
            "run": spot.run_id,
        }
        for spot in part.rows
    ]
    return render(request, "dashboard/blind_spots.html", {"lines": lines, "pager": part.pager})
