"""The addresses of the JSON API; see ``dashboard.api``."""

from typing import Any

from django.http import HttpRequest

from dashboard import current, filters, hrefs, lookups, paging, wording
from dashboard.api import answers, openapi
from dashboard.api.callers import Caller
from dashboard.api.endpoint import endpoint
from dashboard.api.problems import Problem
from dashboard.filters import Choice
from migrations_sync.models import Migration, Source

PER_PAGE = 100
HISTORY = 500  # newest changes that are told of one migration
FIELDS = (
    "id", "api_id", "status", "company_id", "created_by_user_id", "created", "first_seen_at", "status_changed_at",
    "status_not_before", "changed_at", "checked_at", "gone_at", "gone_not_before",
)  # fmt: skip


@endpoint
def migration_list(request: HttpRequest, caller: Caller) -> dict[str, Any]:
    """A page of migrations, narrowed and sorted by the parameters of the table."""
    caller.require("migrations", "Reading migrations")
    source, now = current.source(request), current.now(request)
    seen = {row.status for row in current.kept_counts(request)}
    choice = filters.read(request.GET, seen=seen, now=now, per_page=PER_PAGE)
    _check(request, choice, caller)
    listing = filters.listing(choice.criteria, seen=seen, source=source, now=now)
    page = paging.page(listing, choice.order, choice.cursor, size=choice.per_page, fields=FIELDS)
    found = [Migration(**dict(zip(FIELDS, row, strict=True))) for row in page.rows]
    return answers.frame(current.freshness(request)) | {
        "migrations": [
            answers.migration(
                one, source=source, caller=caller, url=request.build_absolute_uri(hrefs.migration(one.api_id))
            )
            for one in found
        ],
        "next": _turn(request, "after", page.next),
        "previous": _turn(request, "before", page.previous),
    }


@endpoint
def migration_detail(request: HttpRequest, caller: Caller, api_id: str) -> dict[str, Any]:
    """One migration and everything the mirror saw happen to it, newest first."""
    caller.require("migrations", "Reading migrations")
    _only(request)
    source = current.source(request)
    found = _found(source, api_id) or _asked_for(source, api_id, caller)
    changes = list(found.changes.order_by("-observed_at", "-id")[: HISTORY + 1])
    return answers.frame(current.freshness(request)) | {
        "migration": answers.migration(found, source=source, caller=caller, url=_url(request, found)),
        "history": answers.history(changes[:HISTORY]),
        "history_complete": len(changes) <= HISTORY,
    }


@endpoint
def description(request: HttpRequest, caller: Caller) -> dict[str, Any]:
    """The API in OpenAPI's words."""
    _only(request)
    seen = {row.status for row in current.kept_counts(request)}
    return openapi.document(request.build_absolute_uri("/").rstrip("/"), seen)


def _found(source: Source, api_id: str) -> Migration | None:
    return None if lookups.impossible(api_id) else Migration.objects.filter(source=source, api_id=api_id).first()


def _asked_for(source: Source, api_id: str, caller: Caller) -> Migration:
    """One that the mirror has not met yet: the vendor's API is asked once, as for the page of a migration."""
    if reason := lookups.impossible(api_id):
        raise Problem(404, f"No migration can have this id: {reason}.")
    answer = lookups.ask(api_id, who=caller.user)
    if answer.outcome == "found" and (found := _found(source, api_id)):
        return found
    when = f"at {wording.iso(answer.at)}"
    detail = f"The mirror does not know this id, and the API could not be asked {when}: {answer.detail}."
    if answer.outcome == "limited":
        raise Problem(429, detail, headers={"Retry-After": "60"})
    if answer.outcome == "unreachable":
        raise Problem(503, detail, headers={"Retry-After": "10"})
    raise Problem(404, f"There is no migration with this id; the API was asked {when}.")


def _check(request: HttpRequest, choice: Choice, caller: Caller) -> None:
    """Raise ``Problem`` naming the first parameter that can't be used."""
    _only(request, *openapi.PARAMETERS)
    for name, sentences in choice.errors.items():
        raise Problem(400, f"{name}: {' '.join(sentences)}", parameter=name)
    if choice.criteria.user or choice.sort.lstrip("-") == "user":
        name = "user" if choice.criteria.user else "sort"
        caller.require("users", "Knowing who created what", parameter=name)


def _only(request: HttpRequest, *names: str) -> None:
    for name, values in request.GET.lists():
        if name not in names:
            known = f" Known are {', '.join(sorted(names))}." if names else ""
            raise Problem(400, f"There is no parameter “{name[:64]}”.{known}", parameter=name[:64])
        if len(values) > 1 and name != "status":
            raise Problem(400, f"{name}: give it once.", parameter=name)


def _turn(request: HttpRequest, name: str, cursor: paging.Cursor | None) -> str | None:
    """The address of the next or previous page; valid however the list changes meanwhile."""
    if cursor is None:
        return None
    query = request.GET.copy()
    for paging_name in filters.PAGING:
        query.pop(paging_name, None)
    query[name] = cursor.encode()
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def _url(request: HttpRequest, found: Migration) -> str:
    return request.build_absolute_uri(hrefs.migration(found.api_id))
