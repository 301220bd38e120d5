"""A full sweep: reads the whole list, writes what differs, and finds out who is no longer there."""

import time
from collections.abc import Callable, Iterator

from django.db.models import Max

from migrations_sync.models import Drift, Migration, Source, StatusChange, SweepPart, SyncRun
from migrations_sync.sync import gone
from migrations_sync.sync.api import Api, Page
from migrations_sync.sync.lease import HeldLease
from migrations_sync.sync.load import Load
from migrations_sync.sync.order import OrderObserver
from migrations_sync.sync.received import Received
from migrations_sync.sync.split import Reader as PartReader
from migrations_sync.sync.split import Split, gather
from migrations_sync.sync.write import Counts, Writer

# A transaction takes so many rows, or what has come in so many seconds: larger ones touch each counter and each
# page of an index less often, smaller ones show progress and keep the lease when the API is slow.
ROWS_A_BATCH = 10_000
SECONDS_A_BATCH = 0.25
# The first takes fewer, so that the database has something to do early.
ROWS_A_FIRST_BATCH = 2_500
_REJECTED_SHARE = 0.5
_IDLE_PAGES = 2
_OTHERS_LOOKED_AT = 0.1  # seconds between two looks at whether the other workers are done
_Taken = tuple[Page, Received]


def sweep(
    source: Source,
    api: Api,
    run: SyncRun,
    lease: HeldLease,
    *,
    accept_missing: bool = False,
    split: Split | None = None,
    progress: Callable[[SyncRun], None] = lambda run: None,
) -> str:
    """Mirror the whole list. Returns why the run is only partial, or an empty text.

    Other workers are asked to help if ``split`` suits the list. Counts on ``run`` are kept up to date, so that what
    was written before a failure is told too.

    Raises:
        APIError: the list could not be read to its end; what was read until then is written.
        LeaseLost: another pass has taken over.
    """
    newest = Migration.objects.filter(source=source).aggregate(number=Max("pk"))["number"] or 0
    reader = _Reader(source, api, run, lease)
    reader.writer.filling = not newest and source.baseline_at is None
    try:
        with Load(source, lease) as load:
            first = reader.read_with_others(split, load, progress) if split and split.suits(source, api) else 1
            reader.read(load, progress, first=first)
        missing, counts = gone.resolve(reader.writer, api, upto=newest, accept=accept_missing)
        reader.total += counts
        run.missing, run.recovered, run.disappeared = missing.found, missing.recovered, missing.disappeared
    finally:
        reader.tell()
        run.list_order = reader.order.order
        _note_drift(source, run, reader.writer, api)
    if not missing.believable:
        return _unbelievable(run)
    if run.rejected > (run.seen + run.rejected) * _REJECTED_SHARE:
        return f"{run.rejected} rows could not be read: see the quarantine for the reasons"
    return ""


class _Reader:
    """Reads the list from its beginning to its end and writes it, batch by batch."""

    def __init__(self, source: Source, api: Api, run: SyncRun, lease: HeldLease) -> None:
        self.source, self.api, self.run, self.lease = source, api, run, lease
        self.writer = Writer(source, StatusChange.Via.SWEEP, run, lease)
        self.order = OrderObserver()
        self.total = Counts()
        self._looked = False
        self._others_asked = (0, 0, 0.0)  # requests, retries, seconds waited
        self._idle: list[int] = []  # the last pages, as far as they brought nothing new

    def read(self, load: Load, progress: Callable[[SyncRun], None], *, first: int = 1) -> None:
        for batch in _batches(self.api.map_pages(self._receive, first=first)):
            with load.writing(sum(len(page.rows) for page, _ in batch)):
                self._write(batch)
            self.tell()
            progress(self.run)
            self.lease.renew_if_due()
            if len(self._idle) >= _IDLE_PAGES:
                self.run.notes.append(f"the list ended at page {self._idle[0]}, which brought nothing new")
                break

    def read_with_others(self, split: Split, load: Load, progress: Callable[[SyncRun], None]) -> int:
        """Have other workers read parts too, until one has met the list's end; the page where that was."""
        parts = split.begin(self.run, self.lease, self.api, filling=self.writer.filling)
        reader = PartReader(parts, self.api, look=self._look, writing=load.writing)

        def done() -> None:
            for part in parts.newly_done():
                self._gather(part, mine=part.owner == parts.owner)
            for _ in range(parts.newly_lost()):
                split.call(self.run)
            self.tell()
            progress(self.run)
            self.lease.renew_if_due()

        try:
            while True:
                reader.read(done=done)
                done()
                if not parts.under_way():
                    return parts.list_end() or 1
                time.sleep(_OTHERS_LOOKED_AT)
        finally:
            parts.close()

    def _receive(self, page: Page) -> _Taken:
        return page, self.writer.receive(page.rows, page.received_at, page.number)

    def _write(self, batch: list[_Taken]) -> None:
        counts, novel = self.writer.write(received for _, received in batch)
        self.total += counts
        self.run.pages += len(batch)
        for page, _ in batch:
            self._look(page)
            self._idle = [] if page.number in novel else [*self._idle, page.number]

    def _look(self, page: Page) -> None:
        """Learn from a page what the list is like."""
        self.order.look(page.rows)
        _note_shape(self.source, page, self.writer)
        self.source.page_rows = max(self.source.page_rows if self._looked else 0, len(page.rows))
        self._looked = True

    def _gather(self, part: SweepPart, *, mine: bool) -> None:
        found = gather(part, self.writer.seen, self.writer.drifts)
        self.total += Counts(**{name: found[name] for name in ("created", "changed", "returned", "rejected")})
        self.run.pages += found["pages"]
        if not mine:
            requests, retries, waited = (a + b for a, b in zip(self._others_asked, found["asked"], strict=True))
            self._others_asked = (requests, retries, waited)

    def tell(self) -> None:
        """Bring the run's counts up to date."""
        run, seen, stats = self.run, self.writer.seen, self.api.stats
        run.seen, run.seen_twice = seen.count, seen.twice
        run.created, run.changed = self.total.created, self.total.changed
        run.unchanged = run.seen - run.created - run.changed
        run.returned, run.rejected = self.total.returned, self.total.rejected
        requests, retries, waited = self._others_asked
        run.requests, run.retries = stats.requests + requests, stats.retries + retries
        run.waited = stats.waited + waited


def _batches(pages: Iterator[_Taken]) -> Iterator[list[_Taken]]:
    """Pages in bunches that are worth a transaction, the last of them whatever is left even if reading fails."""
    batch: list[_Taken] = []
    rows, most, since = 0, min(ROWS_A_FIRST_BATCH, ROWS_A_BATCH), time.monotonic()
    try:
        for taken in pages:
            batch.append(taken)
            rows += len(taken[0].rows)
            if rows >= most or time.monotonic() - since >= SECONDS_A_BATCH:
                yield batch
                batch, rows, most, since = [], 0, ROWS_A_BATCH, time.monotonic()
    except Exception:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


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
