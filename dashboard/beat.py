"""Celery's beat, except that a file which a power cut has damaged does not keep it from starting."""

import logging
from contextlib import suppress

from celery.beat import PersistentScheduler

log = logging.getLogger(__name__)


class Scheduler(PersistentScheduler):
    """Begins anew where the file of the last times can't be read: at worst something is sent once too often."""

    def setup_schedule(self) -> None:
        try:
            super().setup_schedule()
        except Exception:  # a damaged pickle may raise anything
            log.exception("beat's file of the last times can't be read: it is made anew")
            with suppress(Exception):  # or the old one would write its index over the new one's
                self._store.close()  # type: ignore[attr-defined]  # the stubs know nothing private
            self._remove_db()  # type: ignore[attr-defined]
            super().setup_schedule()
