"""Rows of migrations made ready for ``_migration_row.html``: every value as it is shown, worked out once."""

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, tzinfo
from functools import cache, lru_cache, partial
from html import escape
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.utils.safestring import SafeString, mark_safe

from dashboard import wording
from dashboard.hrefs import address
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

_NAME = re.compile(r"\{(\w+)\}")
_SPECIAL = re.compile("[&<>\"']")  # what HTML escapes; few rows hold any
_quoted = lru_cache(4096)(partial(quote, safe=""))
NBSP = "\u00a0"
# In tables only these are worth a pill's noise; the rest is icon and text by the style sheet.
UNKNOWN_PILL = "status unknown"
NONE = "none"
GONE = '<span class="gone-mark">gone</span>'
# A status whose beginning is known no better than this is "at least" so old.
VAGUE = timedelta(minutes=15)


def ready(
    values: Iterable[Values], *, source: Source, now: datetime, zone: tzinfo, narrow: str = "", query: str = ""
) -> list[Row]:
    """``values``: tuples of ``FIELDS``, as ``values_list(*FIELDS)`` gives them.

    ``narrow``: a query string; the links of companies and users are added to it. ``query``: what the links of
    migrations end with, so that their pages know where one came from.
    """
    here = address("migration-list")
    link = f"{here}?{narrow}&" if narrow else f"{here}?"
    return [_row(*row, source=source, now=now, zone=zone, here=here, link=link, query=query) for row in values]


def markup(rows: Iterable[Row], *, icons: str) -> SafeString:
    """The ``<tr>``s of ``rows`` from ``ready``.

    ``_migration_row.html`` is filled in as a format, because a table of fifty rows is most of the busiest page:
    as a template it takes three times as long.
    """
    form, values = _format()
    return mark_safe("".join([form % values(_escaped(row, icons)) for row in rows]))  # noqa: S308  (escaped)


@cache
def _format() -> tuple[str, Callable[[Row], tuple[Any, ...]]]:
    """The row with places to fill, and what fills them."""
    file: Path = settings.BASE_DIR / "templates" / "dashboard" / "_migration_row.html"
    text = file.read_text(encoding="utf-8").replace("%", "%%")
    return _NAME.sub("%s", text), itemgetter(*_NAME.findall(text))


def _escaped(row: Row, icons: str) -> Row:
    safe = row.copy()
    # The API's own words; all others are ours.
    if _SPECIAL.search(f"{row['id']}{row['status']}{row['company_name']}{row['user_name']}"):
        safe = {name: escape(value) if isinstance(value, str) else value for name, value in row.items()}
    else:
        for name in ("href", "company_href", "user_href"):
            safe[name] = safe[name].replace("&", "&amp;")
    safe["company_link"] = f' href="{safe["company_href"]}"' if row["company"] else ""
    safe["user_link"] = f' href="{safe["user_href"]}"' if row["user"] else ""
    safe["class"], safe["gone_mark"] = (' class="gone"', GONE) if row["gone"] else ("", "")
    safe["icons"] = icons
    return safe


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
        "company_name": company or NONE,
        "company_href": f"{link}company={_quoted(company)}" if company else "",
        "user": user,
        "user_name": user or NONE,
        "user_href": f"{link}user={_quoted(user)}" if user else "",
        "sub": f"{company or 'no company'} · {NBSP.join(since.split()[:2])}",
        "created": wording.minute(created, zone),
        "vague": vague,
        "at_least": "at least " if vague else "",
        "since": since,
        "since_at": int(status_changed.timestamp()),
        "since_iso": wording.iso(status_changed),
        "changed": last_change(changed, status_changed, status_not_before, now=now, zone=zone),
        "checked": wording.ago(checked, now=now, zone=zone),
        "checked_at": int(checked.timestamp()),
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
    return max(filter(None, (checked, source.swept_at, source.open_checked_at if is_open else None)))
