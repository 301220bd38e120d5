"""What leaves the house beside pages: error reports, traces, the ping to a watchman."""

import sys
from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from dashboard import redaction, reports
from dashboard.alerts import deliver, outbox
from dashboard.models import AlertDelivery
from migrations_sync.models import Source, SyncRun
from tests import receiver

KEY = "anon_PLANTED-in-an-error-report"


@pytest.fixture
def sentry():
    """The events that would have been sent, as the client itself makes them."""
    import sentry_sdk

    redaction.hide(KEY)
    events: list[dict] = []
    reports.report_errors("https://public@sentry.example.invalid/1")
    client = sentry_sdk.get_client()
    client.transport.capture_envelope = lambda envelope: events.extend(item.payload.json for item in envelope.items)
    yield events
    client.close(timeout=0)
    sentry_sdk.get_global_scope().set_client(None)


def test_an_error_report_holds_no_secret_no_query_and_no_local_variable(sentry, rf):
    import sentry_sdk

    local = {"key": KEY}
    try:
        sentry_sdk.add_breadcrumb(message=f"sent {KEY}", data={"headers": {"Authorization": f"Bearer {'x' * 20}"}})
        raise RuntimeError(f"cannot use {KEY} of {len(local)}")
    except RuntimeError:
        sentry_sdk.capture_exception()

    (event,) = sentry
    text = str(event)
    assert "cannot use [hidden]" in text
    assert "PLANTED" not in text
    assert "x" * 20 not in text
    assert not any("vars" in frame for frame in event["exception"]["values"][0]["stacktrace"]["frames"])


def test_of_a_request_only_method_and_path_are_reported():
    request = {"method": "GET", "url": "https://d/m/?user=a@b.c", "query_string": "user=a@b.c", "cookies": {"a": "b"}}
    assert reports.without_secrets({"request": request})["request"] == {"method": "GET", "url": "https://d/m/"}


@pytest.mark.parametrize(
    ("module", "start", "says"),
    [
        (
            "sentry_sdk",
            lambda: reports.report_errors("https://k@h/1"),
            "SENTRY_DSN is set, but sentry-sdk is not installed",
        ),
        (
            "opentelemetry.sdk.trace",
            reports.trace,
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but opentelemetry-sdk is not",
        ),
    ],
)
def test_a_missing_package_is_named_with_the_variable_that_needs_it(monkeypatch, module, start, says):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImproperlyConfigured, match=says):
        start()


def test_a_dsn_that_is_none_is_not_repeated():
    with pytest.raises(ImproperlyConfigured, match=r"^SENTRY_DSN can't be read") as refused:
        reports.report_errors("not-a-dsn-secretword")
    assert "secretword" not in str(refused.value)


# --- the watchman ---------------------------------------------------------------------------------


@pytest.fixture
def watchman(settings):
    with receiver.running() as running:
        settings.DEADMAN_PING_URL = f"{running.url}/ping/SECRET-PATH"
        yield running


def sweep(outcome: str = "complete", mode: str = "full", ended=timedelta(0)) -> SyncRun:
    at = timezone.now() - ended
    return SyncRun.objects.create(source=Source.default(), mode=mode, outcome=outcome, started_at=at, finished_at=at)


def watch() -> None:
    outbox.dispatch(timezone.now())
    deliver.deliver()


@pytest.mark.django_db
def test_each_complete_sweep_pings_once(watchman):
    watch()
    for mode, outcome in (("quick", "complete"), ("full", "partial"), ("full", "failed")):
        sweep(outcome, mode)
    watch()
    assert watchman.got == []
    sweep()
    watch()
    watch()
    assert [got.path for got in watchman.got] == ["/ping/SECRET-PATH"]
    sweep()
    watch()
    assert len(watchman.got) == 2


@pytest.mark.django_db
def test_a_watchman_who_is_not_there_is_asked_again_but_not_told_of_an_old_sweep(watchman, settings):
    sweep()
    watchman.will_answer(503)
    watch()
    ping = AlertDelivery.objects.get()
    assert (ping.state, ping.tries) == ("waiting", 1)
    assert "SECRET-PATH" not in ping.error

    late = timezone.now() - timedelta(seconds=settings.SYNC_FULL_INTERVAL + 1)
    AlertDelivery.objects.update(next_try_at=late, created_at=late)
    deliver.deliver()
    ping.refresh_from_db()
    assert ping.state == "failed"
    assert len(watchman.got) == 1


@pytest.mark.django_db
def test_nobody_is_pinged_without_an_address_or_for_a_sweep_long_ago(watchman, settings):
    sweep(ended=timedelta(days=2))
    watch()
    settings.DEADMAN_PING_URL = ""
    sweep()
    watch()
    assert watchman.got == []
    assert not AlertDelivery.objects.exists()
