"""Is something wrong, where, since when: the start of a shift in one page."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from dashboard import attention, changes, current, days, hrefs, preferences, rows, runs, triage, wording
from dashboard.conditional import conditional
from dashboard.fragments import fragment
from dashboard.parts import Empty, Link
from dashboard.reasons import REASONS
from dashboard.tiles import tiles
from migrations_sync.freshness import Freshness
from migrations_sync.models import CompanyCount, DayCount, Migration, Source, StatusChange, SyncRun

LINES = 8  # of each short list


@require_safe
@conditional
def overview(request: HttpRequest) -> HttpResponseBase:
    source, fresh, now = current.source(request), current.freshness(request), current.now(request)
    asking = sum(attention.counts(source, now).values())
    said = attention.sentence(asking, fresh, now, preferences.read(request).zone)
    context = {"sentence": said, "asking": asking, "content": _content(request)}
    return render(request, "dashboard/overview.html", context)


def _content(request: HttpRequest) -> SafeString:
    """Everything below the heading."""
    source, fresh, now = current.source(request), current.freshness(request), current.now(request)
    zone = preferences.read(request).zone
    return fragment(request, "", "dashboard/_overview.html", lambda: _context(request, source, fresh, now, zone))


def _context(request: HttpRequest, source: Source, fresh: Freshness, now: datetime, zone: tzinfo) -> dict[str, Any]:
    if fresh.as_of is None and not any(current.counts(request).values()):
        return {"empty": _never(fresh)}
    per_day = days.numbers(source, now.date())
    observed = per_day[DayCount.Kind.OBSERVED]
    newest = changes.whole(StatusChange.objects.order_by("-observed_at", "-pk"))
    return {
        "tiles": tiles(
            current.counts(request),
            lambda codes: hrefs.migrations(status=codes, gone="0"),
            today=observed.get(now.date(), {}),
        ),
        "reasons": _reasons(source, now),
        "trusted": fresh.trusted,
        "companies": _companies(source),
        "waiting": _waiting(now, zone, source),
        "changes": changes.ready(newest[:LINES], now=now, zone=zone),
        "figures": [
            days.created(per_day[DayCount.Kind.CREATED], now.date()),
            days.ended(observed, now.date()),
        ],
        "health": _health(source, fresh, now, zone),
    }


def _never(fresh: Freshness) -> Empty:
    text = "The first full sweep is reading the API's list now. This page fills by itself as it goes on."
    if not fresh.sweeping:
        text = "No sync has come through yet, so there is nothing to show, and nothing can be concluded from that."
    return Empty(
        "The mirror is still empty", text, "sync", "info", (Link("See the syncs", hrefs.runs(), primary=True),)
    )


def _reasons(source: Source, now: datetime) -> list[dict[str, Any]]:
    counts = attention.counts(source, now)
    first = attention.longest(attention.rules(source, now), list(counts), 1)
    return [
        {
            "reason": reason,
            "n": wording.number(counts[reason.key]),
            "href": hrefs.attention(reason.key),
            "oldest": _oldest(first[reason.key], source, now),
        }
        for reason in REASONS
        if reason.key in counts
    ]


def _oldest(first: list[attention.Values], source: Source, now: datetime) -> rows.Row | None:
    shown = [values[: len(rows.FIELDS)] for values in first]
    return next(iter(rows.ready(shown, source=source, now=now, zone=UTC)), None)


def _companies(source: Source) -> list[dict[str, str]]:
    found = CompanyCount.objects.filter(source=source, attention__gt=0).order_by("-attention", "-total", "-pk")
    return [
        {
            "name": company.company_id,
            "href": hrefs.company(company.company_id),
            "attention": wording.number(company.attention),
            "open": wording.number(company.open),
            "total": wording.number(company.total),
        }
        for company in found[:LINES]
    ]


def _waiting(now: datetime, zone: tzinfo, source: Source) -> list[rows.Row]:
    found = Migration.objects.present().filter(status=attention.WAITING).exclude(triage.quiet(now))
    values = found.order_by("status_changed_at", "pk").values_list(*rows.FIELDS)[:LINES]
    return rows.ready(values, source=source, now=now, zone=zone)


def _health(source: Source, fresh: Freshness, now: datetime, zone: tzinfo) -> dict[str, Any]:
    last = SyncRun.objects.filter(source=source).first()
    return {
        "last": runs.line(last, now=now, zone=zone) if last else None,
        "swept_iso": wording.iso(fresh.swept_at) if fresh.swept_at else "",
        "swept": wording.ago(fresh.swept_at, now=now, zone=zone) if fresh.swept_at else "",
        "every": wording.span(timedelta(seconds=settings.SYNC_INTERVAL)),
        "sweep_every": wording.span(timedelta(seconds=settings.SYNC_FULL_INTERVAL)),
        "href": hrefs.runs(),
    }
