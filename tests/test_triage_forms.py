"""What people do about a migration on its page, and what the page then says."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from dashboard import roles
from dashboard.models import TriageAct, TriageState
from migrations_sync.models import Migration
from tests import factories
from tests.reading import events, part, text

pytestmark = pytest.mark.django_db
PAGE = "/migrations/one/"


@pytest.fixture
def one() -> Migration:
    return factories.migration("one", status="FAILED")


@pytest.fixture
def robin(client: Client) -> Client:
    return signed_in(client, "robin", "triager")


def signed_in(client: Client, name: str, role: str) -> Client:
    user = User.objects.create_user(name)
    roles.assign(user, role)
    client.force_login(user)
    return client


def do(person: Client, act: str, **sent: Any) -> Any:
    return person.post(f"/triage/{act}/", {"migration": "one", **sent}, follow=True)


def test_a_note_stands_on_the_timeline_told_apart_from_what_happened_upstream(robin: Client, one: Migration) -> None:
    page = do(robin, "note", text="Called <them>\nTwice")

    assert events(page)[0].startswith("robin wrote a note")
    assert events(page)[0].endswith("Called <them> Twice")
    assert 'class="human"' in page.content.decode()
    assert "The note is on the timeline." in text(page)


def test_a_ticket_is_a_link_where_its_address_is_known(robin: Client, one: Migration, settings: Any) -> None:
    settings.TICKET_URL_TEMPLATES = {"desk": "https://desk.example/tickets/{id}"}
    do(robin, "ticket", text="#17")
    do(robin, "ticket", text="https://desk.example/tickets/17")
    page = do(robin, "ticket", text="https://tickets.example/T-2")

    assert part(page, "triage-state").count("desk:17") == 1
    assert "robin tied a ticket to it" in events(page)[2]
    assert '<a href="https://desk.example/tickets/17" rel="noopener noreferrer">' in page.content.decode()
    assert '<a href="https://tickets.example/T-2" rel="noopener noreferrer">' in page.content.decode()
    assert text(robin.get("/tickets/desk:17/")).count("one") == 1
    script = do(robin, "ticket", text="javascript:alert(1)")
    assert 'href="javascript' not in script.content.decode()


def test_a_link_from_a_ticket_offers_to_tie_it_and_changes_nothing(robin: Client, one: Migration) -> None:
    page = robin.get(f"{PAGE}?ref=T-9")

    assert 'name="text" value="T-9"' in page.content.decode()
    assert not TriageAct.objects.exists()


def test_an_acknowledgement_says_by_whom_and_why_and_can_be_ended(robin: Client, one: Migration) -> None:
    page = do(robin, "acknowledge", text="they start again")
    assert "Acknowledged by robin at" in part(page, "triage-state")
    assert "they start again" in part(page, "triage-state")

    page = do(robin, "reopen")
    assert "Acknowledged" not in part(page, "triage-state")
    assert events(page)[0].startswith("robin raised it again")
    assert events(page)[1].startswith("robin acknowledged it")


def test_an_acknowledgement_is_over_when_something_happens(robin: Client, one: Migration) -> None:
    do(robin, "acknowledge", text="seen")
    Migration.objects.filter(pk=one.pk).update(status_changed_at=timezone.now())

    assert "Acknowledged" not in part(robin.get(PAGE), "triage-state")


def test_a_snooze_says_until_when(robin: Client, one: Migration) -> None:
    page = do(robin, "snooze", until="4h", text="vendor outage")

    until = timezone.now() + timedelta(hours=4)
    assert f"until {until:%Y-%m-%d %H:}" in part(page, "triage-state")
    assert "Snoozed by robin" in part(page, "triage-state")
    assert f"robin snoozed it until {until:%Y-%m-%d %H:}" in events(page)[0]
    page = do(robin, "snooze")
    assert "until" not in part(page, "triage-state")


def test_one_takes_a_migration_and_gives_it_back(robin: Client, one: Migration) -> None:
    page = do(robin, "assign")
    assert "You look after it." in part(page, "triage-state")
    assert "Give it back" in text(page)

    other = signed_in(Client(), "kim", "viewer").get(PAGE)
    assert "robin looks after it." in part(other, "triage-state")

    assert "Nobody looks after it yet." in part(do(robin, "release"), "triage-state")


@pytest.mark.parametrize(
    ("act", "sent", "words"),
    [
        ("note", {"text": "  "}, "Write something into the note."),
        ("note", {"text": "x" * 4001}, "at most 4000 characters"),
        ("note", {"text": "a\0b"}, "Null characters are not allowed."),
        ("ticket", {"text": "T-1\nT-2"}, "is one line"),
        ("acknowledge", {}, "Say why"),
        ("snooze", {"until": "soon"}, "Use a length such as"),
    ],
)
def test_what_cannot_be_used_is_told_and_changes_nothing(
    robin: Client, one: Migration, act: str, sent: dict[str, str], words: str
) -> None:
    assert words in text(do(robin, act, **sent))
    assert not TriageAct.objects.exists()


def test_nobody_acknowledges_what_they_have_not_seen(robin: Client, one: Migration) -> None:
    seen = robin.get(PAGE).content.decode().split('name="seen" form="acknowledge" value="')[1].split('"')[0]
    assert "You acknowledged it" in text(do(robin, "acknowledge", text="seen", seen=seen))
    Migration.objects.filter(pk=one.pk).update(status_changed_at=timezone.now())

    assert "nothing was done" in text(do(robin, "acknowledge", text="seen", seen=seen))
    assert TriageAct.objects.count() == 1


def test_many_are_done_at_once_and_one_comes_back_to_where_one_was(robin: Client, one: Migration) -> None:
    factories.migration("two", status="FAILED")
    sent = {"migration": ["one", "two", "no-such", "a\0"], "text": "outage", "next": "/migrations/?status=FAILED"}

    answer = robin.post("/triage/acknowledge/", sent)

    assert answer["Location"] == "/migrations/?status=FAILED"
    assert TriageState.objects.filter(quiet__isnull=False).count() == 2


def test_no_form_leads_away(robin: Client, one: Migration) -> None:
    answer = robin.post("/triage/assign/", {"migration": "one", "next": "https://elsewhere.example/"})

    assert answer["Location"] == PAGE


@pytest.mark.parametrize("act", ["note", "ticket", "acknowledge", "snooze", "reopen", "assign", "release"])
def test_triage_is_for_those_who_may(client: Client, one: Migration, act: str) -> None:
    viewer = signed_in(client, "kim", "viewer")

    refused = viewer.post(f"/triage/{act}/", {"migration": "one", "text": "x"})

    assert refused.status_code == 403
    assert "you need the role “triager”" in text(refused)
    assert not TriageAct.objects.exists()
    assert f"/triage/{act}/" not in viewer.get(PAGE).content.decode()
    assert viewer.get(f"/triage/{act}/").status_code == 405


def test_a_form_of_another_site_is_refused(one: Migration) -> None:
    strict = signed_in(Client(enforce_csrf_checks=True), "robin", "triager")

    assert strict.post("/triage/assign/", {"migration": "one"}).status_code == 403
    assert not TriageAct.objects.exists()


def test_an_act_that_does_not_exist_is_not_found(robin: Client, one: Migration) -> None:
    assert robin.post("/triage/delete/", {"migration": "one"}).status_code == 404
