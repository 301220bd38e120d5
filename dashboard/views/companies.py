"""Companies by need of attention, and one company's migrations in numbers."""

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard import charts, companies, current, days, durations, hrefs, keyset, preferences, rows, steps, wording
from dashboard.conditional import conditional
from dashboard.fragments import fragment
from dashboard.tiles import tiles
from migrations_sync import statuses
from migrations_sync.models import CompanyCount, Migration, Source

LAST = 20
NEED = ("attention", "total", "id")


@require_safe
@conditional
def company_list(request: HttpRequest) -> HttpResponseBase:
    """All companies; with ``?id=`` the page of one whose id a path can't hold, empty: those without a company."""
    if "id" in request.GET:
        return _page(request, request.GET["id"])
    found = CompanyCount.objects.filter(source=current.source(request), total__gt=0)
    part = keyset.page(request, found, NEED)
    return render(
        request, "dashboard/companies.html", {"lines": [_line(one) for one in part.rows], "pager": part.pager}
    )


@require_safe
@conditional
def company_detail(request: HttpRequest, company_id: str) -> HttpResponseBase:
    return _page(request, company_id)


def _line(one: CompanyCount) -> dict[str, Any]:
    return {
        "name": one.company_id,
        "href": hrefs.company(one.company_id),
        "total": wording.number(one.total),
        "open": wording.number(one.open),
        "attention": wording.number(one.attention),
        "asks": bool(one.attention),
    }


def _page(request: HttpRequest, company_id: str) -> HttpResponseBase:
    source, now, zone = current.source(request), current.now(request), preferences.read(request).zone
    # A NUL is in no company's id, and PostgreSQL would not even look.
    by_status = {} if "\0" in company_id else companies.statuses_of(source, company_id)
    if not by_status:
        raise Http404(_unknown(company_id))
    total = sum(by_status.values())
    context = {
        "company": company_id,
        "total": wording.number(total),
        "counted": wording.plural(total, "migration"),
        "all_href": hrefs.of_company(company_id),
    }

    def in_numbers() -> dict[str, Any]:
        newest = Migration.objects.for_company(company_id).order_by("-created", "-pk").values_list(*rows.FIELDS)
        return context | {
            "tiles": tiles(by_status, lambda codes: hrefs.of_company(company_id, status=codes)),
            "share": _share(company_id, by_status),
            "facts": facts(source, company_id, by_status, now),
            "rows": rows.ready(newest[:LAST], source=source, now=now, zone=zone, query=_came_from(company_id)),
            "figure": companies.created(company_id, now.date(), by_status),
        }

    content = fragment(request, company_id, "dashboard/_company.html", in_numbers)
    return render(request, "dashboard/company.html", context | {"content": content})


def _came_from(company_id: str) -> str:
    """What the links of migrations end with: each is followed by the next of this company."""
    return "?" + steps.parameter([("company", company_id) if company_id else ("no_company", "1")])


def _unknown(company_id: str) -> str:
    who = f"The company “{company_id[:64]}” has" if company_id else "There is"
    return f"{who} no migration in this mirror."


def _share(company_id: str, by_status: dict[str, int]) -> str:
    order = days.order(by_status)
    names = {code: statuses.get(code).label.lower() for code in order}
    links = {code: hrefs.of_company(company_id, status=code) for code in order}
    return charts.draw(charts.shares(by_status, order, names, links), "share")


def facts(source: Source, company_id: str, by_status: dict[str, int], now: datetime) -> list[tuple[str, str, str]]:
    """Name, finding and what it rests on."""
    return [
        ("Failure share", *_failures(by_status)),
        ("Time to complete", *_time_to_complete(source, company_id)),
        ("Waiting for the user", *_waiting(source, company_id, by_status, now)),
    ]


def _failures(by_status: dict[str, int]) -> tuple[str, str]:
    share = companies.failures(by_status)
    if share is None:
        return "not known", "none has ended yet"
    bad, ended = wording.number(share.bad), wording.plural(share.ended, "migration")
    return share.percent, f"{bad} of {ended} that ended failed or completed with failures"


def _time_to_complete(source: Source, company_id: str) -> tuple[str, str]:
    found = companies.time_to_complete(source, company_id)
    if found is None:
        return "not known", "the mirror has not seen one become complete"
    length, n = found
    return f"{wording.span(length)}, at most", f"median from creation, of the newest {n} seen to become complete"


def _waiting(source: Source, company_id: str, by_status: dict[str, int], now: datetime) -> tuple[str, str]:
    usual = durations.book(source).usual("PENDING_USER_INPUT", company_id)
    whose = "this company" if usual and usual.company_id else "all companies"
    rests = f"a wait usually ends after {wording.span(usual.median)} (median of {usual.n}, {whose})" if usual else ""
    n = by_status.get("PENDING_USER_INPUT", 0)
    since = companies.waiting_since(source, company_id) if n else None
    if since is None:
        return "none now", rests
    return f"{wording.number(n)} now, the longest for {wording.span(now - since)}", rests
