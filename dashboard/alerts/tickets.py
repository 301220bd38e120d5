"""Tells a ticket system when the outcome of a migration that one of its tickets quotes has changed."""

from django.conf import settings

from dashboard import redaction
from dashboard.alerts import channels


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
