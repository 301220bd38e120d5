"""Writes down what people do: who, what, when, from where, in which request."""

from collections.abc import Callable
from contextvars import ContextVar

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse

from dashboard.addresses import client_address
from dashboard.models import AuditEntry
from migrations_sync.models import Source

# Act → what the audit page says. A new act gets its line here.
ACTS = {
    "login": "signed in",
    "login.failed": "failed to sign in",
    "login.locked": "was locked out after failed sign-ins",
    "login.refused": "was refused by single sign-on",
    "logout": "signed out",
    "password.changed": "changed their password",
    "token.made": "made an API token",
    "token.revoked": "revoked an API token",
    "badge.made": "made a badge",
    "badge.revoked": "revoked a badge",
    "role.changed": "was given a role",
    "admin.add": "added on the administration pages",
    "admin.change": "changed on the administration pages",
    "admin.delete": "deleted on the administration pages",
    "export": "exported migrations",
    "view.shared": "shared a saved view",
    "view.changed": "changed or removed a shared view",
    "check": "asked the API for a migration now",
    "sync": "started a sync",
    "sync.stopped": "stopped a sync",
    "alerts.added": "added to the alerts",
    "alerts.changed": "changed the alerts",
    "alerts.removed": "removed from the alerts",
    "alerts.tested": "sent a test alert",
    "alerts.retried": "had an alert sent again",
    "triage.note": "wrote a note",
    "triage.ticket": "tied a ticket to a migration",
    "triage.acknowledge": "acknowledged",
    "triage.snooze": "snoozed",
    "triage.reopen": "ended an acknowledgement or snooze",
    "triage.assign": "assigned",
    "triage.release": "released",
}


def record(
    request: HttpRequest | None,
    act: str,
    *,
    migration: str = "",
    target: str = "",
    detail: str = "",
    user: User | None = None,
    who: str = "",
) -> AuditEntry:
    """Add one entry. Call it inside the transaction of the act, so that neither is there without the other.

    ``migration``: the API's id of the one that was touched; its page then shows the entry. ``user``: where it
    is not the request's; ``who``: where there is no account. ``request`` is ``None`` for a command at the server.
    """
    actor = user or getattr(request, "user", None)
    if migration:
        Source.default().touch()
    return AuditEntry.objects.create(
        who=_plain(who or (actor.get_username() if actor else ""), 150),
        user_id=actor.pk if actor else None,
        act=act,
        migration=_plain(migration, 255),
        target=_plain(target, 255),
        detail=_plain(detail, 500),
        address=client_address(request) if request else None,
        request_id=getattr(request, "request_id", ""),
    )


def _plain(text: str, longest: int) -> str:
    """``text`` as any database takes it, whatever somebody sent."""
    return text.replace("\0", "")[:longest]


_current: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


class CurrentRequestMiddleware:
    """Lets acts be written down where no request is passed along, as on the administration pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = _current.set(request)
        try:
            return self.get_response(request)
        finally:
            _current.reset(token)


def current_request() -> HttpRequest | None:
    return _current.get()
