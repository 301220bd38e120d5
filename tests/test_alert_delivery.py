"""Sending: real HTTP on loopback, mail in memory; retries, claims, and receivers that misbehave."""

import json
import socket
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from standardwebhooks.webhooks import Webhook

from dashboard.alerts import channels, deliver, guard
from dashboard.models import AlertChannel, AlertDelivery
from tests import receiver as receivers

pytestmark = pytest.mark.django_db
SECRET = "whsec_cGxhbnRlZC1zZWNyZXQtMTIz"


@pytest.fixture
def receiver(settings):
    settings.ALERTS_ALLOW_PRIVATE_URLS = True
    with receivers.running() as running:
        yield running


def message(**fields) -> dict:
    made = {
        "event": "test",
        "rule": "",
        "kind": "test",
        "title": "Test: alerts reach “desk”",
        "detail": "",
        "total": 0,
        "groups": [],
        "more": 0,
        "as_of": "2026-11-20T12:00:00Z",
        "url": "https://d/alerts/",
    }
    return made | fields


def waiting(kind: str = "webhook", address: str = "", **fields) -> AlertDelivery:
    made = AlertChannel.objects.create(name=f"{kind} {address}"[:64], kind=kind, address=address, secret=SECRET)
    return AlertDelivery.objects.create(channel=made, event="fired", message=message(**fields))


def now_due(delivery: AlertDelivery) -> None:
    AlertDelivery.objects.filter(pk=delivery.pk).update(next_try_at=datetime.now(UTC))


def test_a_signed_webhook_verifies_and_says_what_as_of_when(receiver):
    delivery = waiting(address=f"{receiver.url}/hook")

    assert deliver.deliver() == 1
    (got,) = receiver.got
    verified = Webhook(SECRET).verify(got.body, got.headers)
    assert verified["type"] == "alert.test"
    assert verified["data"]["as_of"] == "2026-11-20T12:00:00Z"
    assert got.headers["webhook-id"] == delivery.message_id
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries, delivery.claimed_until) == ("sent", 1, None)
    assert deliver.deliver() == 0


def test_slack_gets_text_that_nobody_outside_can_mark_up(receiver):
    item = {
        "id": "<!channel>|x",
        "status": "A",
        "text": "<b> & 'Failed'",
        "reason": "",
        "url": "https://d/migrations/a/",
    }
    waiting("slack", receiver.url, groups=[{"company": "*acme* <x>", "items": [item]}], more=37)

    deliver.deliver()
    text = json.loads(receiver.got[0].body)["text"]
    assert "<https://d/migrations/a/|&lt;!channel&gt;¦x>: &lt;b&gt; &amp; 'Failed'" in text
    assert "&lt;x&gt;" in text
    assert "and 37 more" in text
    assert "True as of 2026-11-20T12:00:00Z" in text


def test_mail_goes_to_all_recipients_as_plain_text(mailoutbox):
    group = {
        "company": "",
        "items": [{"id": "m-1", "status": "FAILED", "text": "Failed", "reason": "quota", "url": "https://d/m-1/"}],
    }
    waiting("email", "a@example.com, b@example.com", title="Failures: 1 migration", groups=[group])

    deliver.deliver()
    (mail,) = mailoutbox
    assert (mail.to, mail.subject) == (["a@example.com", "b@example.com"], "Failures: 1 migration")
    for part in (
        "Without a company",
        "m-1: Failed. Reason: quota",
        "https://d/m-1/",
        "True as of 2026-11-20T12:00:00Z",
    ):
        assert part in mail.body


def test_mail_without_a_server_says_which_variable_is_missing(settings):
    settings.EMAIL_BACKEND = channels.SMTP
    delivery = waiting("email", "a@example.com")

    deliver.deliver()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.error) == ("waiting", "No mail server is set: see EMAIL_URL.")


def test_a_failure_is_tried_again_later_under_the_same_id(receiver):
    delivery = waiting(address=receiver.url)
    receiver.will_answer(503)

    assert deliver.deliver() == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.error) == ("waiting", "The receiver answered 503.")
    assert delivery.next_try_at > datetime.now(UTC) + timedelta(seconds=20)
    assert deliver.deliver() == 0, "not before its time"

    now_due(delivery)
    deliver.deliver()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries, delivery.error) == ("sent", 2, "")
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 1


def test_the_wait_doubles_up_to_four_hours():
    waits = [deliver.backoff(tries, jitter=1).total_seconds() for tries in (1, 2, 3, 9, 10, 11)]
    assert waits == [30, 60, 120, 7680, 14400, 14400]


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_receiver_may_ask_for_patience_in_both_forms(receiver, form):
    delivery = waiting(address=receiver.url)
    at = datetime.now(UTC) + timedelta(hours=2)
    value = "7200" if form == "seconds" else at.strftime("%a, %d %b %Y %H:%M:%S GMT")
    receiver.will_answer((429, {"Retry-After": value}))

    deliver.deliver()
    delivery.refresh_from_db()
    assert delivery.next_try_at > datetime.now(UTC) + timedelta(minutes=110)


