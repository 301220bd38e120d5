import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dashboard import roles
from dashboard.alerts.rules import USUAL
from dashboard.models import Alert, AlertChannel, AlertDelivery, AlertRule, AuditEntry, Mute
from tests.factories import T0
from tests.reading import link

pytestmark = [pytest.mark.django_db, pytest.mark.once]
URL = "https://hooks.example.com/services/T0/B0/PLANTED-PATH"
SECRET = "whsec_cGxhbnRlZC1zZWNyZXQtb2YtMjQrLWJ5dGVz"


@pytest.fixture
def as_role(client):
    def sign_in(role: str):
        user = User.objects.create_user(role)
        roles.assign(user, role)
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture(autouse=True)
def _public(monkeypatch):
    """Names resolve to a public address; the forms look a channel's host up."""
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("93.184.216.34", 443))])


def rule_form(**fields) -> dict:
    numbers = {
        "after_minutes": 0,
        "at_least": 1,
        "clear_minutes": 0,
        "cap": 20,
        "digest_minutes": 0,
        "remind_minutes": 0,
    }
    return {"name": "Failures", "kind": "status", "enabled": "on", **numbers, **fields}


def slack(**fields) -> AlertChannel:
    return AlertChannel.objects.create(**{"name": "desk", "kind": "slack", "address": URL, **fields})


def _addresses() -> list[tuple[str, str]]:
    channel = slack()
    rule = AlertRule.objects.create(name="r", kind="status")
    mute = Mute.objects.create(starts_at=T0, ends_at=T0.replace(year=2100), reason="x")
    delivery = AlertDelivery.objects.create(channel=channel, event="test", message={"title": "t"})
    return [
        ("get", reverse("alerts-rule-new")),
        ("post", reverse("alerts-rule", args=[rule.pk])),
        ("post", reverse("alerts-usual-rules")),
        ("get", reverse("alerts-channel", args=[channel.pk])),
        ("post", reverse("alerts-channel-new", args=["email"])),
        ("post", reverse("alerts-test", args=[channel.pk])),
        ("get", reverse("alerts-mute-new")),
        ("post", reverse("alerts-mute-end", args=[mute.pk])),
        ("post", reverse("alerts-retry", args=[delivery.pk])),
    ]


def test_a_stranger_is_led_to_the_login_and_a_viewer_may_look_but_not_change(client, as_role):
    addresses = _addresses()
    for method, address in [*addresses, ("get", reverse("alerts")), ("get", reverse("alerts-deliveries"))]:
        assert reverse("login") in getattr(client, method)(address).headers["Location"]

    viewer = as_role("triager")
    for method, address in addresses:
        assert getattr(viewer, method)(address).status_code == 403, address
    page = viewer.get(reverse("alerts")).text
    assert "New rule" not in page
    assert "Send test" not in page
    assert viewer.get(reverse("alerts-deliveries")).status_code == 200
    assert not AuditEntry.objects.filter(act__startswith="alerts.").exists()


def test_an_operator_makes_a_channel_whose_secrets_are_never_shown_again(as_role):
    operator = as_role("operator")
    answer = operator.post(
        reverse("alerts-channel-new", args=["webhook"]),
        {"name": "hook", "address": URL, "secret": SECRET, "enabled": "on"},
    )
    assert answer.status_code == 302
    channel = AlertChannel.objects.get()
    assert (channel.address, channel.secret) == (URL, SECRET)

    edit = reverse("alerts-channel", args=[channel.pk])
    for page in (reverse("alerts"), edit, reverse("alerts-deliveries")):
        text = operator.get(page).text
        assert "PLANTED" not in text
        assert SECRET not in text
    operator.post(edit, {"name": "renamed", "address": "", "secret": ""})
    channel.refresh_from_db()
    assert (channel.name, channel.enabled, channel.address, channel.secret) == ("renamed", False, URL, SECRET)
    entries = AuditEntry.objects.filter(act__startswith="alerts.").order_by("id")
    assert [(entry.act, entry.target) for entry in entries] == [
        ("alerts.added", "channel hook"),
        ("alerts.changed", "channel renamed"),
    ]
    assert not AuditEntry.objects.filter(detail__contains="PLANTED").exists()


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        ("slack", {"address": "http://hooks.example.com/x"}, "starts with https://"),
        ("slack", {"address": "https://u:p@hooks.example.com/x"}, "without user or password"),
        ("webhook", {"address": URL, "secret": "whsec_c2hvcnQ="}, "24 or more bytes"),
        ("webhook", {"address": URL, "secret": "whsec_*"}, "24 or more bytes"),
        ("webhook", {"address": URL}, "This field is required"),
        ("email", {"address": "desk"}, "Enter a valid email address"),
        ("email", {"address": "a@example.com\nBcc: b@example.com"}, "Enter a valid email address"),
    ],
)
def test_a_channel_that_cannot_work_is_refused_with_its_reason(as_role, kind, fields, says):
    answer = as_role("operator").post(reverse("alerts-channel-new", args=[kind]), {"name": "x", **fields})

    assert answer.status_code == 200
    assert says in answer.text
    assert not AlertChannel.objects.exists()


def test_a_channel_inside_the_network_is_refused_unless_allowed(as_role, settings, monkeypatch):
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("10.0.0.1", 443))])
    operator, new = as_role("operator"), reverse("alerts-channel-new", args=["slack"])
    refused = operator.post(new, {"name": "x", "address": "https://internal.example.com/"})
    assert "inside this network" in refused.text

    settings.ALERTS_ALLOW_PRIVATE_URLS = True
    assert operator.post(new, {"name": "x", "address": "http://internal.example.com/"}).status_code == 302


