from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from dashboard import metrics
from dashboard.models import Alert, AlertDelivery, AlertRule
from migrations_sync.models import (
    BlindSpot,
    DailyTally,
    Drift,
    FetchRequest,
    Lease,
    QuarantinedRow,
    Source,
    StatusCount,
    SyncRun,
    WebhookDelivery,
)
from tests import factories
from tests.factories import T0

pytestmark = pytest.mark.django_db


@pytest.fixture
def source() -> Source:
    source = Source.default()
    source.attempted_at = source.succeeded_at = T0 - timedelta(seconds=30)
    source.swept_at = T0 - timedelta(minutes=20)
    source.save()
    return source


def run(source: Source, mode: str = "quick", outcome: str = "complete", *, ago: int = 60, **fields) -> SyncRun:
    started = T0 - timedelta(seconds=ago)
    return SyncRun.objects.create(
        source=source, mode=mode, outcome=outcome, started_at=started,
        finished_at=started + timedelta(seconds=fields.pop("seconds", 2)), **fields,
    )  # fmt: skip


def scraped(now: datetime = T0) -> dict[tuple[str, ...], float]:
    """Every sample by its name and label values, as Prometheus reads them."""
    families = text_string_to_metric_families(metrics.text(now).decode())
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_the_clocks_and_the_level_are_told(source):
    found = scraped()

    assert found["migrations_as_of_timestamp_seconds",] == (T0 - timedelta(seconds=30)).timestamp()
    assert found["migrations_last_complete_sweep_timestamp_seconds",] == (T0 - timedelta(minutes=20)).timestamp()
    assert found["migrations_freshness", "fresh"] == 1
    assert found["migrations_freshness", "blind"] == 0
    assert found["migrations_blind_spot_seconds",] == 0


def test_a_mirror_that_was_never_filled_invents_no_time():
    found = scraped()

    assert ("migrations_as_of_timestamp_seconds",) not in found
    assert found["migrations_freshness", "never"] == 1


def test_a_blind_spot_grows_until_it_is_over(source):
    BlindSpot.objects.create(source=source, cause="quota", started_at=T0 - timedelta(minutes=5))
    assert scraped()["migrations_blind_spot_seconds",] == 300
    assert scraped()["migrations_blind_spots_last_day", "quota"] == 1

    BlindSpot.objects.update(ended_at=T0)
    assert scraped()["migrations_blind_spot_seconds",] == 0


def test_rows_are_counted_by_status_and_an_odd_status_keeps_its_word(source):
    StatusCount.objects.create(source=source, status="FAILED", n=4)
    StatusCount.objects.create(source=source, status="FAILED", gone=True, n=1)
    StatusCount.objects.create(source=source, status='we"ird\none', n=2)
    found = scraped()

    assert found["migrations_rows", "false", "FAILED"] == 4
    assert found["migrations_rows", "true", "FAILED"] == 1
    assert found["migrations_rows", "false", 'we"ird\none'] == 2


def test_passes_of_the_last_day_are_summed_and_older_ones_are_not(source):
    run(source, requests=3, waited=1.5)
    run(source, requests=4, retries=2)
    run(source, outcome="failed", requests=6)
    run(source, requests=999, ago=86_401)
    found = scraped()

    assert found["migrations_sync_runs_last_day", "quick", "complete"] == 2
    assert found["migrations_sync_runs_last_day", "quick", "failed"] == 1
    assert found["migrations_sync_requests_last_day", "quick", "complete"] == 7
    assert found["migrations_sync_retries_last_day", "quick", "complete"] == 2
    assert found["migrations_sync_waited_seconds_last_day", "quick", "complete"] == 1.5


def test_the_duration_told_is_that_of_the_last_complete_pass_of_each_mode(source):
    run(source, "full", seconds=40, ago=900)
    run(source, "full", "failed", seconds=7, ago=300)
    run(source, seconds=2)
    found = scraped()

    assert found["migrations_sync_seconds", "full"] == 40
    assert found["migrations_sync_seconds", "quick"] == 2


