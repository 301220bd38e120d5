"""A sweep that several workers read: who asks whom, and one worker's share of it.

Each claims parts of the list, reads them without a pause in between, and writes each in one transaction.
"""

import logging
import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import Sum

from migrations_sync.exceptions import APIError, LeaseLost
from migrations_sync.models import Source, StatusChange, StatusCount, SweepPart, SyncRun
from migrations_sync.sync.api import Api, Page
from migrations_sync.sync.drift import Drifts
from migrations_sync.sync.lease import BorrowedLease, HeldLease
from migrations_sync.sync.parts import RENEW_AFTER, Parts, PartTaken
from migrations_sync.sync.received import Received
from migrations_sync.sync.seen import Seen
from migrations_sync.sync.write import Writer

log = logging.getLogger(__name__)
# Few enough that a worker that dies loses little and all end at about the same time, and worth a transaction.
ROWS_A_PART = 5_000


@dataclass(frozen=True, slots=True)
class Split:
    """``least``: rows of a list that is worth it. ``workers``: how many read at once, with the one that began.

    ``call``: asks another worker to ``help_with`` a run, if one has time.
    """

    least: int
    workers: int
    call: Callable[[SyncRun], None]

    def suits(self, source: Source, api: Api) -> bool:
        """Whether the list is long enough, and such that it can be read from any page on."""
        return self._is_long(source, api) and api.ends_plainly()

    def _is_long(self, source: Source, api: Api) -> bool:
        if source.baseline_at is not None:
            held = StatusCount.objects.filter(source=source, gone=False).aggregate(n=Sum("n"))["n"]
            return (held or 0) >= self.least
        try:  # nobody has counted it yet, but a list as long as that has such a page
            return not self.least or bool(api.get_page(math.ceil(self.least / api.page_size)).rows)
        except APIError:
            return False

    def begin(self, run: SyncRun, lease: HeldLease, api: Api, *, filling: bool) -> Parts:
        """Make the run one that others can help with, and call them."""
        SweepPart.objects.filter(run__source=run.source).delete()  # of runs whose process died
        pages = max(ROWS_A_PART // api.page_size, 1)
        run.plan["split"] = {"pages": pages, "filling": filling}
        run.plan.setdefault("reasons", []).append(
            f"the list is long, so up to {self.workers} workers read it, in parts of {pages} pages"
        )
        run.save(update_fields=["plan"])
        for _ in range(self.workers - 1):
            self.call(run)
        return Parts(run, lease)


def help_with(run: SyncRun, api: Api, *, seconds: float) -> bool:
    """Read parts of another worker's sweep for about so long. Whether there may be more to do.

    What can't be read is given back: whoever began the sweep meets the same trouble, and says so.
    """
    lease = BorrowedLease.of(run)
    if lease is None or "split" not in run.plan:
        return False
    parts = Parts(run, lease)
    try:
        Reader(parts, api).read(until=time.monotonic() + seconds)
    except (APIError, LeaseLost) as error:
        log.warning("a part of a sweep is given back", extra={"run": run.pk, "error": str(error)})
        return False
    finally:
        with suppress(DatabaseError):  # then the claims lapse by themselves
            parts.give_back()
    return parts.list_end() is None


class Reader:
    """Reads and writes parts. ``look`` is shown each page that it has read, ``writing`` goes around each write."""

    def __init__(
        self,
        parts: Parts,
        api: Api,
        *,
        look: Callable[[Page], None] = lambda page: None,
        writing: Callable[[int], AbstractContextManager[None]] = lambda rows: nullcontext(),
    ) -> None:
        self.parts, self.api, self.look, self.writing = parts, api, look, writing
        run = parts.run
        self.writer = Writer(run.source, StatusChange.Via.SWEEP, run, parts.lease)
        self.writer.filling = run.plan["split"]["filling"]
        self._asked = (0, 0, 0.0)
        self._renewed = time.monotonic()

    def read(self, *, until: float = math.inf, done: Callable[[], None] = lambda: None) -> None:
        """Read until no part is left to claim, or it is ``until`` by the monotonic clock; ``done`` after each.

        Raises:
            APIError: a page can't be read.
            LeaseLost: the run is over.
        """
        claimed: deque[SweepPart] = deque()
        numbers: list[int] = []
        taken: list[tuple[Page, Received]] = []

        def claim() -> bool:
            part = self.parts.claim() if time.monotonic() < until else None
            if part:
                claimed.append(part)
                numbers.extend(range(part.first, part.last + 1))
            return part is not None

        if not (more := claim()):
            return
        for place, (number, page) in enumerate(self.api.map_numbered(numbers, self._receive), 1):
            if page:
                taken.append(page)
            elif claimed[0].list_end is None:
                claimed[0].list_end = number
            # Early enough that requests go on while this worker writes, and while it waits for another that does.
            if more and len(numbers) - place <= self.parts.pages * 3 // 2:
                more = claim()
            if number == claimed[0].last:
                self._write(claimed.popleft(), taken)
                taken = []
                done()
            self._renew_if_due()

    def _receive(self, page: Page) -> tuple[Page, Received]:
        return page, self.writer.receive(page.rows, page.received_at, page.number)

    def _write(self, part: SweepPart, taken: list[tuple[Page, Received]]) -> None:
        writer = self.writer
        writer.seen, writer.drifts = Seen(), Drifts()
        asked = self._stats()
        with self.writing(sum(len(page.rows) for page, _ in taken)):
            try:
                with transaction.atomic():
                    counts, _ = writer.write(received for _, received in taken)
                    part.seen = writer.seen.pack()
                    part.found = {
                        "pages": len(taken), "twice": writer.seen.twice, "created": counts.created,
                        "changed": counts.changed, "returned": counts.returned, "rejected": counts.rejected,
                        "asked": [now - before for now, before in zip(asked, self._asked, strict=True)],
                        "drifts": [[*key, example] for key, example in writer.drifts.met.items()],
                    }  # fmt: skip
                    self.parts.finish(part)
            except PartTaken:
                log.warning("another worker has taken over", extra={"part": str(part)})
                return
        self._asked = asked
        for page, _ in taken:
            self.look(page)

    def _stats(self) -> tuple[int, int, float]:
        stats = self.api.stats
        return stats.requests, stats.retries, stats.waited

    def _renew_if_due(self) -> None:
        if time.monotonic() - self._renewed >= RENEW_AFTER.total_seconds():
            self.parts.renew()
            self._renewed = time.monotonic()


def gather(part: SweepPart, seen: Seen, drifts: Drifts) -> Mapping[str, Any]:
    """Take in whom a part met and what was odd; its counts."""
    if part.seen:
        seen.unpack(part.seen)
    seen.twice += part.found["twice"]
    for kind, name, example in part.found["drifts"]:
        drifts.met.setdefault((kind, name), example)
    found: Mapping[str, Any] = part.found
    return found
