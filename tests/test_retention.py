from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from migrations_sync import retention
from migrations_sync.models import PayloadVersion, Source, StatusChange, SyncRun, WebhookDelivery
from tests import factories

pytestmark = pytest.mark.django_db
NOW = timezone.now()
DAY = timedelta(days=1)


def prune(runs: int = 0, deliveries: int = 0, versions: int = 0) -> dict[str, int]:
    return dict(retention.prune(now=NOW, runs=runs, deliveries=deliveries, versions=versions))


def delivery(message_id: str, *, age: timedelta, **fields: str) -> None:
    WebhookDelivery.objects.create(
        source=Source.default(), message_id=message_id, body="{}", received_at=NOW - age, **fields
    )


def test_history_outlives_the_run_that_found_it():
    old = SyncRun.objects.create(source=Source.default(), mode="full", outcome="complete", started_at=NOW - 91 * DAY)
    new = SyncRun.objects.create(source=Source.default(), mode="full", outcome="complete", started_at=NOW - 89 * DAY)
    migration = factories.migration()
    factories.change(migration, "FAILED", old="WORKING", at=factories.T0, not_before=factories.T0, run=old)

    assert prune(runs=90) == {"runs": 1}

    assert list(SyncRun.objects.all()) == [new]
    assert StatusChange.objects.get().run is None


def test_a_run_lets_go_of_what_it_found_in_chunks(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(retention, "_CHUNK", 2)
    old = SyncRun.objects.create(source=Source.default(), mode="full", outcome="complete", started_at=NOW - 91 * DAY)
    migration = factories.migration()
    for _ in range(5):
        factories.change(migration, "FAILED", old="WORKING", at=factories.T0, not_before=factories.T0, run=old)

    with CaptureQueriesContext(connection) as queries:
        assert prune(runs=90) == {"runs": 1}

    updates = [q["sql"] for q in queries if q["sql"].startswith("UPDATE") and "statuschange" in q["sql"]]
    assert [sql.count(",") for sql in updates[:3]] == [1, 1, 0]
    assert StatusChange.objects.filter(run=None).count() == 5


def test_a_delivery_with_the_only_failure_reason_stays():
    delivery("plain", age=91 * DAY)
    delivery("reason", age=91 * DAY, error_message="Bad password")
    delivery("new", age=89 * DAY)

    assert prune(deliveries=90) == {"deliveries": 1}

    assert set(WebhookDelivery.objects.values_list("message_id", flat=True)) == {"reason", "new"}


def test_old_payload_versions_go_in_chunks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(retention, "_CHUNK", 2)
    migration = factories.migration()
    for age in (1, 400, 401, 402, 403, 404):
        PayloadVersion.objects.create(migration=migration, payload="{}", replaced_at=NOW - age * DAY)

    assert prune(versions=365) == {"payload versions": 5}
    assert PayloadVersion.objects.count() == 1


def test_zero_keeps_everything():
    delivery("old", age=9999 * DAY)

    assert prune() == {}
    assert WebhookDelivery.objects.count() == 1
