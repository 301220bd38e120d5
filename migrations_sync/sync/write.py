"""Compares what the API sent with what the mirror holds, and writes the differences with their history."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from itertools import repeat
from typing import Any, NamedTuple, Self

from django.db import connection, transaction
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
from migrations_sync.sync.seen import Seen
from migrations_sync.sync.store import Sighting, store

_RAW_KEPT = 100_000  # characters of an unreadable row


class Reject(NamedTuple):
    """A row that can't be read, and as much of it as can."""

    row: object
    reason: str
    api_id: str = ""


class Received:
    """Rows as received at ``at`` (UTC), any JSON values. ``page`` is empty for what was asked for by id.

    Those that can be identified stand in lists that run in parallel; ``rejects`` has the others. With ``whole``,
    they are read whole at once, into ``records``: for rows that are probably new. No database is needed for
    this, so it can be done in another thread, while one is waited for.
    """

    def __init__(self, rows: Iterable[object], at: datetime, page: int | None = None, *, whole: bool = False) -> None:
        self.at = at
        self.page = page
        self.rows: list[object] = []
        self.api_ids: list[str] = []
        self.fingerprints: list[int] = []
        self.records: list[MigrationRecord] = []
        self.rejects: list[Reject] = []
        for row in rows:
            api_id = ""
            try:
                api_id, fingerprint = records.identify(row)
                if whole:
                    self.records.append(records.parse(row, fingerprint))
            except InvalidRecord as error:
                self.rejects.append(Reject(row, str(error), api_id))
                continue
            self.rows.append(row)
            self.api_ids.append(api_id)
            self.fingerprints.append(fingerprint)


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


@dataclass(slots=True)
class Writer:
    """Writes rows of one source for one pass, or for one answer by id.

    ``seen`` collects whom a sweep met. ``lease`` is checked in every transaction that writes.
    ``filling``: the mirror was empty when the pass began, so most rows are new and need no look-up first; they
    are best received ``whole``.
    """

    source: Source
    via: StatusChange.Via
    run: SyncRun | None = None
    lease: HeldLease | None = None
    filling: bool = False
    seen: Seen = field(default_factory=Seen)
    drifts: Drifts = field(default_factory=Drifts)

    def write(self, received: Iterable[Received]) -> tuple[Counts, set[int]]:
        """Write what differs. Also says which pages brought a migration not met before.

        Rows that differ in nothing cost one look-up and write nothing. A row that can't be read goes to
        quarantine and hinders no other.

        Raises:
            LeaseLost: another pass has taken over; nothing of these rows was written.
        """
        batch = _Batch(self)
        for bunch in received:
            batch.take(bunch)
        if self.filling:
            batch.new = range(len(batch.rows))
        else:
            batch.new = batch.compare(range(len(batch.rows)))
        if batch.new or batch.known or batch.rejects:
            batch.save()
        return batch.counts, batch.novel_pages


class _Batch:
    """The rows of one ``write``: taken, compared, saved."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.counts = Counts()
        self.novel_pages: set[int] = set()
        self.rejects: list[tuple[Reject, Received]] = []
        self.places: dict[str, int] = {}  # of each API id in the list below
        self.rows: list[tuple[Received, int]] = []  # with what each was received, and at which index
        self.new: Sequence[int] = ()  # places of rows whose ids the mirror does not have, as far as is known
        self.known: dict[int, int] = {}  # its numbers of those that differ from it, by place

    def take(self, received: Received) -> None:
        self.rejects += zip(received.rejects, repeat(received))
        places, rows = self.places, self.rows
        for index, api_id in enumerate(received.api_ids):
            place = places.setdefault(api_id, len(rows))
            if place == len(rows):
                rows.append((received, index))
            else:  # the same id again: the later answer counts
                self.writer.seen.twice += 1
                rows[place] = received, index
        self.counts.seen = len(rows)

    def compare(self, places: Sequence[int]) -> list[int]:
        """Find out by their fingerprints which rows differ from the mirror; the places of those it does not have."""
        unknown = set(places)
        api_ids = list(self.places)
        asked = api_ids if len(places) == len(api_ids) else [api_ids[place] for place in places]
        for at, number, fingerprint, gone in store().look_up(self.writer.source, asked):
            place = places[at]
            unknown.discard(place)
            self._meet(place, number)
            received, index = self.rows[place]
            if fingerprint != received.fingerprints[index] or gone:
                self.known[place] = number
            else:
                self.counts.unchanged += 1
        return sorted(unknown)

    def _meet(self, place: int, number: int) -> None:
        if self.writer.seen.add(number):
            page = self.rows[place][0].page
            if page is not None:
                self.novel_pages.add(page)

    @transaction.atomic
    def save(self) -> None:
        writer = self.writer
        if writer.lease:
            writer.lease.renew()
        # First of all locks: writers queue here, so none of them can wait for another further down.
        writer.source.touch()
        quiet = not Source.objects.filter(pk=writer.source.pk, baseline_at__isnull=False).exists()
        deltas = Deltas()
        self._insert(dict(self._parse(self.new)), deltas, quiet=quiet)
        changed = self._parse(sorted(self.known))
        self._update({self.known[place]: sighting for place, sighting in changed}, deltas, quiet=quiet)
        deltas.apply(writer.source)
        _quarantine(writer, self.rejects)
        self.counts.rejected = len(self.rejects)

    def _parse(self, places: Iterable[int]) -> Iterator[tuple[int, Sighting]]:
        for place in places:
            received, index = self.rows[place]
            row = received.rows[index]
            try:
                record = (
                    received.records[index] if received.records else records.parse(row, received.fingerprints[index])
                )
            except InvalidRecord as error:
                self.rejects.append((Reject(row, str(error), received.api_ids[index]), received))
                continue
            if record.payload or record.created_by_user_id is None:
                self.writer.drifts.fields(records.oddities(row), example=record.payload)
            if not statuses.is_known(record.status):
                self.writer.drifts.add(Drift.Kind.STATUS, record.status, example=record.id)
            yield place, Sighting(record, received.at)

    def _insert(self, sightings: Mapping[int, Sighting], deltas: Deltas, *, quiet: bool) -> None:
        if not sightings:
            return
        numbers = store().insert(self.writer.source, list(sightings.values()))
        added, there = [], []
        for place, sighting in sightings.items():
            number = numbers.get(sighting.record.id)
            if number is None:
                there.append(place)
            else:
                added.append(sighting)
                self._meet(place, number)
        self.counts.created = len(added)
        deltas.count_new([record for record, _ in added])
        if not quiet:
            self._tell_news(added, numbers, deltas)
        if there:  # another writer was faster, or in a first load: the list has brought them before
            self.compare(there)

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
