"""Rows of migrations made ready for ``_migration_rows.html``: every value as it is shown, worked out once."""

from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo
from typing import Any
from urllib.parse import quote

from django.urls import reverse

from dashboard import wording
from migrations_sync import statuses
from migrations_sync.models import Source

# What ``ready`` is given of each migration, in this order.
FIELDS = (
    "id",
    "api_id",
    "status",
    "company_id",
    "created_by_user_id",
    "created",
    "status_changed_at",
    "status_not_before",
    "changed_at",
    "checked_at",
    "gone_at",
)
Row = dict[str, Any]
Values = tuple[Any, ...]

NBSP = "\u00a0"
# In tables only these are worth a pill's noise; the rest is icon and text by the style sheet.
UNKNOWN_PILL = "status unknown"
# A status whose beginning is known no better than this is "at least" so old.
VAGUE = timedelta(minutes=15)


def ready(
    values: Iterable[Values], *, source: Source, now: datetime, zone: tzinfo, narrow: str = "", query: str = ""
) -> list[Row]:
    """``values``: tuples of ``FIELDS``, as ``values_list(*FIELDS)`` gives them.

    ``narrow``: a query string; the links of companies and users are added to it. ``query``: what the links of
    migrations end with, so that their pages know where one came from.
    """
    here = reverse("migration-list")
    link = f"{here}?{narrow}&" if narrow else f"{here}?"
    return [_row(*row, source=source, now=now, zone=zone, here=here, link=link, query=query) for row in values]


def _row(
    key: int, api_id: str, code: str, company: str | None, user: str | None, created: datetime,
    status_changed: datetime, status_not_before: datetime, changed: datetime, checked: datetime,
    gone: datetime | None, *, source: Source, now: datetime, zone: tzinfo, here: str, link: str, query: str,
) -> Row:  # fmt: skip
    status = statuses.get(code)
    head, middle, tail = shortened(api_id)
    vague = status_changed - status_not_before > VAGUE
    since = wording.span(now - status_changed)
    checked = last_checked(status.open, checked, gone, source)
    return {
        "key": key,
        "id": api_id,
        "status": code,
        "label": status.label,
        "icon": status.icon,
        "pill": UNKNOWN_PILL if status.tone == "unknown" else "status",
        "gone": gone,
        "href": f"{here}{quote(api_id, safe='')}/{query}",
        "head": head,
        "middle": middle,
        "tail": tail,
        "company": company,
        "company_href": f"{link}company={quote(company, safe='')}" if company else "",
        "user": user,
        "user_href": f"{link}user={quote(user, safe='')}" if user else "",
        "sub": f"{company or 'no company'} · {NBSP.join(since.split()[:2])}",
        "created": wording.minute(created, zone),
        "created_iso": wording.iso(created),
        "vague": vague,
        "since": since,
        "since_iso": wording.iso(status_changed),
        "changed": last_change(changed, status_changed, status_not_before, now=now, zone=zone),
        "checked": wording.ago(checked, now=now, zone=zone),
        "checked_iso": wording.iso(checked),
    }


def shortened(api_id: str) -> tuple[str, str, str]:
    """``api_id`` in three parts, of which the middle one is there to be copied but not seen."""
    if len(api_id) <= 18:
        return api_id, "", ""
    head = 8 if api_id[8] == "-" else 10
    return api_id[:head], api_id[head:-4], api_id[-4:]


def last_change(
    changed: datetime, status_changed: datetime, status_not_before: datetime, *, now: datetime, zone: tzinfo
) -> str:
    """The interval in which a migration last changed, as far as it was seen."""
    if changed != status_changed:  # something other than the status; only the time it was noticed is known
        return wording.clock(changed, now=now, zone=zone)
    if changed.astimezone(zone).date() != status_not_before.astimezone(zone).date():
        return f"before {wording.minute(changed, zone)}"
    return wording.between(status_not_before, changed, zone, now=now)


def last_checked(is_open: bool, checked: datetime, gone: datetime | None, source: Source) -> datetime:
    """When the API last confirmed what the mirror shows of a migration.

    Its own row is written only when it differs; a complete sweep confirms all, a pass over the open ones those.
    """
    if gone:
        return checked
    passes = (source.swept_at, source.open_checked_at if is_open else None)
    return max([checked, *(at for at in passes if at)])
