"""What became of migrations that a whole sweep did not meet. Only the API's own refusal makes one gone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from migrations_sync.exceptions import NotFoundError
from migrations_sync.models import Migration, StatusChange
from migrations_sync.sync.api import Api
from migrations_sync.sync.counts import Deltas
from migrations_sync.sync.write import Counts, Writer

A_FEW = 3
SHARE = 0.05
_BATCH = 500


@dataclass(slots=True)
class Missing:
    """``found``: not in the list; of these ``recovered`` were served by id and ``disappeared`` were refused.

    ``believable``: few enough to ask. Otherwise nobody was asked, and nothing is known of them.
    """

    found: int = 0
    recovered: int = 0
    disappeared: int = 0
    believable: bool = True


def resolve(writer: Writer, api: Api, *, upto: int, accept: bool) -> tuple[Missing, Counts]:
    """Ask by id for each migration numbered ``upto`` or less that the sweep did not meet.

    More than a few in a hundred at once are more likely the API's fault than theirs: then nobody is asked,
    unless a person said to ``accept`` it.
    """
    present = Migration.objects.filter(source=writer.source, gone_at__isnull=True, pk__lte=upto)
    held = present.count()
    missing = Missing(found=max(held - writer.seen.count_upto(upto), 0))
    counts = Counts()
    if not missing.found:
        return missing, counts
    absent: list[tuple[int, str]] = []
    limit = max(A_FEW, int(held * SHARE))
    for number, api_id in writer.seen.missing(writer.source, upto=upto):
        absent.append((number, api_id))
        if not accept and (len(absent) > limit or len(absent) == held):
            missing.believable = False
            return missing, counts
    missing.found = len(absent)
    for start in range(0, len(absent), _BATCH):
        part = dict(absent[start : start + _BATCH])
        counts += _ask(writer, api, {api_id: number for number, api_id in part.items()}, missing)
        if writer.lease:
            writer.lease.renew_if_due()
    return missing, counts


def _ask(writer: Writer, api: Api, absent: dict[str, int], missing: Missing) -> Counts:
    rows, refused = [], []
    for api_id, answer in api.get_migrations(absent):
        if isinstance(answer, NotFoundError):
            refused.append(absent[api_id])
        else:
            rows.append(writer.receive([answer.row], answer.received_at))
    missing.recovered += len(rows)
    counts, _ = writer.write(rows)
    missing.disappeared += mark(writer, refused, at=timezone.now())
    return counts


@transaction.atomic
def mark(writer: Writer, numbers: Iterable[int], *, at: datetime) -> int:
    """Mark them gone: not in the list, and refused by id at ``at``. How many were not so before."""
    if writer.lease:
        writer.lease.renew()
    writer.source.touch()
    writer.source.refresh_from_db()
    rows = Migration.objects.filter(pk__in=list(numbers), gone_at__isnull=True)
    deltas, changes = Deltas(), []
    for migration in rows.select_for_update().order_by("pk"):
        not_before = min(migration.last_checked_at(writer.source), at)
        for gone, by in ((False, -1), (True, 1)):
            deltas.count(migration.status, migration.company_id, migration.created, gone=gone, by=by)
        migration.gone_at = migration.changed_at = migration.checked_at = at
        migration.gone_not_before = not_before
        migration.save(update_fields=["gone_at", "gone_not_before", "changed_at", "checked_at"])
        changes.append(
            StatusChange(
                migration=migration, kind=StatusChange.Kind.GONE, old=migration.status, new=migration.status,
                not_before=not_before, observed_at=at, via=writer.via, run=writer.run,
            )
        )  # fmt: skip
    StatusChange.objects.bulk_create(changes)
    deltas.apply(writer.source)
    return len(changes)
