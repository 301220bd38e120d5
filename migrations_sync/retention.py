"""Forgets what nobody needs any more, in small transactions. Status history is never forgotten."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from migrations_sync.models import PayloadVersion, StatusChange, SyncRun, WebhookDelivery

_CHUNK = 1000


def prune(*, now: datetime, runs: int, deliveries: int, versions: int) -> Iterator[tuple[str, int]]:
    """Delete what is older than so many days; 0 keeps it for ever. Yields what and how many, kind by kind.

    A status change outlives the run that found it. A delivery that brought a failure reason stays: nothing
    else holds it.
    """
    if runs:
        old = SyncRun.objects.filter(started_at__lt=now - timedelta(days=runs)).exclude(outcome="running")
        yield "runs", delete_in_chunks(old, first=_let_go)
    if deliveries:
        old_deliveries = WebhookDelivery.objects.filter(
            received_at__lt=now - timedelta(days=deliveries), error_message=""
        )
        yield "deliveries", delete_in_chunks(old_deliveries)
    if versions:
        yield (
            "payload versions",
            delete_in_chunks(PayloadVersion.objects.filter(replaced_at__lt=now - timedelta(days=versions))),
        )


def delete_in_chunks(rows: QuerySet[Any], *, first: Callable[[Sequence[int]], None] = lambda numbers: None) -> int:
    """Oldest first, so many at a time that no lock is held for long. ``first``: what is done before with each lot."""
    deleted = 0
    while chunk := list(rows.order_by("pk").values_list("pk", flat=True)[:_CHUNK]):
        first(chunk)
        rows.model._default_manager.filter(pk__in=chunk).delete()
        deleted += len(chunk)
    return deleted


def _let_go(runs: Sequence[int]) -> None:
    """A run may have found any number of changes: deleting it would let go of them all in one transaction."""
    found = StatusChange.objects.filter(run__in=runs)
    while chunk := list(found.values_list("pk", flat=True)[:_CHUNK]):
        StatusChange.objects.filter(pk__in=chunk).update(run=None)
