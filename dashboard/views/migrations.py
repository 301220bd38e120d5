"""The table of migrations."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard import (
    attention,
    audit,
    current,
    exports,
    filters,
    paging,
    phrases,
    preferences,
    rows,
    steps,
    times,
    wording,
)
from dashboard.conditional import conditional
from dashboard.filters import Choice
from dashboard.frame import address
from dashboard.links import Here
from dashboard.parts import Banner, Empty, Link, Pager
from dashboard.tables import headings, optional_columns
from dashboard.tally import Tally, tally
from migrations_sync import statuses

# What people look for again and again. The addresses say all there is to them.
VIEWS = (
    ("All", ""),
    ("Needs attention", "attention=1"),
    ("Waiting for user", "status=PENDING_USER_INPUT&sort=changed"),
    ("Running long", "status=WORKING&longer={usual}&sort=changed"),
    ("Changed today", "changed_after=today&sort=-changed"),
    ("Unknown status", "unknown=1"),
    ("Gone", "gone=1"),
)
FIELDS = (
    ("q", "Search", "An id or its beginning, a company, a user"),
    ("company", "Company", ""),
    ("user", "Created by", ""),
    ("created_after", "Created since", "2026-11-23 or now-24h"),
    ("created_before", "Created before", ""),
)
VISIBLE = {name for name, *_ in FIELDS}
LOOKS = ("sort", "per_page")  # how a list is shown, not what is in it


@dataclass(frozen=True, slots=True)
class Chip:
    """``status`` and ``icon`` only where it stands for a status; ``count`` is empty where it is not known."""

    label: str
    href: str
    on: bool = False
    count: str = ""
    status: str = ""
    icon: str = ""


@require_safe
def table(request: HttpRequest) -> HttpResponseBase:
    """The list, narrowed, sorted and paged by its address; an address that can't be read lists nothing."""
    return _file(request) if "_export" in request.GET else _page(request)


@conditional
def _page(request: HttpRequest) -> HttpResponse:
    return _shown(request, _choice(request))


def _file(request: HttpRequest) -> HttpResponseBase:
    """Every row of the list, not only those of a page."""
    choice, source = _choice(request), current.source(request)
    if not choice.export or choice.errors:
        return _shown(request, choice)
    if request.method == "GET":
        what = phrases.heading(choice.criteria, choice.given)
        audit.record(request, "export", target=choice.export, detail=what)
    rows = filters.together(choice.criteria, seen=_seen(request), source=source, now=current.now(request))
    ordered = rows.order_by(*choice.order.order_by())
    return exports.export(ordered, choice.export, source=source, as_of=current.freshness(request).as_of)


def _seen(request: HttpRequest) -> set[str]:
    return {row.status for row in current.kept_counts(request)}


def _choice(request: HttpRequest) -> Choice:
    per_page = preferences.read(request).per_page
    return filters.read(request.GET, seen=_seen(request), now=current.now(request), per_page=per_page)


def _shown(request: HttpRequest, choice: Choice) -> HttpResponse:
    chosen, source, now = preferences.read(request), current.source(request), current.now(request)
    kept, seen = current.kept_counts(request), _seen(request)
    here = Here(request.path, choice.given)
    if choice.errors:
        page, counted = paging.Page([], 0, None, None), Tally(0)
    else:
        parts = filters.branches(choice.criteria, seen=seen, source=source, now=now)
        page = paging.page(parts, choice.order, choice.cursor, size=choice.per_page, fields=rows.FIELDS)
        counted = tally(choice.criteria, kept, source=source, now=now)
    narrow = here.to(here.without("company", "user")).partition("?")[2]
    came_from = f"?{steps.parameter(choice.given)}"
    context = {
        "heading": phrases.heading(choice.criteria, choice.given),
        "count": "" if choice.errors else counted.words,
        "exports": [] if choice.errors else _exports(here),
        "due": attention.counts(source, now) if choice.criteria.attention else None,
        "banners": _banners(choice, here),
        "views": _views(here, attention.rules(source, now).thresholds["WORKING"].after),
        "chips": _status_chips(choice, here, counted, seen),
        "removable": _removable(choice, here),
        "clear": here.path if _narrowing(choice) else "",
        "fields": _fields(request, choice),
        "more_open": any(name in choice.errors for name in VISIBLE if name != "q"),
        "kept": [pair for pair in choice.given if pair[0] not in VISIBLE],
        "headings": headings(choice.sort, here),
        "rows": rows.ready(page.rows, source=source, now=now, zone=chosen.zone, narrow=narrow, query=came_from),
        "hide": " ".join(chosen.hide),
        "columns": optional_columns(chosen.hide),
        "empty": None if page.rows else _empty(request, choice, here),
        "pager": _pager(page, counted, here),
        "sizes": [(n, here.setting("per_page", str(n)), n == choice.per_page) for n in preferences.PAGE_SIZES],
    }
    return render(request, "dashboard/migrations.html", context)


def _exports(here: Here) -> list[Link]:
    return [Link(kind.upper(), here.to([*here.given, ("_export", kind)])) for kind in exports.FORMATS]


