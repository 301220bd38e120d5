"""How a message reaches people: one function a kind, each returns when the message has arrived.

A new kind needs its name in ``AlertChannel.Kind``, a function here, and its line in ``SENDERS``.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import requests
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from standardwebhooks.webhooks import Webhook

from dashboard import redaction
from dashboard.alerts import guard, messages
from dashboard.alerts.messages import Message
from dashboard.models import AlertChannel

SMTP = "django.core.mail.backends.smtp.EmailBackend"


class NotDelivered(Exception):
    """The message has not arrived. ``retry_at``: not before that; ``final``: no further try will help."""

    def __init__(self, reason: str, *, retry_at: datetime | None = None, final: bool = False) -> None:
        super().__init__(redaction.scrub(reason)[:500])
        self.retry_at = retry_at
        self.final = final


def send(channel: AlertChannel, message: Message, message_id: str) -> None:
    """Send ``message`` once.

    Raises:
        NotDelivered: it has not arrived, as far as we know.
    """
    if channel.kind != AlertChannel.Kind.EMAIL:
        redaction.hide_address(channel.address)
        redaction.hide(channel.secret)
    SENDERS[AlertChannel.Kind(channel.kind)](channel, message, message_id)


def _email(channel: AlertChannel, message: Message, message_id: str) -> None:
    if settings.EMAIL_BACKEND == SMTP and not settings.EMAIL_HOST:
        raise NotDelivered("No mail server is set: see EMAIL_URL.")
    mail = EmailMessage(
        subject=message["title"],
        body=messages.as_text(message),
        to=recipients(channel.address),
        headers={"Message-ID": f"<{message_id}@migrations-dashboard>", "Auto-Submitted": "auto-generated"},
    )
    try:
        mail.send()
    except (OSError, ValueError) as error:  # smtplib's errors are OSErrors, a header that can't be is a ValueError
        raise NotDelivered(f"The mail server did not take it: {error}") from None


def _slack(channel: AlertChannel, message: Message, message_id: str) -> None:
    body = json.dumps({"text": slack_text(message), "unfurl_links": False}).encode()
    _post(channel.address, body, {"Content-Type": "application/json"})


def _webhook(channel: AlertChannel, message: Message, message_id: str) -> None:
    post_signed(channel.address, channel.secret, {"type": f"alert.{message['event']}", "data": message}, message_id)


SENDERS: dict[AlertChannel.Kind, Callable[[AlertChannel, Message, str], None]] = {
    AlertChannel.Kind.EMAIL: _email,
    AlertChannel.Kind.SLACK: _slack,
    AlertChannel.Kind.WEBHOOK: _webhook,
}


def post_signed(url: str, secret: str, event: object, message_id: str) -> None:
    """POST ``event`` as JSON, signed as Standard Webhooks describe. Signed anew each time: old signatures expire."""
    now = datetime.now(UTC)
    body = json.dumps(event)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, now, body),
    }
    _post(url, body.encode(), headers)


def _post(url: str, body: bytes, headers: dict[str, str]) -> None:
    request("POST", url, body, headers, allow_private=settings.ALERTS_ALLOW_PRIVATE_URLS)


def request(method: str, url: str, body: bytes, headers: dict[str, str], *, allow_private: bool) -> None:
    """Send a request of which only whether it was taken matters.

    Raises:
        NotDelivered: no answer, or one that is no 2xx.
    """
    agent = {"User-Agent": "migrations-dashboard"}
    try:
        answer = guard.send(method, url, body, headers | agent, allow_private=allow_private)
    except guard.AddressRefused as refused:
        raise NotDelivered(str(refused)) from None
    except requests.RequestException as error:
        raise NotDelivered(_plain(error)) from None
    if answer.is_redirect or 300 <= answer.status_code < 400:
        raise NotDelivered(f"The receiver answered {answer.status_code}: redirects are not followed.")
    if not answer.ok:
        # 410 is how Standard Webhooks say that a receiver is no more.
        raise NotDelivered(
            f"The receiver answered {answer.status_code}.",
            retry_at=_retry_after(answer.headers.get("Retry-After", "")),
            final=answer.status_code == 410,
        )


def _plain(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return "The receiver did not answer in time."
    if isinstance(error, requests.exceptions.SSLError):
        return "The receiver's certificate can't be trusted."
    return "The receiver could not be reached, or cut the connection."


def _retry_after(value: str) -> datetime | None:
    """When the receiver wants to be asked again; HTTP allows seconds or a date."""
    now = datetime.now(UTC)
    try:
        at = (
            now + timedelta(seconds=int(value)) if value.isdecimal() else parsedate_to_datetime(value).astimezone(UTC)
        )
    except (ValueError, OverflowError, OSError):
        return None
    return at if at > now else None


def slack_text(message: Message) -> str:
    """The message in Slack's own markup; what comes from outside can't add to it."""
    lines = [f"*{_escaped(message['title'])}*"]
    if message["detail"] and message["detail"] not in message["title"]:
        lines.append(_escaped(message["detail"]))
    for group in message["groups"]:
        lines.append(f"_{_escaped(group['company'] or 'Without a company')}_")
        lines += [
            f"• <{item['url']}|{_label(item['id'])}>: {_escaped(messages.in_full(item))}" for item in group["items"]
        ]
    if message["more"]:
        lines.append(messages.more(message))
    return "\n".join([*lines, _escaped(messages.as_of_line(message)), f"<{message['url']}|Open the dashboard>"])


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _label(text: str) -> str:
    return _escaped(text).replace("|", "¦")


def recipients(addresses: str) -> list[str]:
    """The e-mail addresses in ``addresses``. Raises ``ValidationError`` for one that can't be, or for none."""
    found = addresses.replace(",", " ").replace(";", " ").split()
    if not found:
        raise ValidationError("Give at least one e-mail address.")
    for address in found:
        validate_email(address)
    return found
