"""Puts a migration's page together: everything worked out, so that its template only lays it out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from dashboard import (
    badges,
    current,
    durations,
    history,
    hrefs,
    known,
    neighbours,
    payloads,
    preferences,
    roles,
    rows,
    sentences,
    stays,
    steps,
    tickets,
    timeline,
    triage,
    wording,
)  # fmt: skip
from dashboard.history import History
from dashboard.known import Known
from dashboard.stays import Stay
from migrations_sync.models import Migration

SHOWN = 100  # events
VERSIONS = 20
# What the tables of neighbours leave out: it stands in their headings, or matters less here.
HIDDEN = {"user": "user changed checked", "company": "company changed checked", "hour": "changed checked"}
# What the one template of both pages finds empty on each.
NOT_PAST = {"then": "", "then_iso": "", "now_href": ""}
NOT_PRESENT = {"neighbours": (), "usual": None, "triage": None, "steps": None}


def now(request: HttpRequest, migration: Migration) -> dict[str, Any]:
    """The page as things are. Four queries, beside those that every page asks."""
    record = history.read(migration)
    facts = known.now(migration, record, current.source(request), at=current.now(request))
    return {
        **NOT_PAST,
        **_common(request, migration, record, facts),
        "neighbours": _neighbours(request, migration),
        "usual": _usual(request, facts),
        "triage": (mine := _triage(request, migration, record)),
        **badges.panel(request, migration, may=mine["may"], ever=getattr(migration, "badged", True)),
        "steps": steps.of(request, migration),
    }


def then(request: HttpRequest, migration: Migration, at: datetime) -> dict[str, Any]:
    """The page as it would have been ``at`` a past moment."""
    record = history.read(migration, at=at)
    facts = known.then(migration, record, at=at)
    zone = preferences.read(request).zone
    past = {
        "then": wording.second(at, zone),
        "then_iso": wording.iso(at),
        "now_href": hrefs.migration(migration.api_id),
    }
    if facts is None:
        first = migration.first_seen_at
        return {
            **NOT_PRESENT,
            **past,
            "known": None,
            "api_id": migration.api_id,
            "title": sentences.shortest(migration.api_id),
            "first_seen": wording.second(first, zone),
            "first_seen_href": f"{hrefs.migration(migration.api_id)}?at={wording.iso(first)}",
        }
    return {**NOT_PRESENT, **past, **_common(request, migration, record, facts)}


def _common(request: HttpRequest, migration: Migration, record: History, facts: Known) -> dict[str, Any]:
    """What is shown of the present and of the past alike."""
    zone = preferences.read(request).zone
    lived = stays.stays(facts, record)
    events = timeline.build(facts, record, lived, zone=zone)
    reasons = timeline.reasons_by_change(record)
    last = lived[-1].change
    href = hrefs.short(request, migration.api_id, at=wording.iso(facts.at))
    return {
        "known": facts,
        "api_id": migration.api_id,
        "title": sentences.title(migration.api_id, facts),
        "sentence": sentences.sentence(facts, zone),
        "status": facts.status,
        "meaning": sentences.meaning(facts),
        "next_step": sentences.next_step(facts),
        "reason": reasons[last.pk].text if last and last.pk in reasons else "",
        "ticket": sentences.ticket_line(migration.api_id, facts, href),
        "markdown": sentences.ticket_markdown(migration.api_id, facts, href),
        "facts": _facts(request, facts),
        "events": timeline.newest(events, SHOWN),
        "cut": len(events) > SHOWN or record.cut,
        "turns": _turns(lived, facts, record),
        "raw": payloads.readable(facts.raw),
        "versions": _versions(request, record, facts),
    }


@dataclass(frozen=True, slots=True)
class Fact:
    """``copied``: what the button beside it copies; ``href``: where more of the same is. Empty: none."""

    name: str
    value: str
    iso: str = ""
    note: str = ""
    copied: str = ""
    href: str = ""
    mono: bool = False


def _facts(request: HttpRequest, facts: Known) -> list[Fact]:
    zone, at = preferences.read(request).zone, facts.at

    def when(name: str, moment: datetime, note: str = "") -> Fact:
        return Fact(name, wording.second(moment, zone), iso=wording.iso(moment), note=note)

    changed = wording.between(facts.not_before, facts.since, zone, now=at)
    told = [
        _who("Company", facts.company, hrefs.company(facts.company)),
        _who("Created by", facts.user, hrefs.migrations(user=facts.user)),
        when("Created", facts.created, "by the API's clock"),
        when("First seen", facts.first_seen),
        Fact("In this status since", changed if facts.witnessed else "before it was first seen"),
        when("Last checked", facts.as_of),
        Fact("Status as sent", facts.status.code, mono=True),
    ]
    return [*told, when("Gone since", facts.gone_at)] if facts.gone_at else told


def _who(name: str, value: str | None, href: str) -> Fact:
    return Fact(name, value, copied=value, href=href, mono=True) if value else Fact(name, "none")


def _turns(lived: list[Stay], facts: Known, record: History) -> dict[str, Any]:
    """The age of a migration by whose turn it was: a bar, and the same in words."""
    split = stays.turns(lived, facts, record.blind)
    total = sum(split.values(), stays.NOTHING)
    parts, x = [], 0.0
    for key, length in split.items():
        width = length / total * 100
        turn = stays.TURNS[key]
        parts.append(
            {"key": key, "name": turn.name, "status": turn.status, "length": wording.span(length),
             "share": f"{width:.0f} %" if width >= 1 else "under 1 %", "x": f"{x:.2f}", "width": f"{width:.2f}"}
        )  # fmt: skip
        x += width
    return {"parts": parts, "total": wording.span(total)}


def _usual(request: HttpRequest, facts: Known) -> dict[str, Any] | None:
    """How this stay compares with others in the same status; only where it can still end by itself."""
    usual = durations.book(current.source(request)).usual(facts.status.code, facts.company)
    if usual is None or not facts.status.open or facts.gone_at:
        return None
    lasted = facts.at - facts.since
    return {
        "longer": lasted > usual.p90,
        "words": _compared(lasted, usual),
        "whose": "of this company" if usual.company_id is not None else "of all companies",
        "n": wording.number(usual.n),
        "median": wording.span(usual.median),
        "p90": wording.span(usual.p90),
        "p95": wording.span(usual.p95),
    }


def _compared(lasted: Any, usual: durations.Usual) -> str:
    if lasted > usual.p95:
        return "Longer than 95 of 100 usually stay in this status"
    if lasted > usual.p90:
        return "Longer than 9 of 10 usually stay in this status"
    return "Longer than half of them" if lasted > usual.median else "Not longer than usual"


def _versions(request: HttpRequest, record: History, facts: Known) -> list[dict[str, Any]]:
    zone = preferences.read(request).zone
    versions = [(item.at, item.text) for item in record.versions[-VERSIONS:] if item.at]
    return [
        {"when": wording.second(at, zone), "iso": wording.iso(at), "differences": differences}
        for at, differences in payloads.differences(versions, facts.raw)
    ]


def _neighbours(request: HttpRequest, migration: Migration) -> list[dict[str, Any]]:
    """The tables below: name, rows, and the list that has all of them."""
    near = neighbours.of(migration)
    company, user = migration.company_id, migration.created_by_user_id
    around = {
        "created_after": wording.iso(migration.created - neighbours.AROUND),
        "created_before": wording.iso(migration.created + neighbours.AROUND),
    }
    tables = [
        ("user", f"Created by {user}", near.user, hrefs.migrations(user=user)),
        ("company", f"Company {company}", near.company, hrefs.company(company)),
        ("hour", "Created within half an hour", near.hour, hrefs.migrations(**around)),
    ]
    source, at, zone = current.source(request), current.now(request), preferences.read(request).zone
    return [
        {
            "name": name,
            "heading": heading,
            "rows": rows.ready(values, source=source, now=at, zone=zone),
            "href": href if name in near.more else "",
            "hide": HIDDEN[name],
        }
        for name, heading, values, href in tables
        if values
    ]


def _triage(request: HttpRequest, migration: Migration, record: History) -> dict[str, Any]:
    """What people made of it, and what this reader may do about it."""
    may, state, at = roles.held(request.user), getattr(migration, "triage", None), current.now(request)
    zone = preferences.read(request).zone
    quiet = state.quiet if state and triage.is_quiet(state, migration, at) else None
    return {
        "may": "triage" in may,
        "may_check": "check_now" in may,
        "assignee": state.assignee if state else None,
        "mine": bool(state and state.assignee_id == request.user.pk),
        "quiet": quiet,
        "quiet_when": wording.clock(quiet.at, now=at, zone=zone) if quiet else "",
        "quiet_until": wording.minute(quiet.until, zone) if quiet and quiet.until else "",
        "tickets": [tickets.read(text) for text in dict.fromkeys(a.text for a in record.acts if a.name == "ticket")],
        "ref": request.GET.get("ref", ""),
        "seen": triage.seen(migration),
    }
