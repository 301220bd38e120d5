"""Rows of the mirror for tests that need them without a pass over an API. Plain functions, plain defaults."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from migrations_sync.models import Migration, Source, StatusChange

T0 = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
_numbers = itertools.count(1)


def migration(api_id: str | None = None, **fields: Any) -> Migration:
    """One stored migration; every time is ``T0`` unless given."""
    number = next(_numbers)
    created = fields.setdefault("created", T0 + timedelta(seconds=number))
    seen = fields.setdefault("first_seen_at", created)
    defaults: dict[str, Any] = {
        "source": fields.pop("source", None) or Source.default(),
        "api_id": api_id or f"00000000-0000-4000-8000-{number:012d}",
        "created_raw": created.replace(tzinfo=None).isoformat(),
        "status": "COMPLETE",
        "company_id": "company-1",
        "created_by_user_id": "user-1",
        "fingerprint": number,
        "status_changed_at": seen,
        "status_not_before": created,
        "changed_at": fields.get("status_changed_at", seen),
        "checked_at": seen,
    }
    return Migration.objects.create(**{**defaults, **fields})


def change(to: Migration, new: str, *, old: str, at: datetime, not_before: datetime, **fields: Any) -> StatusChange:
    """A status change on a migration's timeline; the migration's own row is left alone."""
    return StatusChange.objects.create(
        migration=to,
        old=old,
        new=new,
        observed_at=at,
        not_before=not_before,
        via=fields.pop("via", "quick"),
        **fields,
    )
