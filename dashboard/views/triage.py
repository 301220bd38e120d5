"""What people do about migrations, sent by forms. Wherever they stood, they come back there."""

from datetime import datetime
from typing import cast

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.views.decorators.http import require_POST

from dashboard import current, hrefs, roles, tickets, triage, wording
from dashboard.onward import onward
from dashboard.times import length
from migrations_sync.models import Migration

ACTS = ("note", "ticket", "acknowledge", "snooze", "reopen", "assign", "release")
MOST = 200  # migrations at once
NEED_TEXT = {
    "note": "Write something into the note.",
    "ticket": "Give the ticket's number or address.",
    "acknowledge": "Say why, so that the next person knows.",
}


class ActForm(forms.Form):
    """``until``: a length from now, empty for "until something happens"; ``seen``: see ``triage.seen``."""

    text = forms.CharField(required=False, max_length=4000)
    until = forms.CharField(required=False, max_length=16)
    seen = forms.CharField(required=False, max_length=64)

    def __init__(self, request: HttpRequest, act: str) -> None:
        super().__init__(request.POST)
        self.act, self.now = act, current.now(request)

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"]
        if not text and self.act in NEED_TEXT:
            raise forms.ValidationError(NEED_TEXT[self.act])
        return self._ticket(text) if self.act == "ticket" else text

    def _ticket(self, text: str) -> str:
        try:
            return tickets.read(text).key
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def clean_until(self) -> datetime | None:
        text: str = self.cleaned_data["until"]
        try:
            return self.now + length(text) if text else None
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


@require_POST
def act(request: HttpRequest, act: str) -> HttpResponseRedirect:
    """Do ``act`` to each ``migration`` (API ids) that was sent."""
    if act not in ACTS:
        raise Http404
    roles.require(request.user, "dashboard.triage")
    migrations = _migrations(request)
    back = HttpResponseRedirect(_back(request, migrations))
    form = ActForm(request, act)
    if not form.is_valid():
        messages.error(request, " ".join(str(text) for texts in form.errors.values() for text in texts))
    elif not migrations:
        messages.error(request, "None of these migrations is in the mirror. Nothing was changed.")
    elif act in ("acknowledge", "snooze") and _moved_on(migrations, form.cleaned_data["seen"]):
        messages.warning(request, "Something happened since you opened the page, so nothing was done. Look again.")
    else:
        messages.success(request, _do(request, act, migrations, form))
    return back


def _migrations(request: HttpRequest) -> list[Migration]:
    sent = [api_id for api_id in request.POST.getlist("migration")[:MOST] if "\0" not in api_id]
    return list(Migration.objects.filter(source=current.source(request), api_id__in=sent))


def _back(request: HttpRequest, migrations: list[Migration]) -> str:
    return onward(request, hrefs.migration(migrations[0].api_id) if migrations else hrefs.migrations())


def _moved_on(migrations: list[Migration], seen: str) -> bool:
    return bool(seen) and any(triage.seen(migration) != seen for migration in migrations)


def _do(request: HttpRequest, act: str, migrations: list[Migration], form: ActForm) -> str:
    """Do it, and say in words what was done."""
    text, until = form.cleaned_data["text"], form.cleaned_data["until"]
    what = "it" if len(migrations) == 1 else wording.plural(len(migrations), "migration")
    if act == "note":
        triage.note(request, migrations, text)
        return "The note is on the timeline."
    if act == "ticket":
        triage.ticket(request, migrations, text)
        return "The ticket is on the timeline."
    if act == "acknowledge":
        triage.acknowledge(request, migrations, text)
        return f"You acknowledged {what}: back when something happens."
    if act == "snooze":
        triage.snooze(request, migrations, until=until, reason=text)
        return f"You snoozed {what}: back {'at the chosen time, or ' if until else ''}when something happens."
    if act == "assign":
        triage.assign(request, migrations, cast(User, request.user))
        return f"You took {what}."
    if act == "release":
        triage.release(request, migrations)
        return f"You gave {what} back."
    triage.reopen(request, migrations)
    return f"You raised {what} again."