def _banners(choice: Choice, here: Here) -> list[Banner]:
    found = []
    if choice.errors:
        wrong = wording.plural(sum(map(len, choice.errors.values())), "value")
        shown = {name for name, *_ in FIELDS}
        elsewhere = [
            f"{name}: {text}" for name, texts in choice.errors.items() if name not in shown for text in texts
        ]
        text = " ".join(["Nothing is listed until that is put right.", *elsewhere])
        found.append(Banner(f"{wrong} in the address could not be used.", text, "bad", role="alert"))
    if choice.unknown:
        names = ", ".join(f"“{name[:64]}”" for name in choice.unknown)
        text = f"Nothing here is called {names}, so it narrows nothing."
        found.append(
            Banner("Part of the address has no meaning.", text, "late", href=here.to(here.given), action="Drop it")
        )
    return found


def _views(here: Here, usual: timedelta) -> list[Link]:
    """``usual``: how long a migration may work before that is unusual."""
    found = []
    for label, query in VIEWS:
        pairs = parse_qsl(query.format(usual=times.said(usual)))
        found.append(Link(label, here.to(pairs), primary=here.asks_for(pairs, apart_from=LOOKS)))
    return found


def _status_chips(choice: Choice, here: Here, counted: Tally, seen: set[str]) -> list[Chip]:
    """Every status there is, in its order; those that nobody documented only where they were met."""
    codes = sorted({*statuses.DOCUMENTED, *seen, *choice.criteria.statuses}, key=lambda c: (statuses.rank(c), c))
    by_status = counted.by_status
    return [
        Chip(
            label=statuses.get(code).label,
            href=here.toggling("status", code),
            on=code in choice.criteria.statuses,
            count="" if by_status is None else wording.number(by_status.get(code, 0)),
            status=code,
            icon=statuses.get(code).icon,
        )
        for code in codes
    ]


def _removable(choice: Choice, here: Here) -> list[Chip]:
    return [
        Chip(words, here.to(pair for pair in here.given if pair != (name, value)))
        for name, value in choice.given
        if (words := phrases.chip(name, value))
    ]


def _narrowing(choice: Choice) -> bool:
    return any(name not in LOOKS for name, _ in choice.given)


def _fields(request: HttpRequest, choice: Choice) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "label": label,
            "hint": hint,
            "value": request.GET.get(name, ""),
            "error": " ".join(choice.errors.get(name, ())),
        }
        for name, label, hint in FIELDS
    ]


def _empty(request: HttpRequest, choice: Choice, here: Here) -> Empty:
    """Why nothing is listed: which of these it is makes all the difference to whoever looks."""
    fresh, total = current.freshness(request), sum(row.n for row in current.kept_counts(request))
    clear = Link("Clear the filters", here.path, primary=True)
    if choice.errors:
        text = "An address that can't be read in full lists nothing, rather than everything."
        return Empty("Nothing is listed", text, "filter", actions=(clear,))
    if not total and fresh.as_of is None:
        text = "The first sync is reading the list now." if fresh.sweeping else "No sync has come through yet."
        return Empty("No migrations yet", text, "sync", "info", _syncs())
    if not fresh.trusted:
        zone = preferences.read(request).zone
        known = f" What is known is from {wording.second(fresh.as_of, zone)}." if fresh.as_of else ""
        text = f"The mirror is not up to date, so there may be some that it does not know of.{known}"
        return Empty("It can't be said whether there are any", text, "clock", "late", _syncs())
    asked = set(filters.wanted(choice.criteria, ()) or ())
    if asked and asked <= set(statuses.NEED_ATTENTION) and not choice.criteria.apart_from_status:
        text = f"Of {wording.plural(total, 'migration')}, none is in this state."
        return Empty("Nothing here needs a person", text, "check", "good")
    if not _narrowing(choice):
        return Empty("There are no migrations", "The API has none to show.", "check")
    drops = tuple(Link(f"Without “{chip.label}”", chip.href) for chip in _droppable(choice, here))
    words = phrases.heading(choice.criteria, choice.given)
    text = f"Looked for “{words}” among {wording.plural(total, 'migration')}."
    return Empty("No migration matches", text, "search", actions=(clear, *drops))


def _droppable(choice: Choice, here: Here) -> list[Chip]:
    on = [Chip(statuses.get(code).label, here.toggling("status", code)) for code in choice.criteria.statuses]
    found = [*on, *_removable(choice, here)]
    return found if len(found) > 1 else []


def _syncs() -> tuple[Link, ...]:
    href = address("run-list")
    return (Link("See the syncs", href),) if href else ()


def _pager(page: paging.Page, counted: Tally, here: Here) -> Pager:
    def at(name: str, cursor: paging.Cursor | None) -> str:
        return here.to([*here.given, (name, cursor.encode())]) if cursor else ""

    end = paging.Cursor(backwards=True)
    return Pager(
        summary=phrases.summary(page.start, len(page.rows), counted),
        first=here.to(here.given) if page.previous else "",
        previous=at("before", page.previous),
        next=at("after", page.next),
        last=at("before", end) if page.next else "",
    )
