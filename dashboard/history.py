"""Everything that is on record about one migration, read in one statement."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connection

from dashboard.models import AuditEntry, TriageAct
from dashboard.postgresql import planned
from migrations_sync.database import as_time
from migrations_sync.models import BlindSpot, Migration, PayloadVersion, StatusChange, WebhookDelivery

KEPT = 200  # of each kind, the newest: what a page can show
END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)


class Item(NamedTuple):
    """One row of the record. Times are UTC.

    ``at``: observed, received, done, ended or replaced; only a blind spot that lasts has none. ``since``: not
    before (change), started (blind spot), until (snooze). ``name``: the kind of change or act, the cause, the
    type of event. ``text``: reason, note, detail, payload. ``who``: the user of an act; how a change was seen.
    """

    sort: str
    pk: int
    at: datetime | None
    since: datetime | None
    name: str
    old: str
    new: str
    text: str
    who: str
    run: int | None


@dataclass(frozen=True, slots=True)
class History:
    """Each oldest first. ``later`` and ``was``: the first change, and the first row replaced, after the moment."""

    changes: tuple[Item, ...] = ()
    deliveries: tuple[Item, ...] = ()
    acts: tuple[Item, ...] = ()
    blind: tuple[Item, ...] = ()
    versions: tuple[Item, ...] = ()
    later: Item | None = None
    was: Item | None = None

    @property
    def cut(self) -> bool:
        """Whether there may be more than was read."""
        return KEPT in map(len, (self.changes, self.deliveries, self.acts, self.blind, self.versions))


# The columns are those of ``Item``. Written by hand because the ORM takes longer to put this together than
# a database to answer it, a hundred times so. Each part is one range of an index.
_SQL = """
SELECT * FROM (
  SELECT 'change', id, observed_at, not_before, kind, old, new, '', via, run_id FROM {change}
  WHERE migration_id = %(migration)s AND observed_at <= %(at)s ORDER BY observed_at DESC, id DESC LIMIT {kept}) AS p1
UNION ALL SELECT * FROM (
  SELECT 'later', id, observed_at, not_before, kind, old, new, '', via, run_id FROM {change}
  WHERE migration_id = %(migration)s AND observed_at > %(at)s ORDER BY observed_at, id LIMIT 1) AS p2
UNION ALL SELECT * FROM (
  SELECT 'version', id, replaced_at, {no_time}, '', '', '', payload, '', {no_run} FROM {version}
  WHERE migration_id = %(migration)s AND replaced_at <= %(at)s ORDER BY replaced_at DESC, id DESC LIMIT {kept}) AS p3
UNION ALL SELECT * FROM (
  SELECT 'was', id, replaced_at, {no_time}, '', '', '', payload, '', {no_run} FROM {version}
  WHERE migration_id = %(migration)s AND replaced_at > %(at)s ORDER BY replaced_at, id LIMIT 1) AS p4
UNION ALL SELECT * FROM (
  SELECT 'delivery', id, received_at, {no_time}, event_type, '', '', error_message, message_id, {no_run}
  FROM {delivery} WHERE api_id = %(api_id)s AND received_at <= %(at)s
  ORDER BY received_at DESC, id DESC LIMIT {kept}) AS p5
UNION ALL SELECT * FROM (
  SELECT 'act', id, at, until, kind, '', status, text, who, {no_run} FROM {act}
  WHERE migration_id = %(migration)s AND at <= %(at)s ORDER BY at DESC, id DESC LIMIT {kept}) AS p6
UNION ALL SELECT * FROM (
  SELECT 'act', -id, at, {no_time}, act, '', '', detail, who, {no_run} FROM {audit}
  WHERE migration = %(api_id)s AND act = 'check' AND at <= %(at)s ORDER BY at DESC, id DESC LIMIT {kept}) AS p7
UNION ALL SELECT * FROM (
  SELECT 'blind', id, ended_at, started_at, cause, '', '', detail, '', run_id FROM {blind}
  WHERE source_id = %(source)s AND started_at <= %(at)s AND (ended_at IS NULL OR ended_at > %(created)s)
  ORDER BY started_at DESC, id DESC LIMIT {kept}) AS p8
""".format(  # noqa: S608 (names of our own tables)
    change=StatusChange._meta.db_table,
    version=PayloadVersion._meta.db_table,
    delivery=WebhookDelivery._meta.db_table,
    act=TriageAct._meta.db_table,
    audit=AuditEntry._meta.db_table,  # of its acts, only "check" leaves no row elsewhere
    blind=BlindSpot._meta.db_table,
    no_time="CAST(NULL AS timestamp with time zone)",
    no_run="CAST(NULL AS bigint)",
    kept=KEPT,
)


def read(migration: Migration, *, at: datetime | None = None) -> History:
    """The record of ``migration``, or what of it existed ``at`` a moment (UTC). One statement."""
    adapt = connection.ops.adapt_datetimefield_value
    found = planned.rows(
        _SQL,
        {
            "migration": migration.pk,
            "api_id": migration.api_id,
            "source": migration.source_id,
            "created": adapt(migration.created),
            "at": adapt(at or END_OF_TIME),
        },
    )
    items = [_item(row) for row in found]
    sorts: dict[str, list[Item]] = {}
    for item in sorted(items, key=lambda item: (item.at or item.since or END_OF_TIME, item.pk)):
        sorts.setdefault(item.sort, []).append(item)

    def of(sort: str) -> tuple[Item, ...]:
        return tuple(sorts.get(sort, ()))

    return History(
        changes=of("change"),
        deliveries=of("delivery"),
        acts=of("act"),
        # One that ended later was still open then.
        blind=tuple(
            spot._replace(at=spot.at if spot.at and spot.at <= (at or END_OF_TIME) else None) for spot in of("blind")
        ),
        versions=of("version"),
        later=next(iter(of("later")), None),
        was=next(iter(of("was")), None),
    )


def _item(row: tuple[Any, ...]) -> Item:
    sort, pk, at, since, *rest = row
    return Item(sort, pk, as_time(at), as_time(since), *rest)
