"""The migrations that one ticket quotes."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard import current, preferences, rows, tickets
from dashboard.models import TriageAct
from migrations_sync.models import Migration

MOST = 200  # no ticket is about more; the page says so where one is


@require_safe
def ticket(request: HttpRequest, text: str) -> HttpResponse:
    """Every migration that somebody tied to the ticket that ``text`` means."""
    try:
        meant = tickets.read(text)
    except ValueError as error:
        raise Http404(str(error)) from None
    tied = TriageAct.objects.filter(kind=TriageAct.Kind.TICKET, text=meant.key)
    found = Migration.objects.filter(pk__in=tied.values("migration")).order_by("-created", "-id")
    values = list(found.values_list(*rows.FIELDS)[: MOST + 1])
    ready = rows.ready(
        values[:MOST],
        source=current.source(request),
        now=current.now(request),
        zone=preferences.read(request).zone,
    )
    return render(request, "dashboard/ticket.html", {"ticket": meant, "rows": ready, "cut": len(values) > MOST})
