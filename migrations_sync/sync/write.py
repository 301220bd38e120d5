"""Compares what the API sent with what the mirror holds, and writes the differences with their history."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, NamedTuple, Self

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone

from migrations_sync import records, statuses
from migrations_sync.exceptions import InvalidRecord
from migrations_sync.models import (
    Drift,
    Migration,
    PayloadVersion,
    QuarantinedRow,
    Source,
    StatusChange,
    SyncRun,
)
from migrations_sync.records import MigrationRecord
from migrations_sync.sync.counts import Deltas
from migrations_sync.sync.drift import Drifts
from migrations_sync.sync.lease import HeldLease
from migrations_sync.sync.received import Bunch, Received, Reject, is_odd
from migrations_sync.sync.seen import Seen
from migrations_sync.sync.store import Store, store

_RAW_KEPT = 100_000  # characters of an unreadable row


@dataclass(slots=True)
class Counts:
    """What came of some rows."""

    seen: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    returned: int = 0
    rejected: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


class Sighting(NamedTuple):
    """A record and when it was received (UTC)."""

    record: MigrationRecord
    at: datetime


@dataclass(slots=True)
class Writer:
    """Writes rows of one source for one pass, or for one answer by id.

    ``seen`` collects whom a sweep met. ``lease`` is checked in every transaction that writes.
    ``filling``: a first load; most rows are new, so they are added at once and looked up only where that fails.
    """

    source: Source
    via: StatusChange.Via
    run: SyncRun | None = None
    lease: HeldLease | None = None
    filling: bool = False
    store: Store = field(default_factory=store)
    seen: Seen = field(default_factory=Seen)
    drifts: Drifts = field(default_factory=Drifts)

    def receive(self, rows: Iterable[object], at: datetime, page: int | None = None) -> Received:
        """Make rows ready for ``write``. Needs no database: it may be done ahead, in another thread."""
        return Received(rows, at, page, make_row=self.store.new_row if self.filling else None)

    def write(self, received: Iterable[Received]) -> tuple[Counts, set[int]]:
        """Write what differs. Also says which pages brought a migration not met before.

        Rows that differ in nothing cost one look-up and write nothing. A row that can't be read goes to
        quarantine and hinders no other.

        Raises:
            LeaseLost: another pass has taken over; nothing of these rows was written.
        """
        batch = _Batch(self, Bunch(received))
        if not (self.filling and batch.fill()):
            batch.compare(range(len(batch.bunch)))
            if batch.differs:
                batch.save()
        return batch.counts, batch.novel_pages


class _Batch:
    """The rows of one ``write``: compared and saved."""

    def __init__(self, writer: Writer, bunch: Bunch) -> None:
        self.writer = writer
        self.bunch = bunch
        self.counts = Counts(seen=len(bunch))
        self.novel_pages: set[int] = set()
        self.rejects = list(bunch.rejects())
        self.new: list[int] = []  # places of rows whose ids the mirror does not have
        self.known: dict[int, int] = {}  # its numbers of those that differ from it, by place
        writer.seen.twice += bunch.repeats

    @property
    def differs(self) -> bool:
        return bool(self.new or self.known or self.rejects)

    def fill(self) -> bool:
        """Add all rows. Whether that could be done; otherwise nothing was written, because some are there already."""
        received = self.bunch.received
        deltas = Deltas()
        try:
            with transaction.atomic():
                self._begin()
                rows = [row for part in received for row in part.new_rows]
                numbers = self.writer.store.fill(self.writer.source, rows)
                deltas.count_new([record for part in received for record in part.records])
                self._end(deltas)
        except IntegrityError:
            return False
        self._meet(range(len(numbers)), numbers)
        self.counts.created = len(numbers)
        for part in received:
            for index in part.odd:
                self._note_drift(part.records[index], part.rows[index])
        return True

    def compare(self, places: Sequence[int]) -> None:
        """Find out by their fingerprints which rows are new and which differ from the mirror."""
        api_ids, fingerprints = self.bunch.api_ids, self.bunch.fingerprints
        if len(places) < len(self.bunch):
            api_ids = [api_ids[place] for place in places]
            fingerprints = [fingerprints[place] for place in places]
        same, differing = self.writer.store.compare(self.writer.source, api_ids, fingerprints)
        self.counts.unchanged += len(same)
        self.new = [places[at] for at, number in sorted(differing.items()) if number is None]
        known = {places[at]: number for at, number in sorted(differing.items()) if number is not None}
        self.known |= known
        self._meet([place for at, place in enumerate(places) if at not in differing], same)
        self._meet(list(known), list(known.values()))
        self.novel_pages |= self.bunch.pages(self.new)

    def _meet(self, places: Sequence[int], numbers: Sequence[int]) -> None:
        """Note that the migrations with these numbers stand in these places."""
        again = self.writer.seen.add(numbers)
        self.novel_pages |= self.bunch.pages([place for at, place in enumerate(places) if at not in again])

    @transaction.atomic
    def save(self) -> None:
        self._begin()
        quiet = self._is_no_news()
        deltas = Deltas()
        self._insert(dict(self._read(self.new)), deltas, quiet=quiet)
        changed = self._read(sorted(self.known))
        self._update({self.known[place]: sighting for place, sighting in changed}, deltas, quiet=quiet)
        self._end(deltas)

    def _begin(self) -> None:
        """Make sure that this pass may write."""
        writer = self.writer
        if writer.lease:
            writer.lease.renew()
        # First of all locks: writers queue here, so none of them can wait for another further down.
        writer.source.touch()

    def _is_no_news(self) -> bool:
        """Whether the mirror's first complete sweep is still to come. Somebody else's may just have ended."""
        return not Source.objects.filter(pk=self.writer.source.pk, baseline_at__isnull=False).exists()

    def _end(self, deltas: Deltas) -> None:
        deltas.apply(self.writer.source)
        _quarantine(self.writer, self.rejects)
        self.counts.rejected = len(self.rejects)

    def _read(self, places: Iterable[int]) -> Iterator[tuple[int, Sighting]]:
        for place in places:
            received, index = self.bunch.find(place)
            row = received.rows[index]
            try:
                record = received.read(index)
            except InvalidRecord as error:
                self.rejects.append((Reject(row, str(error), received.api_ids[index]), received))
                continue
            if is_odd(record):
                self._note_drift(record, row)
            yield place, Sighting(record, received.at)

    def _note_drift(self, record: MigrationRecord, row: object) -> None:
        drifts = self.writer.drifts
        drifts.fields(records.oddities(row), example=record.payload)
        if not statuses.is_known(record.status):
            drifts.add(Drift.Kind.STATUS, record.status, example=record.id)

    def _insert(self, sightings: Mapping[int, Sighting], deltas: Deltas, *, quiet: bool) -> None:
        if not sightings:
            return
        store = self.writer.store
        numbers = store.insert(self.writer.source, [store.new_row(*sighting) for sighting in sightings.values()])
        added = {place: sighting for place, sighting in sightings.items() if sighting.record.id in numbers}
        self._meet(list(added), [numbers[record.id] for record, _ in added.values()])
        self.counts.created = len(added)
        deltas.count_new([record for record, _ in added.values()])
        if not quiet:
            self._tell_news(added.values(), numbers, deltas)
        if len(added) < len(sightings):  # another writer was faster
            self.compare([place for place in sightings if place not in added])

    def _tell_news(self, added: Iterable[Sighting], numbers: Mapping[str, int], deltas: Deltas) -> None:
        news = []
        for record, at in added:
            deltas.observed[at.date(), record.status] += 1
            first_seen = StatusChange.Kind.FIRST_SEEN
            news.append(self._change(numbers[record.id], first_seen, "", record, record.created, at))
        StatusChange.objects.bulk_create(news)

    def _update(self, sightings: Mapping[int, Sighting], deltas: Deltas, *, quiet: bool) -> None:
        if not sightings:
            return
        source, now = Source.objects.get(pk=self.writer.source.pk), timezone.now()
        stored = Migration.objects.select_for_update().order_by("pk").in_bulk(sorted(sightings))
        changes, versions, updates = [], [], []
        for number, (record, at) in sightings.items():
            migration = stored[number]
            # A check from the future was made before the clock was set back, and says nothing about age.
            if at < migration.checked_at <= now:
                self.counts.unchanged += 1  # somebody has asked since; this answer is old
                continue
            if migration.fingerprint == record.fingerprint and not migration.gone_at:
                self.counts.unchanged += 1  # another writer was faster
                continue
            last_checked = min(migration.last_checked_at(source), at)
            deltas.count(
                migration.status, migration.company_id, migration.created, gone=bool(migration.gone_at), by=-1
            )
            if migration.gone_at:
                self.counts.returned += 1
                changes.append(
                    self._change(migration.pk, StatusChange.Kind.RETURNED, migration.status, record, last_checked, at)
                )
            if migration.status != record.status:
                changes.append(
                    self._change(migration.pk, StatusChange.Kind.STATUS, migration.status, record, last_checked, at)
                )
                deltas.observed[at.date(), record.status] += 1
                migration.status_changed_at, migration.status_not_before = at, last_checked
            if migration.fingerprint != record.fingerprint:
                versions.append(PayloadVersion(migration=migration, payload=migration.raw, replaced_at=at))
            deltas.count(record.status, record.company_id, record.created, gone=False, by=1)
            updates.append(_updated(migration, record, at))
        if quiet:
            for change in changes:
                change.announced_at = change.observed_at
        StatusChange.objects.bulk_create(changes)
        PayloadVersion.objects.bulk_create(versions)
        _update_rows(updates)
        self.counts.changed = len(updates)

    def _change(
        self,
        number: int,
        kind: StatusChange.Kind,
        old: str,
        record: MigrationRecord,
        not_before: datetime,
        at: datetime,
    ) -> StatusChange:
        return StatusChange(
            migration_id=number, kind=kind, old=old, new=record.status,
            not_before=min(not_before, at), observed_at=at, via=self.writer.via, run=self.writer.run,
        )  # fmt: skip


_UPDATED = (
    "created",
    "created_raw",
    "status",
    "company_id",
    "created_by_user_id",
    "payload",
    "fingerprint",
    "status_changed_at",
    "status_not_before",
    "changed_at",
    "checked_at",
    "gone_at",
    "gone_not_before",
)


def _updated(migration: Migration, record: MigrationRecord, at: datetime) -> tuple[Any, ...]:
    adapt = connection.ops.adapt_datetimefield_value
    return (
        adapt(record.created),
        record.created_raw,
        record.status,
        record.company_id,
        record.created_by_user_id,
        record.payload,
        record.fingerprint,
        adapt(migration.status_changed_at),
        adapt(migration.status_not_before),
        adapt(at),
        adapt(at),
        None,
        None,
        migration.pk,
    )


def _update_rows(rows: list[tuple[Any, ...]]) -> None:
    if rows:
        assignments = ", ".join(f"{name} = %s" for name in _UPDATED)
        with connection.cursor() as cursor:
            cursor.executemany(f"UPDATE {Migration._meta.db_table} SET {assignments} WHERE id = %s", rows)  # noqa: S608


def _quarantine(writer: Writer, rejects: Iterable[tuple[Reject, Received]]) -> None:
    """Keep unreadable rows, each once; escaped to ASCII, any JSON value can be stored."""
    for (row, reason, api_id), received in rejects:
        at, page = received.at, received.page
        raw = json.dumps(row, sort_keys=True)[:_RAW_KEPT]
        digest = hashlib.blake2b(raw.encode(), digest_size=16).hexdigest()
        kept, is_new = QuarantinedRow.objects.get_or_create(
            source=writer.source,
            digest=digest,
            defaults={
                "raw": raw, "reason": reason[:500], "api_id": api_id, "page": page, "run": writer.run,
                "first_seen_at": at, "last_seen_at": at,
            },
        )  # fmt: skip
        if not is_new:
            QuarantinedRow.objects.filter(pk=kept.pk).update(
                last_seen_at=at, page=page, run=writer.run, times=F("times") + 1
            )
