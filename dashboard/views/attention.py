"""What needs a person, grouped by why; and what people do about some of it or all of it at once."""

from datetime import datetime, tzinfo
from typing import Any, cast

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from dashboard import attention, bulk, current, hrefs, paging, preferences, rows, wording
from dashboard.attention import Rules
from dashboard.conditional import conditional
from dashboard.models import TriageAct
from dashboard.parts import Empty, Link, Pager
from dashboard.reasons import REASONS, Reason
from migrations_sync.querysets import MigrationQuerySet

SHORT, LONG = 10, 50  # rows of each group while all are shown, and of one that is shown alone
# Groups that cut across the reasons.
MINE = Reason(
    "mine", "Assigned to you", "user", "", "You have taken these.", "Give back what somebody else should do."
)
QUIET = Reason(
    bulk.QUIET, "Acknowledged and snoozed", "eye-off", "", "Somebody has seen to these, so they ask for nobody.",
    "They come back by themselves when something happens to them or the snooze ends; raise one again to have it now.",
)  # fmt: skip
ASKING = {reason.key: reason for reason in REASONS}
ALONE = ASKING | {MINE.key: MINE, QUIET.key: QUIET}


@require_safe
@conditional
def groups(request: HttpRequest) -> HttpResponseBase:
    """All groups with their longest; ``?reason=`` shows one of them in full."""
    if "reason" in request.GET:
        return _alone(request, request.GET["reason"])
    source, now = current.source(request), current.now(request)
    counts, rules = attention.counts(source, now), attention.rules(source, now)
    found = attention.longest(rules, list(counts), SHORT)
    shown = [_group(request, ASKING[key], rules, counts[key], found[key]) for key in counts]
    return _page(request, shown, empty=None if shown else _nothing(request))


def _alone(request: HttpRequest, key: str) -> HttpResponseBase:
    if key not in ALONE:
        raise Http404(f"Nothing needs a person for a reason called “{key[:32]}”.")
    source, now = current.source(request), current.now(request)
    counts, rules = attention.counts(source, now), attention.rules(source, now)
    branches, order = _listing(key, rules, cast(User, request.user))
    fields = (*attention.FIELDS, *attention.QUIET_FIELDS) if key == QUIET.key else attention.FIELDS
    page = paging.page(branches, order, _cursor(request, order), size=LONG, fields=fields)
    group = _group(request, ALONE[key], rules, counts.get(key), page.rows)
    empty = None if page.rows else Empty("There is none now", "", "check")
    return _page(request, [group] if page.rows else [], alone=ALONE[key], empty=empty, pager=_pager(key, page))


def _listing(key: str, rules: Rules, user: User) -> tuple[list[MigrationQuerySet], paging.Order]:
    """What a group holds, and in which order."""
    if key == QUIET.key:
        return [attention.seen_to(rules.now)], paging.Order(("id",), descending=True)
    if key == MINE.key:
        return [attention.of_person(rules, user)], paging.Order(("status_changed_at", "id"))
    return attention.asking(rules, key), paging.Order((attention.since(key), "id"))


def _cursor(request: HttpRequest, order: paging.Order) -> paging.Cursor:
    for name in ("after", "before"):
        if word := request.GET.get(name):
            try:
                return paging.Cursor.decode(word, order, backwards=name == "before")
            except ValueError as error:
                raise Http404(str(error)) from error
    return paging.Cursor()


def _group(request: HttpRequest, reason: Reason, rules: Rules, n: int | None, values: list[attention.Values]) -> Any:
    source, now, zone = current.source(request), rules.now, preferences.read(request).zone
    size = len(rows.FIELDS)
    lines = rows.ready((row[:size] for row in values), source=source, now=now, zone=zone)
    for line, (assignee, *quiet) in zip(lines, (row[size:] for row in values), strict=True):
        line["assignee"] = assignee
        line["seen_to"] = _seen_to(*quiet, zone=zone) if quiet else ""
    return {
        "reason": reason,
        "why": reason.why.format(limit=rules.limit(reason.key)),
        "n": "" if n is None else wording.number(n),
        "more": hrefs.attention(reason.key) if n and n > len(values) else "",
        "rows": lines,
    }


def _seen_to(kind: str, who: str, text: str, until: datetime | None, *, zone: tzinfo) -> str:
    """``snoozed by ann until 2026-11-24 08:00 UTC: the customer is on leave``"""
    end = f" until {wording.minute(until, zone)}" if until else ""
    return f"{TriageAct.Kind(kind).label} by {who}{end}{': ' if text else ''}{text}"


def _page(
    request: HttpRequest,
    shown: list[Any],
    *,
    empty: Empty | None,
    alone: Reason | None = None,
    pager: Pager | None = None,
) -> HttpResponseBase:
    source, now = current.source(request), current.now(request)
    asking = sum(attention.counts(source, now).values())
    said = attention.sentence(asking, current.freshness(request), now, preferences.read(request).zone)
    context = {
        "sentence": said,
        "alone": alone,
        "groups": shown,
        "empty": empty,
        "pager": pager,
        "tabs": _tabs(alone),
        "may_triage": request.user.has_perm("dashboard.triage"),
        "snoozes": bulk.SNOOZES,
        "scopes": [
            (group["reason"].key, f"all {group['n']}: {group['reason'].title}".replace("all :", "all:"))
            for group in shown
            if group["reason"].key != MINE.key
        ],
        "at": now.isoformat(),
    }
    return render(request, "dashboard/attention.html", context)


def _tabs(alone: Reason | None) -> list[Link]:
    """The whole page, and the groups that are not part of it."""
    shown = alone.key if alone else ""
    return [
        Link("All reasons", reverse("attention"), primary=not alone),
        *(Link(reason.title, hrefs.attention(reason.key), primary=reason.key == shown) for reason in (MINE, QUIET)),
        *([Link(alone.title, hrefs.attention(shown), primary=True)] if alone and shown in ASKING else []),
    ]


def _nothing(request: HttpRequest) -> Empty:
    """Nothing to show: good news only while the mirror may be believed."""
    fresh = current.freshness(request)
    to_syncs = (Link("See the syncs", hrefs.runs()),)
    if fresh.as_of is None:
        return Empty("Nothing is known yet", "No sync has come through so far.", "sync", "info", to_syncs)
    if not fresh.trusted:
        text = "The mirror is not up to date, so there may be some that it does not know of."
        return Empty("It can't be said whether a migration needs a person", text, "clock", "late", to_syncs)
    return Empty("Nothing needs a person", "What fails, waits or runs too long will appear here.", "check", "good")


def _pager(key: str, page: paging.Page) -> Pager | None:
    def at(name: str, cursor: paging.Cursor | None) -> str:
        return f"{hrefs.attention(key)}&{name}={cursor.encode()}" if cursor else ""

    if not (page.previous or page.next):
        return None
    first = hrefs.attention(key) if page.previous else ""
    return Pager("", first=first, previous=at("before", page.previous), next=at("after", page.next))
