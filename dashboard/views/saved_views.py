"""Saved views: give a list a name, choose what the table opens with, remove what is not wanted any more."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from dashboard import audit, current, filters, phrases, roles, saved_views
from dashboard.filters import Choice
from dashboard.models import SavedView

SHARE = "dashboard.triage"


class ViewForm(forms.Form):
    name = forms.CharField(max_length=60, strip=True)
    query = forms.CharField(max_length=2000, required=False)
    shared = forms.BooleanField(required=False)
    default = forms.BooleanField(required=False)


def view_list(request: HttpRequest) -> HttpResponse:
    """The views that the reader sees; with ``save``, a query, the form that gives it a name. Saves what is sent."""
    if request.method == "POST":
        return _save(request)
    query = request.GET.get("save")
    if query is None:
        return _page(request)
    choice = _choice(request, query)
    name = phrases.heading(choice.criteria, choice.given)[:60]
    return _page(request, ViewForm(initial={"name": name, "query": query}), choice)


def _save(request: HttpRequest) -> HttpResponse:
    form = ViewForm(request.POST)
    choice = _choice(request, request.POST.get("query", ""))
    if choice.errors or choice.unknown:
        form.add_error("query", "This list can't be read any more, so it can't be saved.")
    if SavedView.objects.filter(owner=request.user.pk).count() >= saved_views.MOST:
        form.add_error(None, f"You have {saved_views.MOST} views: remove one first.")
    if not form.is_valid():
        return _page(request, form, choice, status=400)
    chosen = form.cleaned_data
    if chosen["shared"]:
        roles.require(request.user, SHARE)
    assert isinstance(request.user, User)  # noqa: S101  (a login is needed for every page)
    with transaction.atomic():
        view = saved_views.save(
            request.user,
            chosen["name"],
            urlencode(choice.given),
            shared=chosen["shared"],
            as_default=chosen["default"],
        )
        if view.shared:
            audit.record(request, "view.shared", target=view.name, detail=view.query)
    messages.success(request, f"“{view.name}” is saved.")
    return HttpResponseRedirect(address(view.query))


@require_POST
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """``do`` is ``default``, ``plain`` (no default any more) or ``remove``."""
    view = get_object_or_404(SavedView.objects.filter(Q(owner=request.user.pk) | Q(shared=True)), pk=pk)
    if view.shared and view.owner_id != request.user.pk:
        roles.require(request.user, SHARE)
    act = request.POST.get("do")
    with transaction.atomic():
        if act == "remove":
            saved_views.remove(view)
        elif act in ("default", "plain"):
            saved_views.set_default(view, act == "default")
        else:
            return HttpResponse("do: use default, plain or remove", status=400, content_type="text/plain")
        if view.shared:
            audit.record(request, "view.changed", target=view.name, detail=str(act))
    return HttpResponseRedirect(reverse("view-list"))


def address(query: str) -> str:
    return f"{reverse('migration-list')}?{query or urlencode({'sort': filters.NEWEST_FIRST})}"


def _choice(request: HttpRequest, query: str) -> Choice:
    seen = {row.status for row in current.kept_counts(request)}
    return filters.read(QueryDict(query), seen=seen, now=current.now(request), per_page=50)


def _page(
    request: HttpRequest, form: ViewForm | None = None, choice: Choice | None = None, status: int = 200
) -> HttpResponse:
    may_share = request.user.has_perm(SHARE)
    views: list[dict[str, Any]] = [
        view._asdict() | {"href": address(view.query), "may": view.mine or may_share}
        for view in saved_views.visible(request)
    ]
    heading = phrases.heading(choice.criteria, choice.given) if choice else ""
    context = {"form": form, "heading": heading, "views": views, "may_share": may_share}
    return render(request, "dashboard/saved_views.html", context, status=status)
