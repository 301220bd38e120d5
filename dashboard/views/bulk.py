"""Acknowledge, snooze, take, give back or raise again: the selected migrations, or all of one group."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_POST

from dashboard import attention, bulk, current, hrefs, preferences, roles, triage, wording
from dashboard.reasons import KEYS
from migrations_sync.models import Migration

DONE = {
    "acknowledge": "acknowledged: back when something happens",
    "snooze": "snoozed",
    "assign": "assigned to you",
    "release": "given back",
    "reopen": "raised again",
}
SCOPES = (bulk.SELECTED, *KEYS, bulk.QUIET)
SELECTED_AT_MOST = 1000


class ActForm(forms.Form):
    """``scope``: the selected ``key`` values (our own numbers), or all of a group. ``at``: when the page was made."""

    act = forms.ChoiceField(choices=list(DONE.items()))
    scope = forms.ChoiceField(choices=[(scope, scope) for scope in SCOPES])
    text = forms.CharField(required=False, max_length=4000)
    snooze = forms.ChoiceField(required=False, choices=list(bulk.SNOOZES.items()))
    at = forms.CharField(required=False)
    keys: list[int]

    def clean_at(self) -> datetime | None:
        try:
            at = parse_datetime(self.cleaned_data["at"])
        except ValueError:
            return None
        return at if at and at.tzinfo else None

    def clean(self) -> dict[str, Any]:
        asked = self.cleaned_data
        sent = [
            key
            for key in cast(QueryDict, self.data).getlist("key")[:SELECTED_AT_MOST]
            if key.isdecimal() and len(key) < 19
        ]
        self.keys = [int(key) for key in sent]
        if asked.get("scope") == bulk.SELECTED and not self.keys:
            raise forms.ValidationError("Select the migrations first, or choose all of a group.")
        if asked.get("scope") in KEYS and not asked.get("at"):
            raise forms.ValidationError("The form is not whole: load the page again.")
        if asked.get("act") == "acknowledge" and not asked.get("text"):
            raise forms.ValidationError("Say why, so that the next person knows.")
        return asked


@require_POST
def act(request: HttpRequest) -> HttpResponseRedirect:
    """Do it, say what was done, and go back to the page that it was asked from."""
    roles.require(request.user, "dashboard.triage")
    form = ActForm(request.POST)
    if form.is_valid():
        found = _meant(request, form)
        done = _do(request, form.cleaned_data, bulk.read(found))
        more = (
            f" There are more than {wording.number(bulk.MOST)}: do it again for the rest."
            if done == bulk.MOST
            else ""
        )
        messages.success(request, f"{wording.plural(done, 'migration')} {DONE[form.cleaned_data['act']]}.{more}")
    else:
        messages.error(request, " ".join(str(text) for texts in form.errors.values() for text in texts))
    shown = request.POST.get("shown", "")
    return HttpResponseRedirect(hrefs.attention(shown) if shown else reverse("attention"))


def _meant(request: HttpRequest, form: ActForm) -> list[QuerySet[Migration]]:
    scope, at = form.cleaned_data["scope"], form.cleaned_data["at"]
    if scope == bulk.SELECTED:
        return [bulk.selected(form.keys)]
    rules = attention.rules(current.source(request), current.now(request))
    return bulk.matching(scope, rules, shown_at=at)


def _do(request: HttpRequest, asked: dict[str, Any], found: Iterable[Migration]) -> int:
    if asked["act"] == "acknowledge":
        return triage.acknowledge(request, found, asked["text"])
    if asked["act"] == "snooze":
        zone = preferences.read(request).zone
        end = bulk.until(asked["snooze"], now=current.now(request), zone=zone)
        return triage.snooze(request, found, until=end, reason=asked["text"])
    if asked["act"] == "assign":
        return triage.assign(request, found, cast(User, request.user))
    return triage.release(request, found) if asked["act"] == "release" else triage.reopen(request, found)
