"""Sync runs made ready for the pages: outcome, cost and coverage in words."""

from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo
from typing import Any

from django.utils.safestring import SafeString

from dashboard import charts, hrefs, wording
from dashboard.charts import Bar
from dashboard.parts import Tone
from migrations_sync.models import SyncRun

Outcome = SyncRun.Outcome
OUTCOMES: dict[str, tuple[Tone, str]] = {
    Outcome.COMPLETE: ("good", "check"),
    Outcome.PARTIAL: ("late", "alert"),
    Outcome.FAILED: ("bad", "cross"),
    Outcome.INTERRUPTED: ("bad", "alert"),
    Outcome.RUNNING: ("info", "sync"),
}
TRIGGERS = {"beat": "on schedule", "command": "by a command", "person": "by a person"}
BARS = 60
Line = dict[str, Any]
NUMBERS = (
    "pages", "requests", "retries", "seen", "seen_twice", "created", "changed", "unchanged", "missing", "recovered",
    "disappeared", "returned", "rejected",
)  # fmt: skip


def line(run: SyncRun, *, now: datetime, zone: tzinfo) -> Line:
    """One run, as every page shows it. ``now`` ends a run that is still at work."""
    tone, icon = OUTCOMES.get(run.outcome, ("info", "sync"))
    return {
        "id": run.pk,
        "href": hrefs.run(run.pk),
        "mode": run.get_mode_display(),
        "trigger": TRIGGERS.get(run.trigger, run.trigger),
        "outcome": run.get_outcome_display(),
        "running": run.outcome == Outcome.RUNNING,
        "tone": tone,
        "icon": icon,
        "started": wording.second(run.started_at, zone),
        "iso": wording.iso(run.started_at),
        "ago": wording.ago(run.started_at, now=now, zone=zone),
        "took": took(run, now=now),
        "error": run.error,
        **{name: wording.number(getattr(run, name)) for name in NUMBERS},
    }


def length(run: SyncRun, *, now: datetime) -> timedelta:
    return (run.finished_at or now) - run.started_at


def took(run: SyncRun, *, now: datetime) -> str:
    """``0.4 s`` where whole seconds say nothing."""
    span = length(run, now=now)
    if timedelta(0) <= span < timedelta(seconds=10):
        return f"{span.total_seconds():.1f} s"
    return wording.span(span)


def strip(newest_first: Iterable[SyncRun], *, now: datetime) -> SafeString:
    """The last runs as bars, the newest at the right: height is duration, colour is outcome."""
    runs = list(newest_first)[:BARS][::-1]
    longest = max((length(run, now=now) for run in runs), default=timedelta(0)) or timedelta(seconds=1)
    bars = [
        Bar(
            share=length(run, now=now) / longest,
            tone=OUTCOMES.get(run.outcome, ("info", ""))[0],
            href=hrefs.run(run.pk),
            title=f"{run.get_mode_display()} {run.pk}: {run.get_outcome_display()}, {took(run, now=now)}",
        )
        for run in runs
    ]
    return charts.draw(charts.strip(bars, places=BARS), "strip", by="tone")


def facts(run: SyncRun, *, zone: tzinfo) -> list[tuple[str, str]]:
    """What a run cost and how it went, in words."""
    waited = f"{run.waited:.0f} s, because the API asked for it" if run.waited >= 1 else "not at all"
    ended = wording.second(run.finished_at, zone) if run.finished_at else "not yet"
    told = [
        ("Began", wording.second(run.started_at, zone)),
        ("Ended", ended),
        ("Started", TRIGGERS.get(run.trigger, run.trigger)),
        ("Requests", f"{wording.number(run.requests)}, {wording.number(run.retries)} of them again"),
        ("Held back", waited),
        ("Pages", wording.number(run.pages)),
    ]
    if run.list_order:
        told.append(("Order of the list", run.get_list_order_display()))
    return told


def coverage(run: SyncRun) -> list[tuple[str, str, str]]:
    """What became of the rows: name, how many, and what that means."""
    told = (
        ("Seen", run.seen, "different migrations"),
        ("Seen twice", run.seen_twice, "rows that moved while the list was read; harmless"),
        ("New", run.created, ""),
        ("Changed", run.changed, ""),
        ("Unchanged", run.unchanged, ""),
        ("Back again", run.returned, "were gone and are served again"),
        ("Missing", run.missing, "in the mirror, but not in the list"),
        ("Recovered", run.recovered, "of these, still there when asked for by id"),
        ("Gone", run.disappeared, "of these, refused by id"),
        ("Can't be read", run.rejected, "kept in quarantine"),
    )
    return [(name, wording.number(n), what) for name, n, what in told]
