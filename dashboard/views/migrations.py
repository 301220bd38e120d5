"""The table of migrations."""

from typing import Any
from urllib.parse import parse_qsl

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard import (
    attention,
    audit,
    current,
    exports,
    filters,
    listing,
    paging,
    phrases,
    preferences,
    rows,
    saved_views,
    steps,
)
from dashboard.conditional import conditional
from dashboard.filters import NEWEST_FIRST, Choice
from dashboard.links import Here
from dashboard.nothing import nothing
from dashboard.tables import headings, optional_columns
from dashboard.tally import Tally, tally

# What says "all of them" where the bare address opens a saved view.
EVERYTHING = f"sort={NEWEST_FIRST}"


@require_safe
def table(request: HttpRequest) -> HttpResponseBase:
    """The list, narrowed, sorted and paged by its address; an address that can't be read lists nothing."""
    return _file(request) if "_export" in request.GET else _page(request)


@conditional
def _page(request: HttpRequest) -> HttpResponse:
    if not request.GET and (opening := saved_views.default(saved_views.visible(request))):
        return HttpResponseRedirect(Here(request.path, [], bare=EVERYTHING).to(parse_qsl(opening.query)))
    return _shown(request, _choice(request))


def _file(request: HttpRequest) -> HttpResponseBase:
    """Every row of the list, not only those of a page."""
    choice, source = _choice(request), current.source(request)
    if not choice.export or choice.errors:
        return _shown(request, choice)
    if request.method == "GET":
        what = phrases.heading(choice.criteria, choice.given)
        audit.record(request, "export", target=choice.export, detail=what)
    rows = filters.together(choice.criteria, current.now(request), seen=_seen(request), source=source)
    ordered = rows.order_by(*choice.order.order_by())
    return exports.export(ordered, choice.export, source=source, as_of=current.freshness(request).as_of)


def _seen(request: HttpRequest) -> set[str]:
    return {row.status for row in current.kept_counts(request)}


def _choice(request: HttpRequest) -> Choice:
    per_page = preferences.read(request).per_page
    return filters.read(request.GET, seen=_seen(request), now=current.now(request), per_page=per_page)


def _shown(request: HttpRequest, choice: Choice) -> HttpResponse:
    chosen, source, now = preferences.read(request), current.source(request), current.now(request)
    saved = saved_views.visible(request)
    here = Here(request.path, choice.given, bare=EVERYTHING if saved_views.default(saved) else "")
    page, counted = _found(request, choice)
    # How many rows a page has is left out of what every one of them repeats.
    narrow = here.to(here.without("company", "user", "per_page")).partition("?")[2]
    came_from = f"?{steps.parameter(here.without('per_page'))}"
    context = _around(request, choice, here, counted) | {
        "views": listing.view_links(here, saved, attention.rules(source, now).thresholds["WORKING"].after),
        "save": here.to(here.given).partition("?")[2] if listing.narrowing(choice) and not choice.errors else "",
        "headings": headings(choice.sort, here),
        "rows": rows.ready(page.rows, source=source, now=now, zone=chosen.zone, narrow=narrow, query=came_from),
        "hide": " ".join(chosen.hide),
        "columns": optional_columns(chosen.hide),
        "empty": None if page.rows else nothing(request, choice, here),
        "pager": listing.pager(page, counted, here),
        "sizes": listing.size_links(choice, here) if counted.total > min(preferences.PAGE_SIZES) else [],
    }
    return render(request, "dashboard/migrations.html", context)


def _found(request: HttpRequest, choice: Choice) -> tuple[paging.Page, Tally]:
    """The rows of the page and how many there are in all; none for an address that can't be read."""
    if choice.errors:
        return paging.Page([], 0, None, None), Tally(0)
    source, now = current.source(request), current.now(request)
    listing = filters.listing(choice.criteria, seen=_seen(request), source=source, now=now)
    page = paging.page(listing, choice.order, choice.cursor, size=choice.per_page, fields=rows.FIELDS)
    kept = current.kept_counts(request)
    return page, tally(choice.criteria, kept, source=source, now=now, by_status=page.by_status)


def _around(request: HttpRequest, choice: Choice, here: Here, counted: Tally) -> dict[str, Any]:
    """Heading and filters."""
    carried = [pair for pair in choice.given if pair[0] not in listing.VISIBLE]
    if here.bare and not carried:
        carried = parse_qsl(here.bare)
    return {
        "heading": phrases.heading(choice.criteria, choice.given),
        "count": "" if choice.errors else counted.words,
        "exports": [] if choice.errors else listing.export_links(here),
        "by_status_only": choice.criteria.attention,
        "banners": listing.banners(choice, here),
        "chips": listing.status_chips(choice, here, counted, _seen(request)),
        "removable": listing.removable_chips(choice, here),
        "clear": here.to([]),
        "fields": listing.fields(request.GET, choice),
        "more_open": any(name in choice.errors for name in listing.VISIBLE if name != "q"),
        "kept": carried,
    }
