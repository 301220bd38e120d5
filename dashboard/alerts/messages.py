"""What an alert says. A message is plain data, made once and kept with its deliveries; channels only dress it.

Every message carries as of when it is true and a link. Nothing in it comes from a user id, which may be an
e-mail address, and every free text goes through the same scrubbing as the log.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import TypedDict

from django.conf import settings
from django.urls import reverse
from django.utils.http import urlencode

from dashboard import hrefs, wording
from dashboard.alerts import rules
from dashboard.models import Alert, AlertDelivery, AlertRule
from dashboard.redaction import scrub
from migrations_sync import statuses
from migrations_sync.models import StatusChange, WebhookDelivery

Event = AlertDelivery.Event
_LEAD = {Event.FIRED: "", Event.REMINDER: "Still: ", Event.CLEARED: "Over: ", Event.TEST: "Test: "}
_CAN_FAIL = ("FAILED", "COMPLETED_WITH_FAILURES")
_control = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


class Item(TypedDict):
    """One migration: ``status`` is the API's word, ``text`` says what happened and when; ``reason`` as a webhook
    gave it, empty where none did."""

    id: str
    status: str
    text: str
    reason: str
    url: str


class Group(TypedDict):
    company: str  # empty: without a company
    items: list[Item]


class Message(TypedDict):
    """``total``: migrations concerned; ``more``: those left out of ``groups``; ``as_of``: ISO 8601 in UTC."""

    event: str
    rule: str
    kind: str
    title: str
    detail: str
    total: int
    groups: list[Group]
    more: int
    as_of: str | None
    url: str


def of_alerts(rule: AlertRule, event: Event, alerts: Sequence[Alert], *, as_of: datetime | None) -> Message:
    """One message about ``alerts``, by company, at most ``rule.cap`` of them; their migrations are loaded."""
    about = [alert for alert in alerts if alert.migration]
    detail = "; ".join(dict.fromkeys(one_line(alert.detail) for alert in alerts if alert.detail))[:500]
    what = wording.plural(len(about), "migration") if about else detail
    return {
        "event": event,
        "rule": rule.name,
        "kind": rule.kind,
        "title": one_line(f"{_LEAD[event]}{rule.name}: {what}")[:200],
        "detail": detail,
        "total": len(about),
        "groups": _groups(sorted(about, key=_order)[: rule.cap], event),
        "more": max(0, len(about) - rule.cap),
        "as_of": wording.iso(as_of) if as_of else None,
        "url": link(_page(rule)),
    }


def of_test(channel_name: str, *, as_of: datetime | None) -> Message:
    return {
        "event": Event.TEST,
        "rule": "",
        "kind": "test",
        "title": one_line(f"Test: alerts reach “{channel_name}”"),
        "detail": "Somebody pressed “Send test”. Nothing is wrong.",
        "total": 0,
        "groups": [],
        "more": 0,
        "as_of": wording.iso(as_of) if as_of else None,
        "url": link(reverse("alerts")),
    }


def one_line(text: str) -> str:
    """``text`` without secrets and without characters that break or turn round a line."""
    return _control.sub(" ", scrub(text)).strip()


def link(path: str) -> str:
    """The full address of a page, for readers outside."""
    return f"{settings.PUBLIC_URL}{path}"


def as_text(message: Message) -> str:
    """The message for people who read plain text."""
    lines = [message["title"], ""]
    if message["detail"] and message["detail"] not in message["title"]:
        lines += [message["detail"], ""]
    for group in message["groups"]:
        lines.append(group["company"] or "Without a company")
        lines += [f"  {item['id']}: {in_full(item)}\n  {item['url']}" for item in group["items"]]
        lines.append("")
    if message["more"]:
        lines += [more(message), ""]
    return "\n".join([*lines, as_of_line(message), message["url"]])


def in_full(item: Item) -> str:
    return f"{item['text']}. Reason: {item['reason']}" if item["reason"] else item["text"]


def more(message: Message) -> str:
    return f"and {wording.number(message['more'])} more"


def as_of_line(message: Message) -> str:
    return f"True as of {message['as_of']}." if message["as_of"] else "Nothing has been read from the API yet."


def _order(alert: Alert) -> tuple[str, int, int]:
    migration = alert.migration
    assert migration is not None  # noqa: S101  (the caller sorted these out)
    return migration.company_id or "", statuses.rank(migration.status), -alert.pk


def _groups(alerts: Sequence[Alert], event: Event) -> list[Group]:
    reasons = _reasons(alerts)
    by_company = groupby(alerts, key=lambda alert: _order(alert)[0])
    return [
        {"company": one_line(company), "items": [_item(alert, event, reasons) for alert in found]}
        for company, found in by_company
    ]


def _reasons(alerts: Sequence[Alert]) -> dict[str, str]:
    """Why they failed, by API id: what the newest webhook said, the only one who ever does."""
    failed = [alert.migration.api_id for alert in alerts if alert.migration and alert.migration.status in _CAN_FAIL]
    if not failed:
        return {}
    told = WebhookDelivery.objects.filter(api_id__in=failed).exclude(error_message="").order_by("received_at", "id")
    return dict(told.values_list("api_id", "error_message"))


def _item(alert: Alert, event: Event, reasons: dict[str, str]) -> Item:
    migration = alert.migration
    assert migration is not None  # noqa: S101
    return {
        "id": one_line(migration.api_id),
        "status": one_line(migration.status),
        "text": _said(alert, event),
        "reason": one_line(reasons.get(migration.api_id, ""))[:300],
        "url": link(hrefs.migration(migration.api_id)),
    }


def _said(alert: Alert, event: Event) -> str:
    """``Failed, was Working, 2026-11-23 10:02–10:03 UTC``; for what lasts, since when it was seen so."""
    migration, change = alert.migration, alert.change
    assert migration is not None  # noqa: S101
    now_is = "gone" if migration.gone_at else one_line(statuses.get(migration.status).label)
    if event == Event.FIRED and change:
        when = wording.between(change.not_before, change.observed_at)
        what = "gone" if change.kind == StatusChange.Kind.GONE else one_line(statuses.get(change.new).label)
        was = f", was {one_line(statuses.get(change.old).label)}" if change.old and change.old != change.new else ""
        return f"{what}{was}, {when}"
    return now_is if event == Event.CLEARED else f"{now_is} since {wording.minute(alert.since)}"


def _page(rule: AlertRule) -> str:
    """The page that shows what ``rule`` minds."""
    if rule.kind in rules.ON_MIRROR:
        return reverse("run-list")
    query: list[tuple[str, str]] = []
    if rule.kind in (rules.Kind.STATUS, *rules.ON_TIME):
        query += [("status", code) for code in rules.watched(rule)]
    if rule.company_id:
        query.append(("company", rule.company_id))
    return f"{reverse('migration-list')}?{urlencode(query)}" if query else reverse("attention")
