"""The way through the list that one came from: back to it, and on to the migrations before and after this one."""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from django.http import HttpRequest, QueryDict
from django.urls import reverse

from dashboard import current, filters, hrefs, paging, phrases
from dashboard.links import Here, Pairs
from migrations_sync.models import Migration

NAME = "from"
# Parameters for which the list must know every status that was ever seen.
_BY_KIND = ("attention", "unknown")


@dataclass(frozen=True, slots=True)
class Steps:
    """``list``: its address, ``name`` its heading. ``previous`` and ``next`` are empty at its ends."""

    name: str
    list: str
    previous: str = ""
    next: str = ""


def parameter(given: Pairs) -> str:
    """What an address carries to say that one comes from the list that was ``given`` these parameters."""
    return f"{NAME}={quote(urlencode(given), safe='')}"


def of(request: HttpRequest, migration: Migration) -> Steps | None:
    """The list is asked afresh from the place of ``migration``: two statements, whatever its length.

    ``None`` without a list, or if it can't be read any more.
    """
    if NAME not in request.GET:
        return None
    now, source = current.now(request), current.source(request)
    query = QueryDict(request.GET[NAME])
    # The list had met these statuses; no database holds a text with a NUL.
    seen = {code for code in query.getlist("status") if "\0" not in code}
    if any(name in query for name in _BY_KIND):
        seen |= {row.status for row in current.kept_counts(request)}
    choice = filters.read(query, seen=seen, now=now, per_page=1)
    if choice.errors:
        return None
    here = Here(reverse("migration-list"), choice.given)
    branches = filters.branches(choice.criteria, now, seen=seen, source=source)
    key = tuple(getattr(migration, name) for name in choice.order.columns)
    before, after = paging.beside(branches, choice.order, key, column="api_id")
    came_from = f"?{parameter(choice.given)}"
    return Steps(
        name=phrases.heading(choice.criteria, choice.given),
        list=here.to(here.given),
        previous=hrefs.migration(before) + came_from if before else "",
        next=hrefs.migration(after) + came_from if after else "",
    )
