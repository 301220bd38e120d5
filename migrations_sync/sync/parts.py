"""The parts of a sweep that several workers read, as rows that decide who reads which pages.

Parts are dealt out in the list's order until one of them has met its end, so nobody need know its length. Whose
claim is not renewed has died, or is as good as dead: anybody claims that part again. What a part brought counts
in the transaction that writes its rows, and only for its owner, so it counts once.
"""

import os
import secrets
import socket
from collections.abc import Iterator
from datetime import timedelta

from django.db import transaction
from django.db.models import Max, Min, Q
from django.db.models.functions import Now

from migrations_sync.exceptions import LeaseLost
from migrations_sync.models import Lease, SweepPart, SyncRun
from migrations_sync.sync.lease import HeldLease

CLAIM = timedelta(seconds=60)
RENEW_AFTER = CLAIM / 4


class PartTaken(Exception):
    """Another worker has claimed the part since."""


class Parts:
    """The parts of one run, as one worker sees them."""

    def __init__(self, run: SyncRun, lease: HeldLease) -> None:
        self.run, self.lease = run, lease
        self.owner = f"{socket.gethostname()[:64]}:{os.getpid()}:{secrets.token_hex(8)}"
        self.pages: int = run.plan["split"]["pages"]
        self._lost = 0
        self._all = SweepPart.objects.filter(run=run)
        self._mine = self._all.filter(owner=self.owner, done=False)
        self._told: set[int] = set()

    @transaction.atomic
    def claim(self) -> SweepPart | None:
        """A part to read: one that was given up, else the next one; ``None`` where the list has been dealt out.

        Raises:
            LeaseLost: the run is over.
        """
        run = SyncRun.objects.select_for_update(no_key=True).get(pk=self.run.pk)  # one at a time
        held = Lease.objects.filter(source=run.source_id, owner=self.lease.owner).exists()
        if "split" not in run.plan or not held:
            raise LeaseLost("the sweep that this worker read a part of is over")
        given_up = self._all.filter(Q(owner="") | Q(renewed_at__lt=Now() - CLAIM), done=False)
        part = given_up.select_for_update(skip_locked=True).order_by("first").first()
        if part:
            self._lost += part.owner != ""
            self._all.filter(pk=part.pk).update(owner=self.owner, renewed_at=Now())
            return part
        if self.list_end() is not None:
            return None
        first = (self._all.aggregate(last=Max("last"))["last"] or 0) + 1
        return SweepPart.objects.create(
            run=self.run, first=first, last=first + self.pages - 1, owner=self.owner, renewed_at=Now()
        )

    def newly_lost(self) -> int:
        """How many workers have lost a part to this one since it last asked."""
        lost, self._lost = self._lost, 0
        return lost

    def renew(self) -> None:
        """Keep what this worker has claimed."""
        self._mine.update(renewed_at=Now())

    def give_back(self) -> None:
        """Let others have what this worker has claimed and not done."""
        self._mine.update(owner="")

    def finish(self, part: SweepPart) -> None:
        """Store what came of it. Call it in the transaction that writes its rows.

        Raises:
            PartTaken: it is another worker's by now.
            LeaseLost: the run is over.
        """
        self.lease.renew()
        stored = self._mine.filter(pk=part.pk).update(
            done=True, list_end=part.list_end, seen=part.seen, found=part.found
        )
        if not stored:
            raise PartTaken(str(part))

    def list_end(self) -> int | None:
        """The first page that brought nothing, as far as is known."""
        end: int | None = self._all.aggregate(end=Min("list_end"))["end"]
        return end

    def under_way(self) -> bool:
        return self._all.filter(done=False).exists()

    def newly_done(self) -> Iterator[SweepPart]:
        """Those that are done, each once."""
        for part in self._all.filter(done=True).exclude(pk__in=self._told).order_by("first"):
            self._told.add(part.pk)
            yield part

    def close(self) -> None:
        """Deal out no more, whatever is under way, and write down who has read how much."""
        del self.run.plan["split"]
        done = self._all.filter(done=True)
        others = done.exclude(owner=self.owner).count()
        self.run.plan["reasons"].append(f"{others} of {done.count()} parts were read by other workers")
        self.run.save(update_fields=["plan"])
        self._all.delete()
