"""One pass from the lease to the last clock: whoever starts one, by beat, command or button, comes through here."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.utils import timezone
from structlog.contextvars import bind_contextvars, unbind_contextvars

from migrations_sync.exceptions import InvalidPage, LeaseLost, RateLimitError, SyncError
from migrations_sync.models import Lease, Source, SyncRun
from migrations_sync.sync import blind
from migrations_sync.sync.api import Api
from migrations_sync.sync.lease import HeldLease, take_away
from migrations_sync.sync.quick import Plan, plan, quick
from migrations_sync.sync.split import Split
from migrations_sync.sync.sweep import sweep

log = logging.getLogger(__name__)
Mode = Literal["auto", "full", "quick"]
_TOLD_EVERY = timedelta(seconds=2)
_PASSES_BETWEEN_TRIES = 10  # of a sweep that failed


@dataclass(frozen=True, slots=True)
class Intervals:
    """Seconds between quick syncs and between full sweeps."""

    quick: int
    full: int


@dataclass(frozen=True, slots=True)
class Report:
    """What came of wanting a pass. ``run`` is the one that ran, or that holds the lease instead."""

    run: SyncRun | None
    mode: str
    outcome: str
    error: str

    def as_json(self) -> dict[str, Any]:
        """The summary that ``sync_migrations --json`` prints."""
        ran = self.run if self.run and self.outcome != "skipped" else SyncRun()
        seconds = (ran.finished_at - ran.started_at).total_seconds() if ran.finished_at else 0.0
        counts = ("requests", "pages", "seen", "created", "changed", "unchanged", "disappeared", "rejected")
        return {
            "run": self.run.pk if self.run else None,
            "mode": self.mode,
            "outcome": self.outcome,
            **{name: getattr(ran, name) for name in counts},
            "seconds": round(seconds, 3),
            "error": self.error or None,
        }


def run_pass(
    open_api: Callable[[], AbstractContextManager[Api]],
    *,
    mode: Mode,
    intervals: Intervals,
    trigger: str,
    accept_missing: bool = False,
    split: Split | None = None,
    progress: Callable[[SyncRun], None] = lambda run: None,
) -> Report:
    """Run one pass, unless another one holds the lease or the API has asked for silence.

    ``auto`` sweeps when the last complete sweep is older than ``intervals.full``, else syncs quickly.
    ``split``: how other workers are asked to help with a long sweep.
    An error of the API ends the run and is reported, never raised; what was written until then stays.
    """
    source = Source.default()
    wanted = "full" if mode == "full" else "quick"
    now = timezone.now()
    if source.hold_until and now < source.hold_until < now + timedelta(days=1):
        return Report(
            None, wanted, "skipped", f"the API asked for silence until {source.hold_until:%Y-%m-%d %H:%M:%S} UTC"
        )
    lease = HeldLease.acquire(source)
    if lease is None:
        holder = Lease.objects.select_related("run").get(source=source).run
        return Report(holder, wanted, "skipped", "another sync holds the lease")
    try:
        return _run_with(lease, open_api, mode, intervals, trigger, accept_missing, split, progress)
    finally:
        unbind_contextvars("run")
        with suppress(DatabaseError):  # then it lapses by itself
            lease.release()


def _run_with(
    lease: HeldLease,
    open_api: Callable[[], AbstractContextManager[Api]],
    mode: Mode,
    intervals: Intervals,
    trigger: str,
    accept_missing: bool,
    split: Split | None,
    progress: Callable[[SyncRun], None],
) -> Report:
    source = lease.source
    source.refresh_from_db()
    now = timezone.now()
    _close_dead_runs(source, now=now)
    blind.note_silence(source, now=now, interval=intervals.quick)
    why, made = _decide(source, mode, now=now, intervals=intervals)
    run_mode = SyncRun.Mode.QUICK if made else SyncRun.Mode.FULL
    run = SyncRun.objects.create(
        source=source, mode=run_mode, trigger=trigger, started_at=now, progress_at=now, plan=why
    )
    Source.objects.filter(pk=source.pk).update(attempted_at=now)
    source.attempted_at = now
    lease.name_run(run)
    bind_contextvars(run=run.pk)  # on every line that is logged until the pass ends, by whomever
    log.info("sync started", extra={"mode": run_mode, "trigger": trigger})
    told = _Progress(run, progress)
    try:
        with open_api() as api:
            if made:
                why_partial = _quick(source, api, run, lease, made, told)
            else:
                why_partial = sweep(
                    source, api, run, lease, accept_missing=accept_missing, split=split, progress=told
                )
        run.outcome = SyncRun.Outcome.PARTIAL if why_partial else SyncRun.Outcome.COMPLETE
        run.error = why_partial
        _finish(source, run)
    except LeaseLost as error:
        # The pass that took over has closed this run already; all that it had written stays.
        log.warning("sync interrupted", extra={"error": str(error)})
        run.outcome, run.error = SyncRun.Outcome.INTERRUPTED, str(error)
    except SyncError as error:
        _fail(source, run, error)
    except DatabaseError as error:
        # If the database is away altogether, the next pass closes this run as interrupted.
        log.exception("sync failed")
        run.outcome, run.error = SyncRun.Outcome.FAILED, _one_line(error)
        with suppress(DatabaseError):
            connection.close_if_unusable_or_obsolete()
            _fail(source, run, error)
    except Exception as error:
        log.exception("sync failed")
        _fail(source, run, error)
        raise
    return _report(run)


def _decide(source: Source, mode: Mode, *, now: datetime, intervals: Intervals) -> tuple[dict[str, Any], Plan | None]:
    """The reasons for what to do, and the plan of a quick sync; without one, the pass is a full sweep."""
    if mode == "full":
        return {"reasons": ["a full sweep was asked for"]}, None
    if source.swept_at is None:
        return {"reasons": ["no sweep has been complete yet"]}, None
    age = (now - source.swept_at).total_seconds()
    if mode == "auto" and not 0 <= age < intervals.full and not _failed_lately(source, now=now, intervals=intervals):
        return {"reasons": [f"the last complete sweep began {age:.0f} seconds ago"]}, None
    made = plan(source, now=now, interval=intervals.quick, since=source.succeeded_at)
    told = made.told()
    if made.as_dear_as_a_sweep:
        told["reasons"].append("asking one by one would cost as much as a full sweep, so this is one")
        return told, None
    return told, made


def _failed_lately(source: Source, *, now: datetime, intervals: Intervals) -> bool:
    """Whether a sweep has just failed: then quick syncs keep the mirror fresh until the next try."""
    last = SyncRun.objects.filter(source=source, mode=SyncRun.Mode.FULL).order_by("-pk").first()
    if last is None or last.outcome not in (SyncRun.Outcome.FAILED, SyncRun.Outcome.PARTIAL):
        return False
    wait = min(intervals.full, intervals.quick * _PASSES_BETWEEN_TRIES)
    return 0 <= (now - last.started_at).total_seconds() < wait


def _quick(source: Source, api: Api, run: SyncRun, lease: HeldLease, made: Plan, told: "_Progress") -> str:
    why = quick(source, api, run, lease, made, progress=told)
    if made.turns == 1 and not why:
        source.open_checked_at = run.started_at
    return why


@transaction.atomic
def stop(source: Source, *, who: str) -> bool:
    """End the pass that is at work now, on the word of ``who``; what it has written stays. Whether there was one."""
    at_work = SyncRun.objects.filter(source=source, outcome=SyncRun.Outcome.RUNNING)
    ended = at_work.update(
        outcome=SyncRun.Outcome.INTERRUPTED,
        finished_at=timezone.now(),
        error=f"stopped by {who}; what it had written stays",
    )
    held = take_away(source)
    source.touch()
    return held or bool(ended)


def _close_dead_runs(source: Source, *, now: datetime) -> None:
    """Whoever holds the lease knows that any other run still marked as running has died."""
    dead = SyncRun.objects.filter(source=source, outcome=SyncRun.Outcome.RUNNING)
    for run in dead:
        log.warning("closing a run whose process died", extra={"run": run.pk})
    dead.update(
        outcome=SyncRun.Outcome.INTERRUPTED,
        finished_at=now,
        error="its process ended before the run did; what it had written stays",
    )


@transaction.atomic
def _finish(source: Source, run: SyncRun) -> None:
    """Write down a run that came to its end, and set the clocks that it may set."""
    run.finished_at = timezone.now()
    run.save()
    if (run.list_order and run.mode == SyncRun.Mode.FULL) or not source.list_order:
        source.list_order = run.list_order or source.list_order
    if run.mode == SyncRun.Mode.QUICK and run.list_order not in ("", source.list_order):
        source.list_order = Source.Order.NONE  # what the plan relied on no longer holds
    fields = ["list_order", "list_shape", "page_rows", "open_checked_at"]
    if run.outcome == SyncRun.Outcome.COMPLETE:
        source.succeeded_at, source.failures, source.last_error, source.hold_until = run.started_at, 0, "", None
        fields += ["succeeded_at", "failures", "last_error", "hold_until"]
        if run.mode == SyncRun.Mode.FULL:
            source.swept_at = source.open_checked_at = run.started_at
            source.baseline_at = source.baseline_at or run.finished_at
            fields += ["swept_at", "baseline_at"]
        blind.end(source, at=run.started_at)
    else:
        source.last_error = run.error[:500]
        fields.append("last_error")
    if run.mode == SyncRun.Mode.FULL:
        source.doubt = run.error[:500]  # nothing, where the sweep is complete
        fields.append("doubt")
    source.save(update_fields=fields)
    source.touch()
    log.info("sync finished", extra={"outcome": run.outcome, "changed": run.changed})


@transaction.atomic
def _fail(source: Source, run: SyncRun, error: Exception) -> None:
    """Write down a run that could not go on. The mirror's rows stay as they are."""
    run.outcome = SyncRun.Outcome.FAILED
    run.finished_at = timezone.now()
    run.error = (str(error) if isinstance(error, SyncError) else f"{type(error).__name__}: {error}").split("\n")[0][
        :500
    ]
    run.excerpt = error.excerpt if isinstance(error, InvalidPage) else ""
    run.save()
    clocks: dict[str, Any] = {"failures": F("failures") + 1, "last_error": run.error}
    if isinstance(error, RateLimitError) and error.retry_after:
        clocks["hold_until"] = run.finished_at + timedelta(seconds=min(error.retry_after, 86_000))
    Source.objects.filter(pk=source.pk).update(**clocks)
    blind.begin(source, blind.cause_of(error), run.error, now=run.started_at, run=run)
    source.touch()
    log.warning("sync failed", extra={"error": run.error})


def _one_line(error: Exception) -> str:
    text = str(error) if isinstance(error, SyncError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:500]


def _report(run: SyncRun) -> Report:
    # Outside, an interrupted run is a failed one: it did not do what it was started for.
    outcome = "failed" if run.outcome == SyncRun.Outcome.INTERRUPTED else str(run.outcome)
    return Report(run, str(run.mode), outcome, run.error)


class _Progress:
    """Saves the run's counts every now and then, so that pages can show how far it is."""

    def __init__(self, run: SyncRun, also: Callable[[SyncRun], None]) -> None:
        self._run, self._also = run, also

    def __call__(self, run: SyncRun) -> None:
        self._also(run)
        now = timezone.now()
        if run.progress_at is None or not timedelta(0) <= now - run.progress_at < _TOLD_EVERY:
            run.progress_at = now
            run.save()
            run.source.touch()
