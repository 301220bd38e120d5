"""How the mirror is kept: its clocks, its runs, what one run did, and a button to start one."""

from datetime import datetime, tzinfo
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from kombu.exceptions import OperationalError

from dashboard import audit, changes, current, hrefs, keyset, preferences, roles, runs, wording
from dashboard.conditional import conditional
from migrations_sync import tasks
from migrations_sync.freshness import Freshness
from migrations_sync.models import SyncRun

MODES = {"quick": "quick sync", "full": "full sweep"}


@require_safe
@conditional
def run_list(request: HttpRequest) -> HttpResponseBase:
    now, zone = current.now(request), preferences.read(request).zone
    part = keyset.page(request, SyncRun.objects.filter(source=current.source(request)), ("id",), size=runs.BARS)
    context = {
        "clocks": clocks(current.freshness(request), now=now, zone=zone),
        "hold": _hold(request, zone),
        "runs": [runs.line(run, now=now, zone=zone) for run in part.rows],
        "strip": "" if part.pager.previous else runs.strip(part.rows, now=now),
        "pager": part.pager,
        "may_sync": request.user.has_perm("dashboard.sync_now"),
        "modes": MODES,
    }
    return render(request, "dashboard/runs.html", context)


def clocks(fresh: Freshness, *, now: datetime, zone: tzinfo) -> list[dict[str, str]]:
    """The three clocks of the mirror: what each means, when, and how long ago."""
    told = (
        ("Last attempt", "a sync last began", fresh.attempted_at),
        ("Last success", "everything shown was true then", fresh.as_of),
        ("Last complete sweep", "the whole list was last read from end to end", fresh.swept_at),
    )
    return [
        {
            "name": name,
            "what": what if at else "",
            "iso": wording.iso(at) if at else "",
            "at": wording.second(at, zone) if at else "",
            "ago": wording.ago(at, now=now, zone=zone) if at else "never",
        }
        for name, what, at in told
    ]


def _hold(request: HttpRequest, zone: tzinfo) -> str:
    until = current.source(request).hold_until
    return wording.second(until, zone) if until and until > current.now(request) else ""


@require_safe
@conditional
def run_detail(request: HttpRequest, run: int) -> HttpResponseBase:
    now, zone = current.now(request), preferences.read(request).zone
    found = get_object_or_404(SyncRun, pk=run)
    at_work = found.outcome == SyncRun.Outcome.RUNNING
    part = keyset.page(request, changes.whole(found.statuschange_set.all()), ("id",))
    context = {
        "run": runs.line(found, now=now, zone=zone),
        "may_stop": at_work and request.user.has_perm("dashboard.override_lease"),
        "facts": runs.facts(found, zone=zone),
        "coverage": runs.coverage(found),
        "plan": found.plan.get("reasons", []),
        "notes": found.notes,
        "excerpt": found.excerpt,
        "lines": changes.ready(part.rows, now=now, zone=zone),
        "pager": part.pager,
    }
    return render(request, "dashboard/run.html", context)


@require_POST
def sync_now(request: HttpRequest) -> HttpResponseBase:
    """Have a worker run a pass as soon as it can; it does nothing while another one holds the lease."""
    roles.require(request.user, "dashboard.sync_now")
    mode = request.POST.get("mode", "quick")
    if mode not in MODES:
        messages.error(request, f"There is no sync called “{mode[:20]}”.")
        return HttpResponseRedirect(hrefs.runs())
    newest = SyncRun.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    try:
        tasks.sync.apply_async(
            kwargs={"mode": mode, "trigger": "person"}, retry=False, expires=settings.SYNC_INTERVAL
        )
    except OperationalError:
        messages.error(request, "Nothing was started: the broker, which hands work to the workers, can't be reached.")
        return HttpResponseRedirect(hrefs.runs())
    audit.record(request, "sync", detail=MODES[mode])
    messages.success(
        request, f"A {MODES[mode]} begins as soon as a worker is free. If one is at work, that one goes on."
    )
    # The page's script shows how far the next run is.
    return HttpResponseRedirect(f"{hrefs.runs()}#after-{newest}")


@require_POST
def sync_stop(request: HttpRequest) -> HttpResponseBase:
    """Take the lease from the pass that holds it, wherever it runs: it ends, and the next one may begin."""
    roles.require(request.user, "dashboard.override_lease")
    with transaction.atomic():
        stopped = tasks.stop(request.user.get_username())
        if stopped:
            audit.record(request, "sync.stopped")
    if stopped:
        messages.success(request, "The sync that was at work ends now. What it had written stays.")
    else:
        messages.warning(request, "No sync was at work.")
    return HttpResponseRedirect(hrefs.runs())


@require_safe
@never_cache
def progress(request: HttpRequest) -> HttpResponseBase:
    """The newest run as JSON, for the page that waits for it. ``run`` is null where there is none."""
    newest = SyncRun.objects.filter(source=current.source(request)).first()
    if newest is None:
        return JsonResponse({"run": None})
    line: dict[str, Any] = runs.line(newest, now=current.now(request), zone=preferences.read(request).zone)
    told = ("href", "mode", "outcome", "running", "took", "pages", "requests", "seen", "created", "changed", "error")
    return JsonResponse({"run": newest.pk, **{name: line[name] for name in told}})