def test_an_operator_makes_changes_and_removes_a_rule(as_role):
    operator, channel = as_role("operator"), slack()
    new = reverse("alerts-rule-new")
    assert operator.get(new).status_code == 200
    operator.post(new, rule_form(statuses=["FAILED"], channels=[channel.pk], after_minutes=10, at_least=3))
    rule = AlertRule.objects.get()
    assert (rule.statuses, list(rule.channels.all()), rule.at_least) == (["FAILED"], [channel], 3)
    assert "Failed · after 10 min · from 3 on" in operator.get(reverse("alerts")).text

    Alert.objects.create(rule=rule, key="mirror", since=T0, opened_at=T0)
    edit = reverse("alerts-rule", args=[rule.pk])
    operator.post(edit, rule_form(kind="company", company_id="acme", statuses=[]))
    rule.refresh_from_db()
    assert (rule.kind, rule.company_id, rule.alerts.count()) == ("company", "acme", 0)
    operator.post(edit, {"remove": "1"})
    assert not AlertRule.objects.exists()
    acts = AuditEntry.objects.filter(act__startswith="alerts.").order_by("id").values_list("act", flat=True)
    assert list(acts) == ["alerts.added", "alerts.changed", "alerts.removed"]


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "company"},
        {"kind": "nonsense"},
        {"after_minutes": -1},
        {"after_minutes": 10**12},
        {"at_least": 0},
        {"cap": "many"},
        {"statuses": ["NEVER_SEEN"]},
        {"name": "a\x00b"},
        {"name": "x" * 65},
        {"channels": ["999"]},
        {"company_id": "x" * 300},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(as_role, fields):
    answer = as_role("operator").post(reverse("alerts-rule-new"), rule_form(**fields))

    assert answer.status_code == 200
    assert "Not saved" in answer.text
    assert not AlertRule.objects.exists()


def test_a_test_message_is_queued_and_shown_in_the_log(as_role):
    operator, channel = as_role("operator"), slack()
    answer = operator.post(reverse("alerts-test", args=[channel.pk]), follow=True)

    assert "alerts reach “desk”" in answer.text
    delivery = AlertDelivery.objects.get()
    assert (delivery.channel, delivery.event, delivery.state) == (channel, "test", "waiting")


def test_a_delivery_that_was_given_up_can_be_tried_again(as_role):
    delivery = AlertDelivery.objects.create(
        channel=slack(), event="fired", message={"title": "<b>3 migrations</b>"}, state="failed", error="410", tries=3
    )
    operator = as_role("operator")
    page = operator.get(reverse("alerts-deliveries")).text
    assert "&lt;b&gt;3 migrations" in page
    operator.post(reverse("alerts-retry", args=[delivery.pk]))
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == ("waiting", 0)


def test_the_log_pages_to_older_messages(as_role):
    channel = slack()
    AlertDelivery.objects.bulk_create(
        AlertDelivery(channel=channel, event="test", message={"title": f"number {n}."}) for n in range(60)
    )
    viewer = as_role("viewer")
    first = viewer.get(reverse("alerts-deliveries"))
    assert "number 59." in first.text
    assert "number 9." not in first.text
    assert "number 9." in viewer.get(reverse("alerts-deliveries") + link(first, "Older")).text
    for nonsense in ("-1", "²", "9" * 30, "x"):
        assert viewer.get(reverse("alerts-deliveries"), {"before": nonsense}).status_code == 200


def test_an_operator_mutes_and_ends_it(as_role):
    operator = as_role("operator")
    rule = AlertRule.objects.create(name="r", kind="status")
    new = reverse("alerts-mute-new")
    both = operator.post(new, {"reason": "x", "minutes": 60, "rule": rule.pk, "company_id": "acme"})
    assert "not both" in both.text
    assert "over already" in operator.post(new, {"reason": "x", "minutes": 30, "starts_at": "2020-01-01 00:00"}).text

    operator.post(new, {"reason": "upgrade", "minutes": 60, "rule": rule.pk})
    mute = Mute.objects.get()
    assert (mute.ends_at - mute.starts_at).total_seconds() == 3600
    assert "upgrade" in operator.get(reverse("alerts")).text
    operator.post(reverse("alerts-mute-end", args=[mute.pk]))
    assert not Mute.objects.exists()


def test_the_usual_rules_come_with_one_press_and_not_twice(as_role):
    operator, channel = as_role("operator"), slack()
    assert "Add the usual rules" in operator.get(reverse("alerts")).text
    for _ in range(2):
        operator.post(reverse("alerts-usual-rules"))

    assert AlertRule.objects.count() == len(USUAL) == channel.rules.count()
    assert "Add the usual rules" not in operator.get(reverse("alerts")).text


def test_the_page_asks_the_database_the_same_for_few_alerts_and_for_many(as_role):
    viewer = as_role("viewer")
    viewer.get(reverse("alerts"))  # the session, which is cached from now on

    def fill(first: int, last: int) -> None:
        for n in range(first, last):
            rule = AlertRule.objects.create(name=f"r{n}", kind="status")
            rule.channels.add(slack(name=f"c{n}"))
            Alert.objects.create(rule=rule, key="k", since=T0, opened_at=T0)

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            viewer.get(reverse("alerts"))
        return len(found)

    fill(0, 2)
    few = queries()
    fill(2, 30)
    assert queries() == few
