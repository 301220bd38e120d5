"""Signs in whom the proxy in front names in a header. Off unless ``TRUSTED_PROXY_HEADER`` is set."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, login, logout
from django.core.exceptions import MiddlewareNotUsed, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.views.defaults import permission_denied

from dashboard import accounts
from dashboard.addresses import is_trusted_proxy
from dashboard.backends import ProxyHeader


class ProxyLoginMiddleware:
    """The header counts only on requests that come from a trusted proxy's own address.

    A session that a header began ends with the first request that lacks it, so nobody takes it past the proxy.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.TRUSTED_PROXY_HEADER:
            raise MiddlewareNotUsed
        self.get_response = get_response
        self.key = "HTTP_" + settings.TRUSTED_PROXY_HEADER.upper().replace("-", "_")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        name = ""
        if is_trusted_proxy(request.META.get("REMOTE_ADDR", "")):
            name = accounts.printable(request.META.get(self.key, ""))
        if name and request.user.get_username() != name:
            try:
                login(request, accounts.of_name(name), backend=ProxyHeader.path)
            except PermissionDenied as error:
                return permission_denied(request, error)
        elif not name and request.session.get(BACKEND_SESSION_KEY) == ProxyHeader.path:
            logout(request)
        return self.get_response(request)
