"""Where to go after a form: only ever to a page of this dashboard."""

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


def onward(request: HttpRequest, otherwise: str = "") -> str:
    """``next`` of ``request`` if it is a path on this host, else ``otherwise``."""
    asked = request.POST.get("next", request.GET.get("next", ""))
    here = {request.get_host()}
    if asked.startswith("/") and url_has_allowed_host_and_scheme(asked, here, require_https=request.is_secure()):
        return asked
    return otherwise