def test_what_went_wrong_at_the_edges_is_counted(source):
    Lease.objects.create(source=source, conflicts=3)
    QuarantinedRow.objects.create(source=source, digest="1", raw="{}", first_seen_at=T0, last_seen_at=T0)
    Drift.objects.create(source=source, kind="field", name="tags", first_seen_at=T0, last_seen_at=T0)
    FetchRequest.objects.create(source=source, api_id="a", requested_at=T0)
    DailyTally.objects.create(day=T0.date(), kind="webhook_refused", label="signature", n=5)
    DailyTally.objects.create(day=T0.date() - timedelta(days=1), kind="webhook_refused", label="signature", n=2)
    for number, outcome in enumerate(("fetched", "fetched", "ignored")):
        WebhookDelivery.objects.create(
            source=source, message_id=str(number), body="{}", outcome=outcome, received_at=T0 - timedelta(hours=1)
        )
    found = scraped()

    assert found["migrations_lease_conflicts_total",] == 3
    assert found["migrations_quarantined_rows",] == 1
    assert found["migrations_drifts", "field"] == 1
    assert found["migrations_fetch_queue",] == 1
    assert found["migrations_events_total", "webhook_refused", "signature"] == 7
    assert found["migrations_webhook_deliveries_last_day", "fetched"] == 2


def test_scraping_asks_the_same_questions_of_a_large_mirror(source, django_assert_num_queries):
    def ask() -> int:
        with django_assert_num_queries(16):
            return len(metrics.text(T0))

    small = ask()
    for number in range(60):
        run(source, outcome="failed", ago=number)
        QuarantinedRow.objects.create(source=source, digest=str(number), raw="", first_seen_at=T0, last_seen_at=T0)
    assert ask() - small < 1000


def test_without_a_token_only_this_machine_may_scrape(client, source):
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="::1").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.7").status_code == 403
    assert client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 403


def test_with_a_token_set_everybody_needs_it(client, source, settings):
    settings.METRICS_TOKEN = "se-cret"
    answer = client.get("/metrics", REMOTE_ADDR="10.0.0.7", headers={"Authorization": "Bearer se-cret"})

    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=")
    assert client.get("/metrics").status_code == 401
    for wrong in ("Bearer no", "Bearer ", "Basic se-cret", "Bearer s\u00e9cret"):
        refused = client.get("/metrics", headers={"Authorization": wrong})
        assert refused.status_code == 401
        assert "se-cret" not in refused.text


def test_the_time_of_the_scrape_is_the_time_of_the_answer(client, source):
    Source.objects.update(succeeded_at=datetime.now(UTC))

    assert 'migrations_freshness{level="fresh"} 1.0' in client.get("/metrics").text


def test_what_alerts_mind_and_what_waits_to_be_sent_is_counted():
    factories.change(factories.migration(), "FAILED", old="WORKING", at=T0, not_before=T0)
    rule = AlertRule.objects.create(name="r", kind="mirror")
    Alert.objects.create(rule=rule, key="now", since=T0, opened_at=T0)
    Alert.objects.create(rule=rule, key="before", since=T0, opened_at=T0, cleared_at=T0)
    for state, ago in (("waiting", 90), ("waiting", 10), ("sent", 10), ("failed", 200_000)):
        AlertDelivery.objects.create(event="test", message={}, state=state, created_at=T0 - timedelta(seconds=ago))

    found = scraped()
    assert found["migrations_alerts_open", "mirror"] == 1
    assert found["migrations_alert_changes_waiting",] == 1
    assert found["migrations_alert_messages_waiting",] == 2
    assert found["migrations_alert_oldest_message_seconds",] == 90
    assert found["migrations_alert_messages_last_day", "sent"] == 1
    assert ("migrations_alert_messages_last_day", "failed") not in found


def test_pages_are_timed_by_name_and_not_by_address(client):
    client.get("/healthz?user=somebody%40example.com")

    text = metrics.text(T0).decode()
    assert 'migrations_page_seconds_count{page="healthz",status="2xx"}' in text
    assert "somebody" not in text
