"""What stands around the rows of the table: views, chips, fields, banners and the way to other pages."""

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from django.http import QueryDict

from dashboard import exports, paging, phrases, times, wording
from dashboard.filters import Choice
from dashboard.links import Here, Pairs
from dashboard.parts import Banner, Link, Pager
from dashboard.preferences import PAGE_SIZES
from dashboard.saved_views import View
from dashboard.tally import Tally
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


def view_links(here: Here, saved: list[View], usual: timedelta) -> list[Link]:
    """The built-in views and the saved ones. ``usual``: how long a migration may work before that is unusual."""
    named = [(label, query.format(usual=times.said(usual))) for label, query in VIEWS]
    named += [(view.name, view.query) for view in saved]
    return [_view_link(here, label, _read(query)) for label, query in named]


@lru_cache(1024)
def _read(query: str) -> tuple[tuple[str, str], ...]:
    return tuple(parse_qsl(query))


def _view_link(here: Here, label: str, pairs: Pairs) -> Link:
    return Link(label, here.to(pairs), primary=here.asks_for(pairs, apart_from=LOOKS))


def export_links(here: Here) -> list[Link]:
    return [Link(kind.upper(), here.to([*here.given, ("_export", kind)])) for kind in exports.FORMATS]


def size_links(choice: Choice, here: Here) -> list[Link]:
    """Rows a page."""
    return [Link(str(n), here.setting("per_page", str(n)), primary=n == choice.per_page) for n in PAGE_SIZES]


def narrowing(choice: Choice) -> bool:
    return any(name not in LOOKS for name, _ in choice.given)


def banners(choice: Choice, here: Here) -> list[Banner]:
    found = []
    if choice.errors:
        wrong = wording.plural(sum(map(len, choice.errors.values())), "value")
        elsewhere = [
            f"{name}: {text}" for name, texts in choice.errors.items() if name not in VISIBLE for text in texts
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


def status_chips(choice: Choice, here: Here, counted: Tally, seen: set[str]) -> list[Chip]:
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


def removable_chips(choice: Choice, here: Here) -> list[Chip]:
    return [
        Chip(words, here.to(pair for pair in here.given if pair != (name, value)))
        for name, value in choice.given
        if (words := phrases.chip(name, value))
    ]


def fields(query: QueryDict, choice: Choice) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "label": label,
            "hint": hint,
            "value": query.get(name, ""),
            "error": " ".join(choice.errors.get(name, ())),
        }
        for name, label, hint in FIELDS
    ]


def pager(page: paging.Page, counted: Tally, here: Here) -> Pager:
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
