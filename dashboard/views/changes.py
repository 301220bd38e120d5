"""Every observed change of a status, or those of one run, of some days, into one status."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard import changes, current, hrefs, keyset, preferences
from dashboard.conditional import conditional
from migrations_sync import statuses
from migrations_sync.models import StatusChange

NEWEST = ("observed_at", "id")


class Narrowing(forms.Form):
    """``first`` and ``last`` are days (UTC), both counted in."""

    run = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    first = forms.DateField(required=False)
    last = forms.DateField(required=False)
    status = forms.CharField(required=False, max_length=64)

    def clean(self) -> dict[str, Any]:
        first, last = self.cleaned_data.get("first"), self.cleaned_data.get("last")
        if first and last and first > last:
            self.add_error("last", "The last day lies before the first.")
        return self.cleaned_data

    def apply(self, found: QuerySet[StatusChange]) -> QuerySet[StatusChange]:
        asked = self.cleaned_data
        if asked["run"]:
            found = found.filter(run=asked["run"])
        if asked["first"]:
            found = found.filter(observed_at__gte=_midnight(asked["first"]))
        if asked["last"]:
            found = found.filter(observed_at__lt=_midnight(asked["last"] + timedelta(days=1)))
        if asked["status"]:
            kinds = (StatusChange.Kind.STATUS, StatusChange.Kind.FIRST_SEEN)
            found = found.filter(new=asked["status"], kind__in=kinds)
        return found

    def words(self) -> str:
        """``into Failed, on 2026-11-23``"""
        asked = self.cleaned_data
        parts = [f"into {statuses.get(asked['status']).label}"] if asked["status"] else []
        parts += [f"of run {asked['run']}"] if asked["run"] else []
        if asked["first"] and asked["first"] == asked["last"]:
            parts.append(f"on {asked['first']}")
        else:
            parts += [f"from {asked['first']}"] if asked["first"] else []
            parts += [f"to {asked['last']}"] if asked["last"] else []
        return ", ".join(parts)


@require_safe
@conditional
def change_list(request: HttpRequest) -> HttpResponseBase:
    """A value that can't be used shows its error and no changes, never all of them."""
    form = Narrowing(request.GET)
    found = form.apply(StatusChange.objects.all()) if form.is_valid() else StatusChange.objects.none()
    part = keyset.page(request, changes.whole(found), NEWEST)
    now, zone = current.now(request), preferences.read(request).zone
    context = {
        "form": form,
        "words": form.words() if form.is_valid() else "",
        "lines": changes.ready(part.rows, now=now, zone=zone),
        "pager": part.pager,
        "all_href": hrefs.changes(),
    }
    return render(request, "dashboard/changes.html", context)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
