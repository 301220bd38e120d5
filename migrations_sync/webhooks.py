"""Reads a delivery of the vendor's webhooks: is it genuine, and what does it speak of? Knows no Django.

Source: the vendor's webhook guide (envelope, event types) and the Standard Webhooks specification (signature).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

MAX_BODY = 1024 * 1024  # bytes
_MAX_ID = 255
_MAX_SIGNATURES = 10  # of one delivery; a rotation needs two
_MAX_MESSAGE = 10_000  # characters of an error message


class BadDelivery(Exception):
    """It can't be shown to come from the vendor. The message is a short reason, the same for everybody."""


@dataclass(frozen=True, slots=True)
class Event:
    """One genuine delivery. Texts are empty and ``created`` (UTC) is ``None`` where it does not say."""

    message_id: str
    event_id: str
    type: str
    created: datetime | None
    api_id: str
    error_message: str


def read(headers: Mapping[str, str], body: bytes, secrets: Iterable[str]) -> Event:
    """The event in ``body``, if any of ``secrets`` has signed exactly these bytes within five minutes of now.

    A genuine body of another form than documented gives an event that says little, never an error.

    Raises:
        BadDelivery: a header is missing, too old or too new, or no signature fits.
    """
    message_id, timestamp, signatures = (_header(headers, name) for name in ("id", "timestamp", "signature"))
    if not 0 < len(message_id) <= _MAX_ID or not message_id.isprintable():
        raise BadDelivery("no usable message id")
    for secret in secrets:
        # One at a time: a signature of another kind, or a broken one, does not spoil the others.
        for signature in signatures.split()[:_MAX_SIGNATURES]:
            signed = {"webhook-id": message_id, "webhook-timestamp": timestamp, "webhook-signature": signature}
            if _fits(secret, signed, body):
                return _event(message_id, _json(body))
    raise BadDelivery("no signature fits")


def _header(headers: Mapping[str, str], name: str) -> str:
    """Under its standard name, or the name that the vendor's sender gives it."""
    return headers.get(f"webhook-{name}") or headers.get(f"svix-{name}") or ""


def _fits(secret: str, signed: dict[str, str], body: bytes) -> bool:
    try:
        Webhook(secret).verify(body, signed, json_parse=False)
    except WebhookVerificationError as error:
        if "timestamp" in str(error) or "Headers" in str(error):
            raise BadDelivery("the timestamp is missing, too old or too new") from None
        return False
    except ValueError:  # broken base64, other than ASCII, other than UTF-8
        return False
    return True


def _json(body: bytes) -> Any:
    """The JSON value, or nothing: what the vendor has signed is genuine whatever it looks like."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _event(message_id: str, content: Any) -> Event:
    envelope = content if isinstance(content, dict) else {}
    data = envelope.get("data")
    data = data if isinstance(data, dict) else {}
    resource = data.get("object")
    resource = resource if isinstance(resource, dict) else {}
    of_migration = resource.get("id") if resource.get("object") == "migration" else None
    return Event(
        message_id=message_id,
        event_id=_text(envelope.get("id"), _MAX_ID),
        type=_text(envelope.get("type"), 128),
        created=_time(envelope.get("created")),
        api_id=_text(data.get("migration_id") or of_migration, _MAX_ID),
        error_message=_text(data.get("error_message"), _MAX_MESSAGE),
    )


def _text(value: object, longest: int) -> str:
    """The text, as far as a database can hold it; anything else is empty."""
    if not isinstance(value, str):
        return ""
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()[:longest]


def _time(value: object) -> datetime | None:
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
        if time is None:
            return None
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
