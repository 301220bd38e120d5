"""Who did what: every act of a person, narrowed by who, what, when and to which migration."""

from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard import audit, current, hrefs, preferences, roles, wording
from dashboard.filters import MomentField
from dashboard.links import Here
from dashboard.models import AuditEntry
from dashboard.models.audit import AuditQuerySet
from dashboard.parts import Pager

PER_PAGE = 100


class AuditForm(forms.Form):
    who = forms.CharField(required=False, max_length=150)
    act = forms.ChoiceField(
        required=False, choices=[("", "anything"), *sorted(audit.ACTS.items(), key=lambda a: a[1])]
    )
    migration = forms.CharField(required=False, max_length=255)
    request = forms.CharField(required=False, max_length=64)
    before = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)

    def __init__(self, *args: Any, now: datetime) -> None:
        super().__init__(*args)
        self.fields["since"], self.fields["until"] = MomentField(now), MomentField(now)


@require_safe
def entries(request: HttpRequest) -> HttpResponse:
    """A page of entries, newest first. A value that can't be used shows its error and no entries."""
    roles.require(request.user, "dashboard.view_audit")
    form = AuditForm(request.GET, now=current.now(request))
    found = list(_narrowed(form.cleaned_data)[: PER_PAGE + 1]) if form.is_valid() else []
    shown = found[:PER_PAGE]
    context = {
        "form": form,
        "entries": [_row(request, entry) for entry in shown],
        "pager": Pager(wording.plural(len(shown), "entry", "entries"), next=_older(request, found)),
    }
    return render(request, "dashboard/audit.html", context)


def _narrowed(chosen: dict[str, Any]) -> AuditQuerySet:
    lookups = {
        "who": chosen["who"],
        "act": chosen["act"],
        "migration": chosen["migration"],
        "request_id": chosen["request"],
        "at__gte": chosen["since"],
        "at__lt": chosen["until"],
    }
    found = AuditEntry.objects.filter(**{name: value for name, value in lookups.items() if value})
    last = AuditEntry.objects.filter(pk=chosen["before"]).first() if chosen["before"] else None
    if last:  # one bound that an index can seek, and the rest of the order
        found = found.filter(Q(at__lte=last.at) & (Q(at__lt=last.at) | Q(pk__lt=last.pk)))
    return found.order_by("-at", "-id")


def _older(request: HttpRequest, found: list[AuditEntry]) -> str:
    if len(found) <= PER_PAGE:
        return ""
    given = [(name, str(value)) for name, value in request.GET.items() if value and name != "before"]
    return Here(request.path, given).setting("before", str(found[PER_PAGE - 1].pk))


def _row(request: HttpRequest, entry: AuditEntry) -> dict[str, Any]:
    return {
        "at": wording.second(entry.at, preferences.read(request).zone),
        "iso": wording.iso(entry.at),
        "who": entry.who or "by command",
        "act": audit.ACTS.get(entry.act, entry.act),
        "migration": entry.migration,
        "href": hrefs.migration(entry.migration) if entry.migration else "",
        "target": entry.target,
        "detail": entry.detail,
        "address": entry.address or "",
        "request_id": entry.request_id,
    }
