"""Observed status changes made ready for ``_changes.html``: what happened to which migration, and when."""

from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Any

from django.db.models import QuerySet

from dashboard import hrefs, rows, wording
from migrations_sync import statuses
from migrations_sync.models import StatusChange

Line = dict[str, Any]


def whole(found: QuerySet[StatusChange]) -> QuerySet[StatusChange]:
    """``found`` with what a line shows, in the same statement."""
    return found.select_related("migration").only(
        "kind", "old", "new", "not_before", "observed_at", "via", "run_id",
        "migration__api_id", "migration__company_id",
    )  # fmt: skip


def ready(found: Iterable[StatusChange], *, now: datetime, zone: tzinfo) -> list[Line]:
    """One line for each of what ``whole`` has found, in its order."""
    return [_line(change, now=now, zone=zone) for change in found]


def _line(change: StatusChange, *, now: datetime, zone: tzinfo) -> Line:
    migration = change.migration
    head, middle, tail = rows.shortened(migration.api_id)
    return {
        "status": statuses.get(change.new),
        "before": _before(change),
        "id": migration.api_id,
        "href": hrefs.migration(migration.api_id),
        "head": head,
        "middle": middle,
        "tail": tail,
        "company": migration.company_id,
        "company_href": hrefs.company(migration.company_id),
        "when": wording.between(change.not_before, change.observed_at, zone, now=now),
        "iso": wording.iso(change.observed_at),
        "ago": wording.ago(change.observed_at, now=now, zone=zone),
        "via": change.get_via_display(),
        "run_href": hrefs.run(change.run_id) if change.run_id else "",
    }


def _before(change: StatusChange) -> str:
    """What stood before, or what happened instead of a change of status."""
    match change.kind:
        case StatusChange.Kind.FIRST_SEEN:
            return "first seen"
        case StatusChange.Kind.GONE:
            return "gone; last seen as"
        case StatusChange.Kind.RETURNED:
            return "back again as"
        case _:
            return f"{statuses.get(change.old).label} →" if change.old else ""
