"""A person's own password and API tokens; admins see and revoke everybody's tokens."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordChangeView
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse, reverse_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from dashboard import audit, current, preferences, wording
from dashboard.api import tokens
from dashboard.models import ApiToken

LIFETIMES = {30: "30 days", 90: "90 days", 365: "a year"}
ANYBODYS = "dashboard.manage_tokens"
MOST = 20  # tokens of one person that can be used at once


class ChangePassword(PasswordChangeView):
    """For accounts with a password of this dashboard; the others have theirs elsewhere. Ends their other sessions."""

    template_name = "registration/password.html"
    success_url = reverse_lazy("preferences")

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        audit.record(self.request, "password.changed")
        messages.success(self.request, "Your password is changed. You are signed out everywhere else.")
        return response


class TokenForm(forms.Form):
    name = forms.CharField(max_length=100, strip=True)
    scopes = forms.MultipleChoiceField(choices=ApiToken.Scope.choices)
    days = forms.TypedChoiceField(choices=list(LIFETIMES.items()), coerce=int)


@never_cache
def token_list(request: HttpRequest) -> HttpResponse:
    """Show the tokens; make one. Its text stands in this one answer and nowhere else."""
    if request.method != "POST":
        return _page(request, TokenForm(initial={"scopes": ["migrations"], "days": 90}))
    form = TokenForm(request.POST)
    if _own(request).usable(current.now(request)).count() >= MOST:
        form.add_error(None, f"You have {MOST} tokens that still work: revoke one first.")
    if not form.is_valid():
        return _page(request, form, status=400)
    with transaction.atomic():
        token, text = tokens.make(request.user, **form.cleaned_data)  # type: ignore[arg-type]
        audit.record(request, "token.made", target=str(token), detail=f"{token.scopes}, until {token.expires_at:%F}")
    return _page(request, TokenForm(initial={"scopes": ["migrations"], "days": 90}), made=text)


@require_POST
def token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(_visible(request), pk=pk)
    with transaction.atomic():
        if tokens.revoke(token):
            audit.record(request, "token.revoked", target=str(token), detail=f"of {token.user.get_username()}")
    messages.success(request, f"The token {token} opens nothing any more.")
    return HttpResponseRedirect(reverse("token-list"))


def _own(request: HttpRequest) -> Any:
    return ApiToken.objects.filter(user=request.user.pk)


def _visible(request: HttpRequest) -> Any:
    mine = not request.user.has_perm(ANYBODYS)
    return (_own(request) if mine else ApiToken.objects.all()).select_related("user").order_by("-id")


def _page(request: HttpRequest, form: TokenForm, *, made: str = "", status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "made": made,
        "all_owners": request.user.has_perm(ANYBODYS),
        "tokens": [_row(request, token) for token in _visible(request)[:500]],
    }
    return render(request, "dashboard/tokens.html", context, status=status)


def _row(request: HttpRequest, token: ApiToken) -> dict[str, Any]:
    now, zone = current.now(request), preferences.read(request).zone
    return {
        "pk": token.pk,
        "name": token.name,
        "start": token.start,
        "owner": token.user.get_username(),
        "scopes": token.scopes,
        "made": wording.day(token.created_at, zone),
        "used": wording.ago(token.used_at, now=now, zone=zone) if token.used_at else "never",
        "state": _state(token, token.user, request),
        "usable": not token.revoked_at and token.expires_at > now,
    }


def _state(token: ApiToken, owner: User, request: HttpRequest) -> str:
    zone = preferences.read(request).zone
    if token.revoked_at:
        return f"revoked {wording.day(token.revoked_at, zone)}"
    if token.expires_at <= current.now(request):
        return f"ran out {wording.day(token.expires_at, zone)}"
    if not owner.is_active:
        return "its account is switched off"
    return f"until {wording.day(token.expires_at, zone)}"
