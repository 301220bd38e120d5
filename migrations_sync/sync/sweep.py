"""A full sweep: reads the whole list, writes what differs, and finds out who is no longer there."""

import time
from collections.abc import Callable, Iterator

from django.db.models import Max

from migrations_sync.models import Drift, Migration, Source, StatusChange, SyncRun
from migrations_sync.sync import gone
from migrations_sync.sync.api import Api, Page
from migrations_sync.sync.lease import HeldLease
from migrations_sync.sync.order import OrderObserver
from migrations_sync.sync.write import Counts, Row, Writer

# A transaction takes so many rows, or what has come in so many seconds: larger ones touch each counter and each
# page of an index less often, smaller ones show progress and keep the lease when the API is slow.
ROWS_A_BATCH = 10_000
SECONDS_A_BATCH = 1.0
_REJECTED_SHARE = 0.5
_IDLE_PAGES = 2


def sweep(
    source: Source,
    api: Api,
    run: SyncRun,
    lease: HeldLease,
    *,
    accept_missing: bool = False,
    progress: Callable[[SyncRun], None] = lambda run: None,
) -> str:
    """Mirror the whole list. Returns why the run is only partial, or an empty text.

    Counts on ``run`` are kept up to date, so that what was written before a failure is told too.

    Raises:
        APIError: the list could not be read to its end; what was read until then is written.
        LeaseLost: another pass has taken over.
    """
    writer = Writer(source, StatusChange.Via.SWEEP, run, lease)
    newest = Migration.objects.filter(source=source).aggregate(number=Max("pk"))["number"] or 0
    order = OrderObserver()
    total = Counts()
    idle: list[int] = []
    try:
        for batch in _batches(api.iter_pages()):
            counts, novel = writer.write(
                Row(value, page.received_at, page.number) for page in batch for value in page.rows
            )
            total += counts
            for page in batch:
                order.look(page.rows)
                _note_shape(source, page, writer)
                idle = [] if page.number in novel else [*idle, page.number]
                source.page_rows = max(source.page_rows if run.pages else 0, len(page.rows))
                run.pages += 1
            _tell(run, total, writer, api)
            progress(run)
            lease.renew_if_due()
            if len(idle) >= _IDLE_PAGES:
                run.notes.append(f"the list ended at page {idle[0]}, which brought nothing new")
                break
        missing, counts = gone.resolve(writer, api, upto=newest, accept=accept_missing)
        total += counts
        run.missing, run.recovered, run.disappeared = missing.found, missing.recovered, missing.disappeared
    finally:
        _tell(run, total, writer, api)
        run.list_order = order.order
        _note_drift(source, run, writer, api)
    if not missing.believable:
        return _unbelievable(run)
    if total.rejected > (run.seen + total.rejected) * _REJECTED_SHARE:
        return f"{total.rejected} rows could not be read: see the quarantine for the reasons"
    return ""


def _batches(pages: Iterator[Page]) -> Iterator[list[Page]]:
    """Pages in bunches that are worth a transaction, the last of them whatever is left even if reading fails."""
    batch: list[Page] = []
    rows, since = 0, time.monotonic()
    try:
        for page in pages:
            batch.append(page)
            rows += len(page.rows)
            if rows >= ROWS_A_BATCH or time.monotonic() - since >= SECONDS_A_BATCH:
                yield batch
                batch, rows, since = [], 0, time.monotonic()
    except Exception:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _tell(run: SyncRun, total: Counts, writer: Writer, api: Api) -> None:
    run.seen, run.seen_twice = writer.seen.count, writer.seen.twice
    run.created, run.changed = total.created, total.changed
    run.unchanged = run.seen - run.created - run.changed
    run.returned, run.rejected = total.returned, total.rejected
    run.requests, run.retries, run.waited = api.stats.requests, api.stats.retries, api.stats.waited


def _unbelievable(run: SyncRun) -> str:
    if not run.seen:
        return "the list came back empty, though the mirror holds migrations: none of them was marked gone"
    return (
        f"{run.missing} migrations are missing from the list at once: none was marked gone. If that is right, "
        "run: python manage.py sync_migrations --full --accept-missing"
    )


def _note_shape(source: Source, page: Page, writer: Writer) -> None:
    if source.list_shape not in ("", page.shape):
        writer.drifts.add(Drift.Kind.SHAPE, page.shape, example=f"was {source.list_shape} until page {page.number}")
    source.list_shape = page.shape


def _note_drift(source: Source, run: SyncRun, writer: Writer, api: Api) -> None:
    drifts = writer.drifts
    if run.pages > 1 and source.page_rows < api.page_size:
        drifts.add(Drift.Kind.PAGE_SIZE, str(source.page_rows), example=f"asked for {api.page_size}")
    if run.list_order and source.list_order and run.list_order != source.list_order:
        drifts.add(Drift.Kind.ORDER, f"{source.list_order} became {run.list_order}")
    for note in api.stats.notes:
        drifts.add(Drift.Kind.LIST_END, note)
        run.notes.append(note)
    drifts.save(source, run.started_at)
