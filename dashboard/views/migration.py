"""One migration: its page, now or as it was known; its short link; a look at the API by hand."""

from django.contrib import messages
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from dashboard import audit, current, detail, hrefs, known, lookups, preferences, roles, wording
from dashboard.conditional import conditional
from dashboard.lookups import Answer
from dashboard.models import Badge
from migrations_sync.models import Migration, QuarantinedRow

FORGIVEN = " .,;:)]>/\t\r\n"  # what the sentence around a link leaves at its end


@require_safe
@conditional
def page(request: HttpRequest, api_id: str) -> HttpResponseBase:
    """The migration called ``api_id``; one that the mirror does not know is asked of the API first."""
    migration = _stored(request, api_id)
    if migration is None:
        if reason := lookups.impossible(api_id):
            return _missing(request, api_id, impossible=reason)
        answer = lookups.ask(api_id, who=request.user.pk or 0)
        migration = _stored(request, api_id) if answer.outcome == "found" else None
        if migration is None:
            return _missing(request, api_id, answer=answer)
    if "at" in request.GET:
        return _then(request, migration, request.GET["at"])
    return render(request, "dashboard/migration.html", detail.now(request, migration))


def _stored(request: HttpRequest, api_id: str) -> Migration | None:
    if "\0" in api_id or len(api_id) > lookups.LONGEST:
        return None
    found = Migration.objects.select_related("triage__quiet", "triage__assignee").annotate(
        badged=Exists(Badge.objects.filter(migration=OuterRef("pk")))  # so that most pages need not ask for them
    )
    return found.filter(source=current.source(request), api_id=api_id).first()


def _then(request: HttpRequest, migration: Migration, text: str) -> HttpResponse:
    """As of a moment that is past; of one that can't be read no state is shown, only what is wrong with it."""
    try:
        at = known.moment(text, now=current.now(request))
    except ValueError as error:
        context = {"api_id": migration.api_id, "now_href": hrefs.migration(migration.api_id), "error": str(error)}
        return render(request, "dashboard/migration_when.html", context)
    return render(request, "dashboard/migration.html", detail.then(request, migration, at))


def _missing(
    request: HttpRequest, api_id: str, *, answer: Answer | None = None, impossible: str = ""
) -> HttpResponse:
    """Why there is nothing to show: 404 if there is no such migration, 503 if that can't be said now."""
    zone = preferences.read(request).zone
    quarantined = QuarantinedRow.objects.filter(api_id=api_id).order_by("-last_seen_at").first() if answer else None
    context = {
        "api_id": api_id,
        "impossible": impossible,
        "answer": answer,
        "at": wording.second(answer.at, zone) if answer else "",
        "as_of": current.source(request).succeeded_at,
        "quarantined": quarantined,
        "quarantined_since": wording.minute(quarantined.first_seen_at) if quarantined else "",
        "again": request.get_full_path(),
        "near": hrefs.migrations(q=api_id[:8]),
    }
    gone = answer is None or answer.outcome in ("unknown", "unreadable")
    response = render(request, "dashboard/migration_missing.html", context, status=404 if gone else 503)
    if not gone:
        response["Retry-After"] = "60" if answer and answer.outcome == "limited" else "10"
    return response


@require_safe
def short_link(request: HttpRequest, written: str) -> HttpResponse:
    """To the migration's page, with what a sentence left around the id taken off; the query is kept."""
    wanted = _meant(request, written)
    query = request.META.get("QUERY_STRING", "")
    return HttpResponseRedirect(hrefs.migration(wanted) + (f"?{query}" if query else ""))


def _meant(request: HttpRequest, written: str) -> str:
    """The longest id that is known and of which ``written`` is no more than forgiven characters away."""
    options = [written]
    while options[-1] and options[-1][-1] in FORGIVEN:
        options.append(options[-1][:-1])
    options += [option.lstrip() for option in options if option != option.lstrip()]
    possible = [option for option in options if not lookups.impossible(option)]
    found = Migration.objects.filter(source=current.source(request), api_id__in=possible)
    known_ids = set(found.values_list("api_id", flat=True))
    return next((option for option in options if option in known_ids), options[-1] or written)


@require_POST
def check(request: HttpRequest) -> HttpResponse:
    """Ask the API for one migration now, because a person wants to know."""
    roles.require(request.user, "dashboard.check_now")
    api_id = request.POST.get("migration", "")
    answer = lookups.ask(api_id, who=request.user.pk or 0, via="check", afresh=True)
    audit.record(request, "check", migration=api_id, detail=answer.outcome)
    at = wording.second(answer.at, preferences.read(request).zone)
    if answer.outcome == "found":
        messages.success(request, f"Asked the API at {at}. What you see is what it said.")
    elif answer.outcome == "unknown":
        messages.warning(request, f"Asked the API at {at}: it does not know this id. The next full sweep decides.")
    elif answer.outcome == "unreadable":
        messages.error(request, f"Asked the API at {at}: its answer could not be read and is in quarantine.")
    else:
        messages.error(request, f"The API could not be asked at {at}: {answer.detail}.")
    return HttpResponseRedirect(hrefs.migration(api_id))
