"""Badges as pictures and JSON, open to whoever has their address; making and revoking them."""

from hashlib import sha256

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import SuspiciousOperation
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.views.decorators.http import require_POST, require_safe

from dashboard import audit, badges, current, hrefs, roles, wording
from dashboard.models import Badge
from migrations_sync.models import Migration

SHORT = 60  # seconds that a copy may be shown for


class BadgeForm(forms.Form):
    migration = forms.CharField(max_length=255)
    days = forms.TypedChoiceField(choices=list(badges.LIFETIMES.items()), coerce=int)


@login_not_required
@require_safe
def picture(request: HttpRequest, token: str) -> HttpResponse:
    """The badge as SVG. A forged address is a 404 and an ended one a 410, both with a grey picture that says so."""
    badge, reason, status = _look_up(request, token)
    if reason or not badge:
        shown = badges.drawn((reason, badges.GREY))
    else:
        face = _face(request, badge)
        when = f"as of {wording.minute(face.as_of)}"
        shown = badges.drawn((face.name, badges.DARK), (face.label, face.colour), (when, badges.DARK))
    response = render(request, "dashboard/badge.svg", shown, content_type="image/svg+xml", status=status)
    response.headers["Content-Security-Policy"] = "default-src 'none'"
    return _cached(request, response)


@login_not_required
@require_safe
def data(request: HttpRequest, token: str) -> HttpResponse:
    """The badge as JSON: ``status``, ``label``, ``as_of``, ``trusted``; or ``error``."""
    badge, reason, status = _look_up(request, token)
    if reason or not badge:
        return _cached(request, JsonResponse({"error": reason}, status=status))
    face = _face(request, badge)
    shown = {
        "migration": face.name,
        "status": face.status,
        "label": face.label,
        "as_of": wording.iso(face.as_of),
        "trusted": face.trusted,
        "expires_at": wording.iso(badge.expires_at),
    }
    return _cached(request, JsonResponse(shown))


def _look_up(request: HttpRequest, token: str) -> tuple[Badge | None, str, int]:
    badge = badges.find(token)
    if not badge:
        return None, "no such badge", 404
    ended = badges.ended(badge, current.now(request))
    return badge, f"badge {ended}" if ended else "", 410 if ended else 200


def _face(request: HttpRequest, badge: Badge) -> badges.Face:
    return badges.face(badge.migration, current.freshness(request), current.source(request))


def _cached(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    response.headers["Cache-Control"] = f"public, max-age={SHORT}"
    response.headers["ETag"] = etag = quote_etag(sha256(response.content).hexdigest()[:32])
    return get_conditional_response(request, etag=etag, response=response) or response


def badge_list(request: HttpRequest) -> HttpResponse:
    """Every badge that still shows, to revoke; makes one for the migration that is sent along."""
    roles.require(request.user, "dashboard.triage")
    if request.method == "POST":
        return _make(request)
    found = Badge.objects.usable(current.now(request)).select_related("migration", "made_by").order_by("-id")[:500]
    return render(request, "dashboard/badges.html", {"badges": [badges.row(request, badge) for badge in found]})


def _make(request: HttpRequest) -> HttpResponse:
    form = BadgeForm(request.POST)
    if not form.is_valid():
        raise SuspiciousOperation("a badge without a migration or a lifetime")
    api_id = form.cleaned_data["migration"]
    migration = get_object_or_404(Migration, source=current.source(request), api_id=api_id)
    with transaction.atomic():
        badge = badges.make(request, migration, days=form.cleaned_data["days"])
        audit.record(
            request, "badge.made", migration=api_id, target=str(badge), detail=f"until {badge.expires_at:%F}"
        )
    messages.success(request, "The badge is made. Its address is on this page.")
    return HttpResponseRedirect(f"{hrefs.migration(migration.api_id)}#badges")


@require_POST
def badge_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    roles.require(request.user, "dashboard.triage")
    badge = get_object_or_404(Badge.objects.select_related("migration"), pk=pk)
    with transaction.atomic():
        if badges.revoke(badge):
            audit.record(request, "badge.revoked", migration=badge.migration.api_id, target=str(badge))
    messages.success(request, "The badge shows nothing any more.")
    return HttpResponseRedirect(f"{hrefs.migration(badge.migration.api_id)}#badges")
