"""Writes down what people do: who, what, when, from where, in which request."""

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

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
    "token.made": "made an API token",
    "token.revoked": "revoked an API token",
    "badge.made": "made a badge",
    "badge.revoked": "revoked a badge",
    "role.changed": "was given a role",
    "admin.add": "added on the administration pages",
    "admin.change": "changed on the administration pages",
    "admin.delete": "deleted on the administration pages",
    "export": "exported migrations",
    "check": "asked the API for a migration now",
    "sync": "started a sync",
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
    who: str | None = None,
) -> AuditEntry:
    """Add one entry. Call it inside the transaction of the act, so that neither is there without the other.

    ``migration``: the API's id of the one that was touched; its page then shows the entry. ``who``: a name where
    the request has no user yet. ``request`` is ``None`` for a command at the server's own keyboard.
    """
    user = getattr(request, "user", None) or AnonymousUser()
    if migration:
        Source.default().touch()
    return AuditEntry.objects.create(
        who=(user.get_username() if who is None else who)[:150],
        user_id=user.pk,
        act=act,
        migration=migration,
        target=target[:255],
        detail=detail[:500],
        address=client_address(request) if request else None,
        request_id=getattr(request, "request_id", ""),
    )
