"""What the mirror knows of one migration, now or at a moment that is past."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dashboard import times
from dashboard.history import History, Item
from migrations_sync import statuses
from migrations_sync.models import Migration, Source, StatusChange, SyncRun
from migrations_sync.statuses import Status

Kind = StatusChange.Kind
# The kinds of change that put a migration into a status.
NEWS = (Kind.STATUS.value, Kind.FIRST_SEEN.value)


@dataclass(frozen=True, slots=True)
class Known:
    """One migration as known at ``at``. Times are UTC; ``created`` is the API's clock, all others are ours.

    The status was first seen at ``since`` and can't have begun before ``not_before``; ``witnessed`` says whether
    the mirror saw it begin, or found it so. ``as_of``: when the API last confirmed this. ``raw``: JSON text.
    """

    at: datetime
    status: Status
    since: datetime
    not_before: datetime
    witnessed: bool
    as_of: datetime
    first_seen: datetime
    created: datetime
    company: str | None
    user: str | None
    gone_at: datetime | None
    gone_not_before: datetime | None
    raw: str


def now(migration: Migration, history: History, source: Source, *, at: datetime) -> Known:
    """What is known now, which is ``at``."""
    return Known(
        at=at,
        status=statuses.get(migration.status),
        since=migration.status_changed_at,
        not_before=migration.status_not_before,
        witnessed=any(c.name in NEWS and c.at == migration.status_changed_at for c in history.changes),
        as_of=migration.last_checked_at(source),
        first_seen=migration.first_seen_at,
        created=migration.created,
        company=migration.company_id,
        user=migration.created_by_user_id,
        gone_at=migration.gone_at,
        gone_not_before=migration.gone_not_before,
        raw=migration.raw,
    )


def then(migration: Migration, history: History, *, at: datetime) -> Known | None:
    """What was known ``at`` a past moment, from the ``history`` up to it; ``None`` before it was first seen."""
    if at < migration.first_seen_at:
        return None
    news = [change for change in history.changes if change.name in NEWS]
    code, since, not_before = migration.status, migration.first_seen_at, migration.created
    if news:
        code, since, not_before = news[-1].new, _time(news[-1].at), _time(news[-1].since)
    elif history.later:
        code = history.later.old or history.later.new
    row = json.loads(history.was.text) if history.was else {}
    gone = _gone(history)
    return Known(
        at=at,
        status=statuses.get(code),
        since=since,
        not_before=min(not_before, since),
        witnessed=bool(news),
        as_of=max(since, _last_pass(migration, at, is_open=statuses.get(code).open), (gone and gone.at) or since),
        first_seen=migration.first_seen_at,
        created=migration.created,
        company=_text(row, "company_id", migration.company_id),
        user=_text(row, "created_by_user_id", migration.created_by_user_id),
        gone_at=gone.at if gone else None,
        gone_not_before=gone.since if gone else None,
        raw=history.was.text if history.was else migration.raw,
    )


def _gone(history: History) -> Item | None:
    """The change that says it was gone, unless it had come back."""
    last = next((c for c in reversed(history.changes) if c.name in (Kind.GONE, Kind.RETURNED)), None)
    return last if last and last.name == Kind.GONE else None


def _last_pass(migration: Migration, at: datetime, *, is_open: bool) -> datetime:
    """When the last pass before ``at`` that looked at such a migration began. One query."""
    passes = SyncRun.objects.filter(
        source=migration.source_id, outcome=SyncRun.Outcome.COMPLETE, started_at__gte=migration.first_seen_at
    )
    if not is_open:
        passes = passes.filter(mode=SyncRun.Mode.FULL)
    last = passes.filter(finished_at__lte=at).order_by("-started_at").values_list("started_at", flat=True).first()
    return last or migration.first_seen_at


def _text(row: dict[str, Any], name: str, otherwise: str | None) -> str | None:
    return (row[name] or None) if name in row else otherwise


def _time(value: datetime | None) -> datetime:
    return value or datetime.min.replace(tzinfo=UTC)


def moment(text: str, *, now: datetime) -> datetime:
    """The moment that ``?at=`` names, as ``dashboard.times`` reads it; a whole second is its end.

    So a link that was made within a second shows all that was known when it was made.

    Raises:
        ValueError: no such time, or one still to come; the message is for people.
    """
    at = times.moment(text, now=now)
    if at > now:
        raise ValueError(f"{at:%Y-%m-%d %H:%M:%S} UTC is still to come.")
    return at.replace(microsecond=999_999) if not at.microsecond else at
