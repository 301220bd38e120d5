import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse
from standardwebhooks.webhooks import Webhook

from dashboard import tickets
from dashboard.alerts import deliver, outbox
from dashboard.models import AlertDelivery, TriageAct
from migrations_sync.models import Migration
from tests import factories, receiver
from tests.factories import T0
from tests.test_alert_outbox import MINUTE, fails, seen_at

ZENDESK = "https://acme.zendesk.com/agent/tickets/{id}"
JIRA = "https://acme.example.com/browse/{id}?view=full"
SECRET = "whsec_cGxhbnRlZC1zZWNyZXQtb2YtMjQrLWJ5dGVz"


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("123", "zendesk:123"),
        (" #123 ", "zendesk:123"),
        ("zendesk:123", "zendesk:123"),
        ("https://acme.zendesk.com/agent/tickets/123", "zendesk:123"),
        ("https://ACME.zendesk.com/agent/tickets/123/?brand=1#c5", "zendesk:123"),
        ("https://acme.zendesk.com/agent/tickets/", "https://acme.zendesk.com/agent/tickets/"),
        ("https://elsewhere.example.com/7", "https://elsewhere.example.com/7"),
        ("jira:ABC-1", "jira:ABC-1"),
        ("mail from Robin", "mail from Robin"),
        ("javascript:alert(1)", "javascript:alert(1)"),
    ],
)
def test_one_ticket_is_written_in_one_way(settings, written, key):
    settings.TICKET_URL_TEMPLATES = {"zendesk": ZENDESK}
    found = tickets.read(written)

    assert found.key == key
    assert tickets.read(found.key) == found
    assert found.url.startswith("https://") or found.url == ""


def test_a_bare_number_stays_as_it_is_where_several_systems_could_be_meant(settings):
    settings.TICKET_URL_TEMPLATES = {"zendesk": ZENDESK, "jira": JIRA}
    assert tickets.read("123") == tickets.Ticket("123")
    assert tickets.read("https://acme.example.com/browse/ABC-9?view=full&x=1") == tickets.Ticket(
        "jira:ABC-9", "https://acme.example.com/browse/ABC-9?view=full"
    )


@pytest.mark.parametrize("text", ["", "  ", "a\nb", "a\x00", "x" * 501, "\u202eevil"])
def test_what_is_no_ticket_is_refused(text):
    with pytest.raises(ValueError, match="one line of at most 500"):
        tickets.read(text)


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"z": "https://x/"}', '{"Z Z": "https://x/{id}"}', '{"z": "ftp://x/{id}"}']
)
def test_a_wrong_template_stops_the_start_and_names_the_variable(text):
    with pytest.raises(ImproperlyConfigured, match=r"^TICKET_URL_TEMPLATES="):
        tickets.templates(text)


def tie(migration: Migration, key: str, at=T0) -> None:
    TriageAct.objects.create(migration=migration, kind="ticket", who="ann", at=at, text=key, status=migration.status)


@pytest.mark.django_db
def test_a_ticket_lists_its_migrations_however_it_is_written(client, settings):
    settings.TICKET_URL_TEMPLATES = {"zendesk": ZENDESK}
    client.force_login(User.objects.create_user("ann"))
    quoted, other = factories.migration("m/1 <b>"), factories.migration()
    for _ in range(2):
        tie(quoted, "zendesk:123")

    for written in ("123", "zendesk:123", "https://acme.zendesk.com/agent/tickets/123"):
        page = client.get(reverse("ticket", args=[written])).text
        assert page.count('data-migration-id="m/1 &lt;b&gt;"') == 1
        assert other.api_id not in page
        assert 'href="https://acme.zendesk.com/agent/tickets/123"' in page
    assert "No migration is tied" in client.get(reverse("ticket", args=["124"])).text
    assert client.get("/tickets/%00/").status_code == 404


@pytest.mark.django_db
def test_a_stranger_sees_no_ticket(client):
    assert reverse("login") in client.get(reverse("ticket", args=["1"])).headers["Location"]


@pytest.fixture
def desk(settings):
    """The ticket system's webhook."""
    settings.ALERTS_ALLOW_PRIVATE_URLS = True
    settings.TICKET_WEBHOOK_SECRET = SECRET
    settings.TICKET_URL_TEMPLATES = {"zendesk": ZENDESK}
    with receiver.running() as running:
        settings.TICKET_WEBHOOK_URL = running.url
        yield running


@pytest.mark.django_db
def test_a_ticket_hears_when_the_outcome_changes_after_it_was_quoted(desk):
    seen_at(T0)
    first, second, unquoted, early = (fails(to="WORKING", at=T0) for _ in range(4))
    tie(first, "zendesk:1")
    tie(second, "zendesk:1")
    tie(early, "zendesk:2", at=T0 + 5 * MINUTE)
    outbox.dispatch(T0)
    assert not AlertDelivery.objects.exists(), "nothing has ended yet"

    fails(first, at=T0 + MINUTE)
    fails(second, to="PENDING_USER_INPUT", at=T0 + MINUTE)
    fails(unquoted, at=T0 + MINUTE)
    fails(early, at=T0 + MINUTE)  # whoever quoted it later quoted this
    outbox.dispatch(T0 + MINUTE)
    outbox.dispatch(T0 + MINUTE)
    deliver.deliver()

    (got,) = desk.got
    event = Webhook(SECRET).verify(got.body, got.headers)
    assert event["type"] == "tickets.outcomes_changed"
    (ticket,) = event["data"]["tickets"]
    assert (ticket["ticket"], ticket["ticket_url"]) == ("zendesk:1", "https://acme.zendesk.com/agent/tickets/1")
    assert [(line["id"], line["was"], line["status"]) for line in ticket["migrations"]] == [
        (first.api_id, "WORKING", "FAILED")
    ]
    assert event["data"]["as_of"]


@pytest.mark.django_db
def test_without_a_webhook_no_ticket_is_told(settings):
    seen_at(T0)
    failing = fails(to="WORKING", at=T0)
    tie(failing, "1")
    fails(failing, at=T0 + MINUTE)

    outbox.dispatch(T0 + MINUTE)
    assert not AlertDelivery.objects.exists()
