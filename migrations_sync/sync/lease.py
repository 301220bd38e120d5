"""One pass at a time per source. The lease is a row; nothing but its text and times decides who holds it."""

import os
import secrets
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from migrations_sync.exceptions import LeaseLost
from migrations_sync.models import Lease, Source, SyncRun

DURATION = timedelta(seconds=60)
RENEW_AFTER = DURATION / 4


@dataclass(slots=True)
class HeldLease:
    """The right to run a pass, as long as it is renewed."""

    source: Source
    owner: str
    renewed_at: datetime

    @classmethod
    def acquire(cls, source: Source) -> Self | None:
        """Take the lease if it is free, has lapsed, or can't be right; ``None`` if another pass holds it.

        One conditional update decides, so it is safe on databases that lock no rows. A lease that expires
        later than any lease may was made before the clock was set back: its holder, if alive, will notice.
        """
        now = timezone.now()
        owner = f"{socket.gethostname()[:64]}:{os.getpid()}:{secrets.token_hex(8)}"
        Lease.objects.get_or_create(source=source)
        free = Q(owner="") | Q(expires_at__lt=now) | Q(expires_at__gt=now + DURATION * 2)
        taken = Lease.objects.filter(free, source=source).update(
            owner=owner, run=None, renewed_at=now, expires_at=now + DURATION
        )
        if taken:
            return cls(source, owner, now)
        Lease.objects.filter(source=source).update(conflicts=F("conflicts") + 1)
        return None

    def name_run(self, run: SyncRun) -> None:
        """Show which run holds the lease."""
        self._row().update(run=run)

    def renew_if_due(self) -> None:
        """Push the expiry out, at most every quarter of its length.

        Raises:
            LeaseLost: another pass has taken over.
        """
        if abs(timezone.now() - self.renewed_at) >= RENEW_AFTER:
            self.renew()

    def renew(self) -> None:
        """Push the expiry out. Inside a transaction it also keeps any other pass out until the commit.

        Raises:
            LeaseLost: another pass has taken over.
        """
        now = timezone.now()
        if not self._row().update(renewed_at=now, expires_at=now + DURATION):
            raise LeaseLost("another sync took over this one's lease")
        self.renewed_at = now

    def release(self) -> None:
        """Free it, unless another pass has it already."""
        self._row().update(owner="", run=None, expires_at=None)

    def _row(self) -> QuerySet[Lease]:
        return Lease.objects.filter(source=self.source, owner=self.owner)


class BorrowedLease(HeldLease):
    """Another process's lease: its helpers may write as long as it is held, and can't prolong it."""

    @classmethod
    def of(cls, run: SyncRun) -> Self | None:
        """The lease under which the run is at work, if it is."""
        lease = Lease.objects.filter(run=run).exclude(owner="").first()
        return cls(run.source, lease.owner, timezone.now()) if lease else None

    def renew(self) -> None:
        """Make sure it is held still. Inside a transaction it also keeps any other pass out until the commit.

        Raises:
            LeaseLost: the pass has ended, or another one has taken over.
        """
        if not self._row().update(owner=self.owner):
            raise LeaseLost("the sweep that this worker helped is over")


def take_away(source: Source) -> bool:
    """Free the lease whoever holds it; the pass that did ends at its next renewal. Whether anybody held it."""
    held = Lease.objects.filter(source=source).exclude(owner="")
    return bool(held.update(owner="", run=None, expires_at=None))
