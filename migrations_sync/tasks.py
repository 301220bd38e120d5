"""What the worker does. Each task may come twice, late, or not at all: the next one makes up for it."""

import logging

from celery import Celery
from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError

from migrations_sync import retention
from migrations_sync.conf import client_from_settings, intervals_from_settings, split_from_settings
from migrations_sync.models import Source, StatusChange, SyncRun
from migrations_sync.sync import counts, one, passes
from migrations_sync.sync.one import LookUp
from migrations_sync.sync.split import help_with

log = logging.getLogger(__name__)
app: Celery = import_string(settings.TASKS_APP)
HELP_FOR = 30.0  # seconds at a stretch


@app.task
def sync(mode: passes.Mode = "auto", trigger: str = "beat") -> None:
    """One pass over the API: quick or full, as the mirror's clocks say."""
    passes.run_pass(
        client_from_settings,
        mode=mode,
        intervals=intervals_from_settings(),
        trigger=trigger,
        split=split_from_settings(call_for_help),
    )
    if one.waiting(Source.default()):
        fetch_requested.delay()


@app.task
def help_sweep(run: int) -> None:
    """Read parts of a sweep that is at work. Every now and then it lines up again, behind whatever else waits."""
    with client_from_settings() as client:
        at_work = SyncRun.objects.select_related("source").filter(pk=run).first()
        if at_work and help_with(at_work, client, seconds=HELP_FOR):
            help_sweep.delay(run)


def call_for_help(run: SyncRun) -> None:
    """Ask a worker that has time to help with this sweep; without a broker it goes on alone."""
    try:
        help_sweep.delay(run.pk)
    except OperationalError as error:
        log.warning("no other worker was asked to help", extra={"error": str(error)})


@app.task
def fetch_requested() -> None:
    """Ask for every migration that a webhook has named."""
    with client_from_settings() as client:
        one.drain(client)


@app.task
def prune() -> None:
    """Forget old runs, deliveries and payload versions, as the settings say."""
    kept = {"runs": settings.RETENTION_RUNS, "deliveries": settings.RETENTION_DELIVERIES}
    for what, deleted in retention.prune(now=timezone.now(), versions=settings.RETENTION_VERSIONS, **kept):
        log.info("pruned", extra={"what": what, "deleted": deleted})


@app.task
def recount() -> None:
    """Prove the kept counters equal to a count; a difference is repaired, logged and tallied."""
    wrong = counts.recount(Source.default())
    if any(wrong.values()):
        log.error("counters were wrong and are repaired", extra=wrong)
        counts.tally("counter_repaired", by=sum(wrong.values()))


def look_up(api_id: str, via: str) -> LookUp:
    """Ask for one migration now, in this process, for somebody who is waiting: once, trying again is theirs.

    Raises:
        APIError: the API could not be asked.
    """
    with client_from_settings(max_retries=0) as client:
        return one.look_up(client, api_id, via=StatusChange.Via(via))


def stop(who: str) -> bool:
    """End the pass that is at work now, wherever it runs, on the word of ``who``. Whether there was one."""
    return passes.stop(Source.default(), who=who)
