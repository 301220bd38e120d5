"""What a person chooses for this browser; see ``dashboard.preferences``."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from dashboard import preferences
from dashboard.onward import onward
from dashboard.preferences import OPTIONAL_COLUMNS, PAGE_SIZES, Preferences
from dashboard.tables import optional_columns


def edit(request: HttpRequest) -> HttpResponse:
    """Show the choices; save those that are sent and go back to where they were made."""
    now = preferences.read(request)
    if request.method != "POST":
        return render(request, "dashboard/preferences.html", _context(now))
    chosen = {name: value for name, value in request.POST.items() if isinstance(value, str)}
    if zone_error := _zone_error(chosen):
        return render(
            request, "dashboard/preferences.html", _context(now) | {"zone_error": zone_error, "zone": chosen["zone"]}
        )
    parts = request.POST.getlist("part")  # of the form: what they do not tick is switched off
    if "columns" in parts:
        shown = request.POST.getlist("columns")
        chosen["hide"] = " ".join(name for name in OPTIONAL_COLUMNS if name not in shown)
    if "keys" in parts:
        chosen["keys"] = "on" if "keys" in chosen else "off"
        messages.success(request, "Saved for this browser.")
    response = HttpResponseRedirect(onward(request, reverse("preferences")))
    now.with_choices(chosen).save(response, secure=request.is_secure())
    return response


def _zone_error(chosen: dict[str, str]) -> str:
    name = chosen.get("zone")
    if name is None or preferences.zone(name):
        return ""
    return f"There is no time zone called “{name}”. Use UTC or a name such as Europe/Berlin."


def _context(now: Preferences) -> dict[str, object]:
    return {
        "zone": now.zone_name,
        "zone_error": "",
        "page_sizes": PAGE_SIZES,
        "columns": optional_columns(now.hide),
    }