@pytest.mark.parametrize("value", ["soon", "²", "-5", "9" * 400, "Mon, 99 Foo 2026 00:00:00 GMT"])
def test_nonsense_in_retry_after_is_ignored(receiver, value):
    delivery = waiting(address=receiver.url)
    receiver.will_answer((429, {"Retry-After": value}))

    deliver.deliver()
    delivery.refresh_from_db()
    assert delivery.state == "waiting"
    assert delivery.next_try_at < datetime.now(UTC) + timedelta(minutes=2)


def test_it_gives_up_in_the_end_and_a_person_can_try_again(receiver):
    delivery = waiting(address=receiver.url)
    AlertDelivery.objects.update(tries=deliver.TRIES - 1)
    receiver.will_answer(500)

    deliver.deliver()
    delivery.refresh_from_db()
    assert delivery.state == "failed"
    now_due(delivery)
    assert deliver.deliver() == 0
    assert deliver.try_again(delivery)
    deliver.deliver()
    delivery.refresh_from_db()
    assert delivery.state == "sent"
    assert not deliver.try_again(delivery)


def test_a_receiver_that_is_no_more_or_a_channel_switched_off_ends_it_at_once(receiver):
    gone = waiting(address=f"{receiver.url}/gone")
    receiver.will_answer(410)
    deliver.deliver()
    off = waiting(address=f"{receiver.url}/off")
    AlertChannel.objects.filter(pk=off.channel_id).update(enabled=False)
    deliver.deliver()

    assert [delivery.state for delivery in AlertDelivery.objects.order_by("pk")] == ["failed", "failed"]
    assert [got.path for got in receiver.got] == ["/gone"]
    assert gone.pk < off.pk


def test_a_sender_that_dies_after_claiming_loses_nothing(receiver):
    delivery = waiting(address=receiver.url)
    now = datetime.now(UTC)
    claimed = deliver.claim(now)
    assert claimed == delivery

    assert deliver.deliver() == 0, "somebody may still be sending it"
    assert deliver.claim(now + deliver.CLAIM - timedelta(seconds=1)) is None
    taken_over = deliver.claim(now + deliver.CLAIM)
    assert taken_over == delivery
    deliver._try(taken_over)
    deliver._record(claimed, state="waiting", error="too late")  # the first one wakes up again
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == ("sent", 2)


def test_one_that_cannot_be_sent_does_not_keep_the_others_from_it(receiver):
    broken = waiting(address=f"{receiver.url}/broken")
    AlertChannel.objects.filter(pk=broken.channel_id).update(secret="whsec_")
    waiting(address=f"{receiver.url}/fine")

    assert deliver.deliver() == 2
    broken.refresh_from_db()
    assert broken.error.startswith("The dashboard itself failed: EmptyWebhookSecretError")
    assert [got.path for got in receiver.got] == ["/fine"]


@pytest.mark.django_db(transaction=True)
def test_senders_at_once_send_each_message_once(receiver):
    channel = AlertChannel.objects.create(name="hook", kind="webhook", address=receiver.url, secret=SECRET)
    for _ in range(25):
        AlertDelivery.objects.create(channel=channel, event="fired", message=message())

    def work() -> None:
        deliver.deliver()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sent = [got.headers["webhook-id"] for got in receiver.got]
    assert len(sent) == len(set(sent)) == 25
    assert set(AlertDelivery.objects.values_list("state", "tries")) == {("sent", 1)}


def test_a_redirect_is_not_followed_and_says_so(receiver):
    delivery = waiting(address=receiver.url)
    receiver.will_answer((307, {"Location": f"{receiver.url}/elsewhere"}))

    deliver.deliver()
    delivery.refresh_from_db()
    assert delivery.error == "The receiver answered 307: redirects are not followed."
    assert len(receiver.got) == 1


def test_a_refused_address_is_in_the_log_of_deliveries_without_the_address(settings):
    settings.ALERTS_ALLOW_PRIVATE_URLS = False
    delivery = waiting("slack", "https://127.0.0.1/services/SECRET-PATH")

    deliver.deliver()
    delivery.refresh_from_db()
    assert "inside this network" in delivery.error
    assert "SECRET-PATH" not in delivery.error


def test_a_receiver_that_drips_for_ever_is_cut_off(receiver, monkeypatch):
    monkeypatch.setattr(guard, "DEADLINE", 0.2)
    receiver.drips = 250
    waiting(address=receiver.url)

    assert deliver.deliver() == 1
    for _ in range(100):  # the receiver notices when it writes to nobody
        if receiver.cut:
            break
        time.sleep(0.02)
    assert receiver.cut


def test_nobody_listening_is_a_failure_to_try_again(settings):
    settings.ALERTS_ALLOW_PRIVATE_URLS = True
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        delivery = waiting(address=f"http://127.0.0.1:{unused.getsockname()[1]}/")
    deliver.deliver()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.error) == (
        "waiting",
        "The receiver could not be reached, or cut the connection.",
    )
