"""Migrations and their history as the API tells them. Times are UTC, ISO 8601; nothing is said to be more exact
than it was seen: what happened lies after ``not_before`` and no later than ``observed_at``."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from dashboard import rows, wording
from dashboard.api.callers import Caller
from migrations_sync import statuses
from migrations_sync.freshness import Freshness
from migrations_sync.models import Migration, Source, StatusChange


def frame(fresh: Freshness) -> dict[str, Any]:
    """What every answer says beside its own: as of when it is true, and whether that can be relied on."""
    return {
        "as_of": _time(fresh.as_of),
        "freshness": {
            "level": fresh.level,
            "trusted": fresh.trusted,
            "attempted_at": _time(fresh.attempted_at),
            "swept_at": _time(fresh.swept_at),
            "blind_since": _time(fresh.since),
            "cause": fresh.cause,
        },
    }


def migration(found: Migration, *, source: Source, caller: Caller, url: str) -> dict[str, Any]:
    status = statuses.get(found.status)
    told = {
        "id": found.api_id,
        "url": url,
        "status": found.status,
        "label": status.label,
        "open": status.open,
        "needs_attention": status.attention or bool(found.gone_at and status.open),
        "company_id": found.company_id,
        "created": _time(found.created),
        "first_seen_at": _time(found.first_seen_at),
        "in_status_since": _interval(found.status_not_before, found.status_changed_at),
        "changed_at": _time(found.changed_at),
        "checked_at": _time(rows.last_checked(status.open, found.checked_at, found.gone_at, source)),
        "gone": _interval(found.gone_not_before, found.gone_at) if found.gone_at else None,
    }
    if "users" in caller.scopes:
        told["created_by_user_id"] = found.created_by_user_id
    return told


def history(changes: Iterable[StatusChange]) -> list[dict[str, Any]]:
    return [
        {
            "kind": change.kind,
            "from": change.old or None,
            "to": change.new,
            "via": change.via,
            **_interval(change.not_before, change.observed_at),
        }
        for change in changes
    ]


def _interval(not_before: datetime | None, observed: datetime | None) -> dict[str, str | None]:
    return {"not_before": _time(not_before), "observed_at": _time(observed)}


def _time(at: datetime | None) -> str | None:
    return wording.iso(at) if at else None
