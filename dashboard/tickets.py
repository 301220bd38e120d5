"""Reads what people call a ticket: a number, a name such as ``zendesk:123``, or its address.

Settings name the ticket systems and how the address of a ticket is built, as in
``{"zendesk": "https://acme.zendesk.com/agent/tickets/{id}"}``. Knows no models: settings import it.
"""

import json
import re
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

LONGEST = 500
_number = re.compile(r"#?([A-Za-z0-9][A-Za-z0-9._-]{0,63})")
_named = re.compile(r"([a-z0-9_-]{1,32}):(?!//)(.+)")
_system = re.compile(r"[a-z0-9_-]{1,32}")
_unwanted = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Ticket:
    """``key``: the one way to write this ticket, which is stored. ``url``: where it is; empty if nobody knows."""

    key: str
    url: str = ""


def read(text: str) -> Ticket:
    """The ticket that ``text`` means. What fits no system stays as it was written.

    Raises:
        ValueError: nothing, more than a line, or too long.
    """
    text = text.strip()
    if not text or len(text) > LONGEST or _unwanted.search(text):
        raise ValueError(f"A ticket's number or address is one line of at most {LONGEST} characters.")
    return _by_address(text) or _by_name(text) or _by_number(text) or Ticket(text)


def _by_address(text: str) -> Ticket | None:
    if not text.lower().startswith(("http://", "https://")):
        return None
    for system, template in settings.TICKET_URL_TEMPLATES.items():
        if found := _pattern(template).match(text):
            return _ticket(system, found["id"])
    return Ticket(text, text)


def _pattern(template: str) -> re.Pattern[str]:
    """What an address made from ``template`` looks like, whatever follows it (a query, a fragment)."""
    before, after = template.split("{id}")
    return re.compile(f"{re.escape(before)}(?P<id>[^/?#&]+){re.escape(after)}(?:[/?#&]|$)", re.IGNORECASE)


def _by_name(text: str) -> Ticket | None:
    found = _named.fullmatch(text)
    if found and found[1] in settings.TICKET_URL_TEMPLATES and (number := _number.fullmatch(found[2].strip())):
        return _ticket(found[1], number[1])
    return None


def _by_number(text: str) -> Ticket | None:
    """A bare number belongs to the system, where there is only one."""
    found = _number.fullmatch(text)
    if found and len(settings.TICKET_URL_TEMPLATES) == 1:
        return _ticket(next(iter(settings.TICKET_URL_TEMPLATES)), found[1])
    return None


def _ticket(system: str, number: str) -> Ticket:
    return Ticket(f"{system}:{number}", settings.TICKET_URL_TEMPLATES[system].replace("{id}", number))


def templates(text: str) -> dict[str, str]:
    """Read ``TICKET_URL_TEMPLATES``, a JSON object of names and addresses with ``{id}`` in them.

    Raises:
        ImproperlyConfigured: it is none.
    """
    try:
        given = json.loads(text or "{}")
    except ValueError:
        given = None
    if not isinstance(given, dict) or not all(_usable(name, template) for name, template in given.items()):
        raise ImproperlyConfigured(
            f"TICKET_URL_TEMPLATES={text!r}: use JSON as in "
            '{"zendesk": "https://acme.zendesk.com/agent/tickets/{id}"}, names in lower case'
        )
    return given


def _usable(name: str, template: object) -> bool:
    return (
        _system.fullmatch(name) is not None
        and isinstance(template, str)
        and template.startswith(("http://", "https://"))
        and template.count("{id}") == 1
    )
