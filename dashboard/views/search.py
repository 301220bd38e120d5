"""One box for whatever somebody has at hand: an id, its beginning, a link, a company, a user, a whole ticket."""

import time
from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from dashboard import current, hrefs, lookups, paste, preferences, rows, search, wording
from dashboard.search import Found
from migrations_sync.models import Migration

PATIENCE = 10.0  # seconds that a page waits for look-ups; the rest is asked when it is read again
IN_AN_ADDRESS = 3500  # characters; longer ones are refused by servers on the way


@dataclass(frozen=True, slots=True)
class Hit:
    """One line of the table. ``row``: the migration made ready, if there is one; ``text``: what was pasted.

    ``note``: where there is none, why.
    """

    text: str
    outcome: str
    icon: str
    tone: str
    row: rows.Row | None = None
    href: str = ""
    note: str = ""

    @property
    def parts(self) -> tuple[str, str, str]:
        """``text`` as tables show an id."""
        return rows.shortened(self.text)


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """``q``: anything. What can only mean one thing leads there; else everything is listed, fetched if need be."""
    if request.method == "POST":
        return _shareable(request)
    text = request.GET.get("q", "").strip()
    pasted = paste.read(text)
    found = search.look_up(pasted, current.source(request))
    if only := _only(found):
        return HttpResponseRedirect(only)
    answers = _ask(request, found.missing)
    if not found.hits and list(answers) == [text] and answers[text].outcome == "found":
        return HttpResponseRedirect(hrefs.migration(text))
    hits = _migrations(request, found, answers)
    context = {
        "q": text,
        "hits": hits,
        "others": _others(found),
        "count": wording.plural(sum(1 for hit in hits if hit.row), "migration"),
        "cut": pasted.cut or found.cut,
        "ask": hrefs.migration(text) if not hits and not lookups.impossible(text) else "",
    }
    return render(request, "dashboard/search.html", context)


def _shareable(request: HttpRequest) -> HttpResponseRedirect:
    """To the address that stands for what was pasted: it may be longer than any address."""
    pasted = paste.read(request.POST.get("q", ""))
    text = search.compact(pasted, search.look_up(pasted, current.source(request))) or " ".join(pasted.texts)
    if pasted.cut or len(text) > IN_AN_ADDRESS:
        messages.warning(request, "That was too much at once: only its beginning was looked at.")
    return HttpResponseRedirect(f"{reverse('search')}?{urlencode({'q': text[:IN_AN_ADDRESS]})}")


def _only(found: Found) -> str:
    """The one page that this can mean; empty if there are several, or something is missing."""
    if found.hits != 1 or found.missing:
        return ""
    for ids in found.ids.values():
        return hrefs.migration(ids[0])
    for company in found.companies:
        return hrefs.company(company)
    for user in found.users:
        return hrefs.migrations(user=user)
    return reverse("ticket", args=found.tickets)


def _others(found: Found) -> list[tuple[str, str, str]]:
    """Kind, name and address of what is no migration."""
    return [
        *(("Company", company, hrefs.company(company)) for company in found.companies),
        *(("User", user, hrefs.migrations(user=user)) for user in found.users),
        *(("Ticket", key, reverse("ticket", args=[key])) for key in found.tickets),
    ]


def _ask(request: HttpRequest, missing: list[str]) -> dict[str, lookups.Answer]:
    """What the API says of those that are missing here, as far as time allows."""
    answers: dict[str, lookups.Answer] = {}
    began = time.monotonic()
    for api_id in missing:
        if time.monotonic() - began > PATIENCE or lookups.impossible(api_id):
            continue
        answers[api_id] = lookups.ask(api_id, who=request.user.pk or 0)
        if answers[api_id].outcome in ("limited", "unreachable"):
            break  # the next would fare no better
    return answers


def _migrations(request: HttpRequest, found: Found, answers: dict[str, lookups.Answer]) -> list[Hit]:
    fetched = [api_id for api_id, answer in answers.items() if answer.outcome == "found"]
    wanted = [api_id for ids in found.ids.values() for api_id in ids] + fetched
    stored = Migration.objects.filter(source=current.source(request), api_id__in=wanted).values_list(*rows.FIELDS)
    zone, now = preferences.read(request).zone, current.now(request)
    ready = {row["id"]: row for row in rows.ready(stored, source=current.source(request), now=now, zone=zone)}
    hits = [_known(text, ready[i]) for text, ids in found.ids.items() for i in ids if i in ready]
    return hits + [
        Hit(api_id, "fetched now", "sync", "info", ready[api_id])
        if api_id in fetched and api_id in ready
        else _unknown(request, api_id, answers.get(api_id))
        for api_id in found.missing
    ]


def _known(text: str, row: rows.Row) -> Hit:
    return Hit(text, "gone", "s-gone", "", row) if row["gone"] else Hit(text, "found", "check", "good", row)


def _unknown(request: HttpRequest, api_id: str, answer: lookups.Answer | None) -> Hit:
    href = hrefs.migration(api_id)
    if answer is None:
        return Hit(
            api_id, "not asked for", "clock", "late", href=href, note="Read the page again to ask for the rest."
        )
    at = wording.clock(answer.at, now=current.now(request), zone=preferences.read(request).zone)
    if answer.outcome == "unknown":
        return Hit(api_id, "unknown", "cross", "bad", href=href, note=f"The API does not know it: asked at {at}.")
    if answer.outcome == "unreadable":
        return Hit(
            api_id, "unreadable", "alert", "bad", href=href, note=f"The API's answer at {at} is in quarantine."
        )
    return Hit(api_id, "not known yet", "alert", "late", href=href, note=f"Asked at {at} in vain: {answer.detail}.")
