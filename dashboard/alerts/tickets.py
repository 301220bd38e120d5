"""Tells a ticket system when the outcome of a migration that one of its tickets quotes has changed."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from dashboard import hrefs, redaction, tickets, wording
from dashboard.alerts import channels, messages
from dashboard.models import AlertDelivery, TriageAct
from migrations_sync import statuses
from migrations_sync.models import StatusChange


def digest(changes: Sequence[StatusChange], *, as_of: datetime | None) -> None:
    """Queue one message with every ticket that quoted a migration before its outcome changed as in ``changes``.

    Call it in the transaction that claims ``changes``, whose migrations are loaded.
    """
    by_migration = defaultdict(list)
    for change in changes if settings.TICKET_WEBHOOK_URL else ():
        if _new_outcome(change):
            by_migration[change.migration_id].append(change)
    quoted = TriageAct.objects.filter(Q(migration__in=list(by_migration)), kind=TriageAct.Kind.TICKET)
    told: dict[str, list[dict[str, str]]] = defaultdict(list)
    for key, migration_id, at in quoted.order_by("id").values_list("text", "migration", "at"):
        lines = [_line(change) for change in by_migration[migration_id] if change.observed_at > at]
        told[key] += [line for line in lines if line not in told[key]]
    found = {key: lines for key, lines in told.items() if lines}
    if found:
        AlertDelivery.objects.create(event=AlertDelivery.Event.TICKETS, message=_message(found, as_of))


def _new_outcome(change: StatusChange) -> bool:
    if change.kind in (StatusChange.Kind.GONE, StatusChange.Kind.RETURNED):
        return True
    return _outcome(change.old) != _outcome(change.new)


def _outcome(code: str) -> str:
    """How a migration ended; empty while it may still change by itself."""
    return code if code in statuses.FINISHED else ""


def _line(change: StatusChange) -> dict[str, str]:
    gone = change.kind == StatusChange.Kind.GONE
    return {
        "id": change.migration.api_id,
        "url": messages.link(hrefs.migration(change.migration.api_id)),
        "was": change.old,
        "status": "gone" if gone else change.new,
        "not_before": wording.iso(change.not_before),
        "observed_at": wording.iso(change.observed_at),
    }


def _message(found: dict[str, list[dict[str, str]]], as_of: datetime | None) -> dict[str, object]:
    return {
        "title": f"Outcomes changed that {wording.plural(len(found), 'ticket')} quoted",
        "as_of": wording.iso(as_of) if as_of else None,
        "tickets": [
            {
                "ticket": key,
                "ticket_url": _address(key),
                "url": messages.link(reverse("ticket", args=[key])),
                "migrations": lines,
            }
            for key, lines in found.items()
        ],
    }


def _address(key: str) -> str:
    try:
        return tickets.read(key).url
    except ValueError:
        return ""


def send(message: object, message_id: str) -> None:
    """POST a digest to the ticket system's webhook, signed.

    Raises:
        NotDelivered: it has not arrived, as far as we know.
    """
    if not settings.TICKET_WEBHOOK_URL:
        raise channels.NotDelivered("TICKET_WEBHOOK_URL is not set any more.", final=True)
    redaction.hide_address(settings.TICKET_WEBHOOK_URL)
    channels.post_signed(
        settings.TICKET_WEBHOOK_URL,
        settings.TICKET_WEBHOOK_SECRET,
        {"type": "tickets.outcomes_changed", "data": message},
        message_id,
    )
