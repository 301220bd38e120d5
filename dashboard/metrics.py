"""The mirror in Prometheus text, read from the database when asked: every process gives the same answer."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, get_args

from django.conf import settings
from django.db.models import Count, Min, Sum
from prometheus_client import CONTENT_TYPE_PLAIN_1_0_0, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dashboard import latency
from dashboard.models import Alert, AlertDelivery
from migrations_sync import freshness
from migrations_sync.freshness import Freshness, Level
from migrations_sync.models import (
    BlindSpot,
    DailyTally,
    Drift,
    FetchRequest,
    QuarantinedRow,
    Source,
    StatusChange,
    StatusCount,
    SyncRun,
    WebhookDelivery,
)

CONTENT_TYPE = CONTENT_TYPE_PLAIN_1_0_0
Samples = Iterable[tuple[tuple[str, ...], float]]


def text(now: datetime) -> bytes:
    """Everything there is to measure at ``now``."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(MirrorCollector(now))
    registry.register(AlertCollector(now))
    latency.tell(registry)
    return generate_latest(registry)


class MirrorCollector(Collector):
    """Reads what the mirror knows of itself. Figures of the last day are gauges: old runs are pruned."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.day_ago = now - timedelta(days=1)

    def collect(self) -> Iterator[Metric]:
        source, fresh = freshness.read(now=self.now, interval=settings.SYNC_INTERVAL)
        yield from self._clocks(source, fresh)
        yield from self._runs(source)
        yield gauge(
            "migrations_rows", "Migrations in the mirror.", ("status", "gone"),
            (((status, str(gone).lower()), n) for status, gone, n in _rows(source)),
        )  # fmt: skip
        yield gauge(
            "migrations_quarantined_rows", "Rows that can't be read.", (), [((), QuarantinedRow.objects.count())]
        )
        yield gauge(
            "migrations_drifts", "Differences from the documented API.", ("kind",), _by(Drift.objects, "kind")
        )
        yield gauge("migrations_fetch_queue", "Migrations to be asked for.", (), [((), FetchRequest.objects.count())])
        yield gauge(
            "migrations_webhook_deliveries_last_day", "Signed deliveries of the last 24 hours.", ("outcome",),
            _by(WebhookDelivery.objects.filter(received_at__gt=self.day_ago), "outcome"),
        )  # fmt: skip
        yield gauge(
            "migrations_blind_spots_last_day", "Blind spots of the last 24 hours.", ("cause",),
            _by(BlindSpot.objects.filter(source=source, started_at__gt=self.day_ago), "cause"),
        )  # fmt: skip
        tallies = DailyTally.objects.values_list("kind", "label").order_by().annotate(Sum("n"))
        events = CounterMetricFamily("migrations_events", "What leaves no row of its own.", labels=("kind", "label"))
        for kind, label, n in tallies:
            events.add_metric((kind, label), n)
        yield events

    def _clocks(self, source: Source, fresh: Freshness) -> Iterator[Metric]:
        for name, what, at in (
            ("migrations_as_of", "Everything shown was true then", fresh.as_of),
            ("migrations_last_attempt", "A pass last began", fresh.attempted_at),
            ("migrations_last_complete_sweep", "The last complete sweep began", fresh.swept_at),
        ):
            samples = [((), at.timestamp())] if at else []
            yield gauge(f"{name}_timestamp_seconds", f"{what} (UTC).", (), samples)
        levels = [((level,), float(level == fresh.level)) for level in get_args(Level)]
        yield gauge("migrations_freshness", "1 for the level that holds now.", ("level",), levels)
        blind = (self.now - fresh.since).total_seconds() if fresh.since else 0
        yield gauge("migrations_blind_spot_seconds", "How long the mirror can't see; 0: it can.", (), [((), blind)])
        yield gauge("migrations_failures_in_a_row", "Passes failed since one succeeded.", (), [((), source.failures)])
        conflicts = CounterMetricFamily("migrations_lease_conflicts", "Passes that found another one running.")
        conflicts.add_metric((), lease.conflicts if (lease := getattr(source, "lease", None)) else 0)
        yield conflicts

    def _runs(self, source: Source) -> Iterator[Metric]:
        lasting = []
        for mode in SyncRun.Mode.values:
            done = SyncRun.objects.filter(source=source, mode=mode, outcome=SyncRun.Outcome.COMPLETE).first()
            if done and done.finished_at:
                lasting.append(((mode,), (done.finished_at - done.started_at).total_seconds()))
        yield gauge("migrations_sync_seconds", "Duration of the last complete pass.", ("mode",), lasting)
        totals = list(
            SyncRun.objects.filter(started_at__gt=self.day_ago)
            .order_by()
            .values_list("mode", "outcome")
            .annotate(Count("pk"), Sum("requests"), Sum("retries"), Sum("waited"))
        )
        for place, (name, what) in enumerate(
            (
                ("runs", "Passes"),
                ("requests", "Requests to the API"),
                ("retries", "Requests tried again"),
                ("waited_seconds", "Seconds held back because the API asked for it"),
            ),
            start=2,
        ):
            yield gauge(
                f"migrations_sync_{name}_last_day", f"{what} of the last 24 hours.", ("mode", "outcome"),
                ((row[:2], row[place]) for row in totals),
            )  # fmt: skip


class AlertCollector(Collector):
    """How alerts fare: what is bad, what waits to be looked at, and what waits to be sent."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def collect(self) -> Iterator[Metric]:
        opened = Alert.objects.open().order_by()
        yield gauge("migrations_alerts_open", "Things that a rule minds now.", ("kind",), _by(opened, "rule__kind"))
        unannounced = StatusChange.objects.filter(announced_at__isnull=True).count()
        yield gauge("migrations_alert_changes_waiting", "Changes no rule has looked at yet.", (), [((), unannounced)])
        waiting = AlertDelivery.objects.filter(state=AlertDelivery.State.WAITING)
        counted = waiting.aggregate(n=Count("pk"), oldest=Min("created_at"))
        age = (self.now - counted["oldest"]).total_seconds() if counted["oldest"] else 0
        yield gauge("migrations_alert_messages_waiting", "Messages not sent yet.", (), [((), counted["n"])])
        yield gauge("migrations_alert_oldest_message_seconds", "Age of the oldest one not sent.", (), [((), age)])
        lately = AlertDelivery.objects.filter(created_at__gt=self.now - timedelta(days=1))
        yield gauge(
            "migrations_alert_messages_last_day", "Messages of the last 24 hours.", ("state",), _by(lately, "state")
        )


def gauge(name: str, what: str, labels: tuple[str, ...], samples: Samples) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, what, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family


def _rows(source: Source) -> Iterable[tuple[str, bool, int]]:
    return StatusCount.objects.filter(source=source).values_list("status", "gone", "n")


def _by(rows: Any, field: str) -> Samples:
    return (((value,), n) for value, n in rows.order_by().values_list(field).annotate(Count("pk")))
