"""Deliveries of the vendor's webhooks: what is believed, what is kept, what it costs."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from standardwebhooks import Webhook

from migrations_sync.exceptions import APIConnectionError
from migrations_sync.models import DailyTally, FetchRequest, Migration, Source, StatusChange, WebhookDelivery
from migrations_sync.sync import one
from migrations_sync.sync.passes import Intervals, run_pass
from tests.list_api import ListApi, row

pytestmark = pytest.mark.django_db
URL = "/webhooks/migrations/"
SECRET, OLD_SECRET = "whsec_dGVzdC1zZWNyZXQtb25l", "whsec_dGVzdC1zZWNyZXQtdHdv"


@pytest.fixture(autouse=True)
def secrets(settings: Any) -> None:
    settings.MIGRATIONS_WEBHOOK_SECRET = [SECRET, OLD_SECRET]


def event(migration_id: str = "m-1", kind: str = "migration.failed", **data: Any) -> dict[str, Any]:
    return {
        "id": "evt_1", "object": "event", "created": "2025-06-18T00:50:40.301173", "type": kind,
        "data": {"migration_id": migration_id, "object": {}, **data},
    }  # fmt: skip


def deliver(
    client: Client,
    content: Any,
    *,
    message_id: str = "msg_1",
    secret: str = SECRET,
    at: datetime | None = None,
    prefix: str = "svix",
    **headers: str,
) -> int:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    at = at or datetime.now(UTC)
    signature = Webhook(secret).sign(message_id, at, body.decode("utf-8", "replace"))
    signed = {"id": message_id, "timestamp": str(int(at.timestamp())), "signature": signature}
    signed = {f"{prefix}-{name}": value for name, value in signed.items()} | headers
    return client.post(URL, body, content_type="application/json", headers=signed).status_code


def drain(api: ListApi) -> int:
    with api() as opened:
        return one.drain(opened)


@pytest.mark.parametrize("prefix", ["svix", "webhook"])
@pytest.mark.parametrize("secret", [SECRET, OLD_SECRET])
def test_a_genuine_delivery_is_recorded_under_either_name_and_secret(client: Client, prefix: str, secret: str):
    assert deliver(client, event(error_message="Bad password"), prefix=prefix, secret=secret) == 204

    kept = WebhookDelivery.objects.get()
    assert (kept.message_id, kept.event_type, kept.api_id) == ("msg_1", "migration.failed", "m-1")
    assert kept.error_message == "Bad password"
    assert kept.event_created == datetime(2025, 6, 18, 0, 50, 40, 301173, tzinfo=UTC)


def test_what_it_hints_at_is_asked_by_id_and_the_api_is_believed_instead(client: Client):
    api = ListApi([row("m-1", "WORKING")])
    run_pass(api, mode="full", intervals=Intervals(60, 3600), trigger="command")
    deliver(client, event(object={"status": "FAILED"}))
    api.set("m-1", status="COMPLETE")

    assert drain(api) == 1

    assert Migration.objects.get().status == "COMPLETE"
    assert StatusChange.objects.get().via == "webhook"
    assert WebhookDelivery.objects.get().outcome == "fetched"


def test_a_burst_for_few_migrations_makes_few_requests(client: Client):
    api = ListApi([row(f"m-{n}") for n in range(5)])
    for n in range(100):
        assert deliver(client, event(f"m-{n % 5}"), message_id=f"msg_{n}") == 204

    assert drain(api) == 5

    assert api.stats.requests == 5
    assert set(WebhookDelivery.objects.values_list("outcome", flat=True)) == {"fetched"}
    assert not FetchRequest.objects.exists()


def test_only_the_first_hint_of_a_burst_calls_the_worker(
    client: Client, monkeypatch, django_capture_on_commit_callbacks
):
    calls: list[Any] = []
    monkeypatch.setattr("migrations_sync.tasks.fetch_requested.apply_async", lambda **options: calls.append(options))
    with django_capture_on_commit_callbacks(execute=True):
        for n in range(20):
            deliver(client, event(), message_id=f"msg_{n}")

    assert calls == [{"retry": False}]


def test_without_a_broker_the_delivery_is_kept_all_the_same(
    client: Client, monkeypatch, django_capture_on_commit_callbacks
):
    def refuse(**options: Any) -> None:
        raise ConnectionError("broker is away")

    monkeypatch.setattr("migrations_sync.tasks.fetch_requested.apply_async", refuse)
    with django_capture_on_commit_callbacks(execute=True):
        assert deliver(client, event()) == 204

    assert one.waiting(Source.default()) == 1


def test_the_same_message_again_is_counted_and_nothing_else(client: Client):
    deliver(client, event())
    drain(ListApi([row("m-1")]))

    assert deliver(client, event()) == 204

    assert WebhookDelivery.objects.get().repeats == 1
    assert not FetchRequest.objects.exists()


def test_a_hint_that_comes_while_its_migration_is_asked_for_is_asked_again(client: Client):
    api = ListApi([row("m-1")])
    serve = api.get_migration
    asked: list[str] = []

    def interrupted(api_id: str) -> Any:
        if not asked:
            deliver(client, event(), message_id="msg_2")
        asked.append(api_id)
        return serve(api_id)

    api.get_migration = interrupted
    deliver(client, event())
    drain(api)

    assert asked == ["m-1", "m-1"]


def test_a_migration_that_the_api_does_not_know_is_said_so(client: Client):
    deliver(client, event("mig_01HX"))

    drain(ListApi([]))

    assert WebhookDelivery.objects.get().outcome == "unknown_migration"
    assert not FetchRequest.objects.exists()


def test_while_the_api_is_away_the_request_stays(client: Client):
    api = ListApi([row("m-1")])

    def refuse(api_id: str) -> Any:
        raise APIConnectionError("refused")

    api.get_migration = refuse
    deliver(client, event())
    with pytest.raises(APIConnectionError):
        drain(api)

    wanted = FetchRequest.objects.get()
    assert (wanted.tries, wanted.not_before is not None) == (1, True)


@pytest.mark.parametrize(
    "content",
    [
        {}, [], "text", None, {"type": 5, "data": 7}, {"type": "migration.paused", "data": {"migration_id": ["x"]}},
        {"type": "svix.ping"}, b"not json at all",
    ],
)  # fmt: skip
def test_a_genuine_event_of_an_unknown_form_is_recorded_and_harmless(client: Client, content: Any):
    assert deliver(client, content) == 204

    assert WebhookDelivery.objects.get().outcome == "ignored"
    assert not FetchRequest.objects.exists()


def test_odd_characters_in_an_event_can_be_stored(client: Client):
    assert deliver(client, event(error_message="a\0b \ud800 \N{RIGHT-TO-LEFT OVERRIDE} <b>")) == 204

    assert "<b>" in WebhookDelivery.objects.get().error_message


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"svix-signature": ""}, "no signature fits"),
        ({"svix-signature": "v1"}, "no signature fits"),
        ({"svix-signature": "v1,????"}, "no signature fits"),
        ({"svix-signature": "v1,\xe9"}, "no signature fits"),
        ({"svix-signature": "v2,AAAA"}, "no signature fits"),
        ({"svix-id": ""}, "no usable message id"),
        ({"svix-id": "x" * 300}, "no usable message id"),
        ({"svix-timestamp": "²"}, "the timestamp is missing, too old or too new"),
        ({"svix-timestamp": "soon"}, "the timestamp is missing, too old or too new"),
        ({"svix-timestamp": "1e400"}, "the timestamp is missing, too old or too new"),
        ({"svix-timestamp": "nan"}, "the timestamp is missing, too old or too new"),
    ],
)
def test_a_forged_delivery_is_refused_and_counted(client: Client, headers: dict[str, str], reason: str):
    assert deliver(client, event(), **headers) == 400

    assert not WebhookDelivery.objects.exists()
    assert DailyTally.objects.get(kind="webhook_refused").label == reason


@pytest.mark.parametrize("shift", [timedelta(minutes=-6), timedelta(minutes=6)])
def test_a_delivery_of_another_time_is_refused(client: Client, shift: timedelta):
    assert deliver(client, event(), at=datetime.now(UTC) + shift) == 400


def test_one_changed_byte_spoils_the_signature(client: Client):
    body = json.dumps(event()).encode()
    now = datetime.now(UTC)
    headers = {
        "svix-id": "msg_1",
        "svix-timestamp": str(int(now.timestamp())),
        "svix-signature": Webhook(SECRET).sign("msg_1", now, body.decode()),
    }

    assert client.post(URL, body + b" ", content_type="application/json", headers=headers).status_code == 400


def test_another_kind_of_signature_beside_the_good_one_is_passed_over(client: Client):
    now = datetime.now(UTC)
    good = Webhook(SECRET).sign("msg_1", now, json.dumps(event()))

    assert deliver(client, event(), at=now, **{"svix-signature": f"junk v1a,AAAA v1,!!!! {good}"}) == 204


def test_a_huge_body_is_refused_before_it_is_read(client: Client):
    assert deliver(client, event(), **{"Content-Length": str(50 * 1024 * 1024)}) == 413


def test_without_a_secret_there_is_no_intake(client: Client, settings: Any):
    settings.MIGRATIONS_WEBHOOK_SECRET = []

    assert deliver(client, event()) == 404


def test_only_post_is_taken(client: Client):
    assert client.get(URL).status_code == 405
