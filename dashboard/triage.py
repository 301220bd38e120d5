"""What people do about migrations. Each function takes any number of them, writes every act and what now stands.

They check no permission (``dashboard.triage``); views do. Each is one transaction, and bumps the source's version.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Max, Q
from django.http import HttpRequest

from dashboard import audit, current
from dashboard.models import TriageAct, TriageState
from migrations_sync.models import Migration, Source, StatusChange

Kind = TriageAct.Kind
_AT_ONCE = 500


def note(request: HttpRequest, migrations: Iterable[Migration], text: str) -> int:
    """Write a note that everybody reads."""
    return _act(request, migrations, Kind.NOTE, text)


def ticket(request: HttpRequest, migrations: Iterable[Migration], reference: str) -> int:
    """Tie ``reference``, a ticket's number or address, to these."""
    return _act(request, migrations, Kind.TICKET, reference)


def acknowledge(request: HttpRequest, migrations: Iterable[Migration], reason: str) -> int:
    """Say that these are seen to, so that they ask for nobody until something else happens to them."""
    return _act(request, migrations, Kind.ACKNOWLEDGE, reason)


def snooze(
    request: HttpRequest, migrations: Iterable[Migration], *, until: datetime | None = None, reason: str = ""
) -> int:
    """Have these ask for nobody before ``until``, if given, or something happens to them, whichever is first."""
    return _act(request, migrations, Kind.SNOOZE, reason, until=until)


def reopen(request: HttpRequest, migrations: Iterable[Migration]) -> int:
    """End the acknowledgement or snooze of these."""
    return _act(request, migrations, Kind.REOPEN)


def assign(request: HttpRequest, migrations: Iterable[Migration], to: User) -> int:
    """Have ``to`` look after these."""
    return _act(request, migrations, Kind.ASSIGN, to.get_username(), assignee=to)


def release(request: HttpRequest, migrations: Iterable[Migration]) -> int:
    """Have nobody in particular look after these."""
    return _act(request, migrations, Kind.RELEASE)


def quiet(now: datetime) -> Q:
    """Of migrations: those whose acknowledgement or snooze holds at ``now``. Nothing has happened to them since."""
    return (
        Q(triage__quiet__isnull=False, triage__quiet_through__gte=F("status_changed_at"))
        & (Q(gone_at__isnull=True) | Q(triage__quiet_through__gte=F("gone_at")))
        & (Q(triage__quiet_until__isnull=True) | Q(triage__quiet_until__gt=now))
    )


def is_quiet(state: TriageState, migration: Migration, now: datetime) -> bool:
    """``quiet`` for one that was read already."""
    if state.quiet_id is None or (state.quiet_until and state.quiet_until <= now):
        return False
    return state.quiet_through is not None and state.quiet_through >= _last_event(migration)


def seen(migration: Migration) -> str:
    """Names what has happened to ``migration`` so far. Who answers must have seen it, so a form carries it along."""
    return _last_event(migration).isoformat()


def _last_event(migration: Migration) -> datetime:
    return max(migration.status_changed_at, migration.gone_at or migration.status_changed_at)


@transaction.atomic
def _act(
    request: HttpRequest,
    migrations: Iterable[Migration],
    kind: TriageAct.Kind,
    text: str = "",
    *,
    until: datetime | None = None,
    assignee: User | None = None,
) -> int:
    done, only = 0, ""
    for batch in _batches(migrations):
        acts = _write_acts(request, batch, kind, text, until)
        _write_states(batch, acts, assignee)
        done += len(batch)
        only = batch[0].api_id if done == 1 else ""
    if done:
        target = "" if only else f"{done} migrations"
        audit.record(request, f"triage.{kind.value}", migration=only, target=target, detail=text)
        Source.default().touch()
    return done


def _batches(migrations: Iterable[Migration]) -> Iterator[list[Migration]]:
    left = iter(migrations)
    while batch := list(islice(left, _AT_ONCE)):
        yield batch


def _write_acts(
    request: HttpRequest, batch: list[Migration], kind: TriageAct.Kind, text: str, until: datetime | None
) -> list[TriageAct]:
    ids = [migration.pk for migration in batch]
    newest = StatusChange.objects.filter(migration__in=ids).order_by().values("migration").annotate(last=Max("pk"))
    changes = dict(newest.values_list("migration", "last"))
    return TriageAct.objects.bulk_create(
        TriageAct(
            migration=migration,
            kind=kind,
            who=request.user.get_username(),
            at=current.now(request),
            text=text,
            until=until,
            status=migration.status,
            change_id=changes.get(migration.pk),
        )
        for migration in batch
    )


def _write_states(batch: list[Migration], acts: list[TriageAct], assignee: User | None) -> None:
    """Put down what stands after ``acts``, which are one for each of ``batch`` and of one kind."""
    kind = acts[0].kind
    fields: list[str] = []
    if kind in (Kind.ACKNOWLEDGE, Kind.SNOOZE, Kind.REOPEN):
        fields = ["quiet", "quiet_through", "quiet_until"]
    elif kind in (Kind.ASSIGN, Kind.RELEASE):
        fields = ["assignee"]
    if fields:
        TriageState.objects.bulk_create(
            [_state(migration, act, assignee) for migration, act in zip(batch, acts, strict=True)],
            update_conflicts=True,
            unique_fields=["migration"],
            update_fields=fields,
        )


def _state(migration: Migration, act: TriageAct, assignee: User | None) -> TriageState:
    quiet: dict[str, Any] = {}
    if act.kind in (Kind.ACKNOWLEDGE, Kind.SNOOZE):
        quiet = {"quiet": act, "quiet_through": _last_event(migration), "quiet_until": act.until}
    return TriageState(migration=migration, assignee=assignee, **quiet)
