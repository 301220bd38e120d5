"""Signing in and out: by password, by single sign-on, and not at all after too many tries."""

from hashlib import sha256
from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard import accounts, audit, throttle
from dashboard.addresses import client_address
from dashboard.backends import SingleSignOn
from dashboard.onward import onward

# Beside the lock of one account from one address: a guess at many accounts, and one from many addresses.
TRIES_PER_ADDRESS = {"limit": 30, "window": 60}
TRIES_PER_ACCOUNT = {"limit": 100, "window": 3600}


class SignIn(LoginView):
    """Password form, and the way to single sign-on where it is set up. ``next`` goes along both."""

    redirect_authenticated_user = True

    def get_redirect_url(self, request: HttpRequest | None = None) -> str:
        return onward(request or self.request)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(sso=bool(settings.OIDC_ISSUER), **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        account = sha256(request.POST.get("username", "").encode()).hexdigest()
        for key, tries in (
            (f"login-address:{client_address(request)}", TRIES_PER_ADDRESS),
            (f"login-account:{account}", TRIES_PER_ACCOUNT),
        ):
            allowance = throttle.take(key, **tries)
            if not allowance.allowed:
                return _too_many(request, allowance.reset)
        return super().post(request, *args, **kwargs)


def locked_out(request: HttpRequest, response: HttpResponse, credentials: dict[str, Any] | None) -> HttpResponse:
    """What django-axes answers with while an account is locked for an address."""
    return _too_many(request, int(settings.AXES_COOLOFF_TIME.total_seconds()))


def _too_many(request: HttpRequest, seconds: int) -> HttpResponse:
    context = {"minutes": -(-seconds // 60), "sso": bool(settings.OIDC_ISSUER), "next": onward(request)}
    response = render(request, "registration/locked.html", context, status=429)
    response.headers["Retry-After"] = str(seconds)
    return response


@login_not_required
def administration_login(request: HttpRequest) -> HttpResponse:
    """The administration pages have no door of their own, so that there is one place to guard."""
    if request.user.is_authenticated:
        raise PermissionDenied("To enter the administration pages, you need the role “admin”.")
    return redirect_to_login(request.GET.get("next") or reverse("admin:index"))


@login_not_required
@never_cache
@require_safe
def sso_begin(request: HttpRequest) -> HttpResponse:
    sso = _sso()
    callback = request.build_absolute_uri(reverse("sso-callback"))
    try:
        return HttpResponseRedirect(sso.begin(request, callback, onward(request)))
    except sso.Unreachable:
        return _sso_failed(request, "The sign-in service can't be reached just now.", status=503)


@login_not_required
@never_cache
@require_safe
def sso_finish(request: HttpRequest) -> HttpResponse:
    sso = _sso()
    try:
        claims, wanted = sso.finish(request)
        user = accounts.of_claims(claims)
    except sso.Unreachable:
        return _sso_failed(request, "The sign-in service can't be reached just now.", status=503)
    except sso.Refused as error:
        audit.record(request, "login.refused", detail=str(error))
        return _sso_failed(request, str(error), status=400)
    except PermissionDenied as error:
        audit.record(request, "login.refused", detail=str(error))
        return _sso_failed(request, str(error), status=403)
    login(request, user, backend=SingleSignOn.path)
    return HttpResponseRedirect(wanted or resolve_url(settings.LOGIN_REDIRECT_URL))


def _sso() -> Any:
    if not settings.OIDC_ISSUER:
        raise Http404("single sign-on is not set up")
    from dashboard import sso  # what it needs is installed only where it is used

    return sso


def _sso_failed(request: HttpRequest, reason: str, *, status: int) -> HttpResponse:
    return render(request, "registration/sso_failed.html", {"reason": reason}, status=status)
