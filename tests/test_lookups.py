"""Links to migrations that the mirror does not hold: the API is asked, once, and what can't be shown is explained."""

import threading
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from dashboard import lookups, roles
from dashboard.models import AuditEntry
from migrations_sync.models import Migration, QuarantinedRow, Source, StatusChange
from tests import factories
from tests.api_server import KEY, ApiServer, reset, row
from tests.reading import events, link, text, title

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def configured(settings: Any, api: ApiServer) -> None:
    settings.MIGRATIONS_API_URL = api.url
    settings.MIGRATIONS_API_KEY = KEY


@pytest.fixture
def person(client: Client) -> Client:
    user = User.objects.create_user("robin")
    roles.assign(user, "operator")
    client.force_login(user)
    return client


def asked(api: ApiServer) -> list[str]:
    return [request.target.partition("/migrations/")[2] for request in api.requests]


@pytest.mark.parametrize("api_id", ["new-1", "a/b c", "ü.", "x" * 255])
def test_a_link_works_before_the_mirror_knows_the_migration(person: Client, api: ApiServer, api_id: str) -> None:
    api.rows = [row(api_id, status="WORKING")]

    page = person.get(f"/migrations/{quote(api_id, safe='')}/")

    assert page.status_code == 200
    assert title(page).startswith("Working · ")
    assert Migration.objects.get().api_id == api_id
    assert asked(api) == [quote(api_id, safe="")]
    person.get(f"/migrations/{quote(api_id, safe='')}/")
    assert len(api.requests) == 1


def test_after_the_first_sweep_it_is_news_that_an_opened_link_brought(person: Client, api: ApiServer) -> None:
    Source.objects.filter(pk=Source.default().pk).update(baseline_at=timezone.now())
    api.rows = [row("new-1", status="WORKING")]

    assert "seen by opened link" in events(person.get("/migrations/new-1/"))[0]


def test_an_id_that_the_api_does_not_know_is_not_found_and_says_when_it_was_asked(
    person: Client, api: ApiServer
) -> None:
    page = person.get("/migrations/no-such/?at=2026-11-20T10:00:00Z")

    assert page.status_code == 404
    assert f"the API, asked at {timezone.now():%Y-%m-%d %H:}" in text(page)
    assert "does not know it either" in text(page)
    assert link(page, "Ids that begin alike") == "/migrations/?q=no-such"
    assert not Migration.objects.exists()


def test_a_link_that_many_follow_in_vain_asks_once_a_minute(person: Client, api: ApiServer) -> None:
    for _ in range(5):
        assert person.get("/migrations/no-such/").status_code == 404
    assert asked(api) == ["no-such"]


def test_many_who_ask_at_once_share_one_request(settings: Any, api: ApiServer, monkeypatch: Any) -> None:
    waiting = threading.Barrier(2)
    api.before_answer = lambda request: waiting.wait(10)
    monkeypatch.setattr(lookups, "_held", lambda: None)  # the database of a test is one thread's own
    monkeypatch.setattr("migrations_sync.tasks.one.look_up", _ask_only)
    answers: list[lookups.Answer] = []
    threads = [
        threading.Thread(target=lambda who=who: answers.append(lookups.ask("no-such", who=who))) for who in range(4)
    ]
    for thread in threads:
        thread.start()
    waiting.wait(10)  # one request is in flight; the others wait for it
    for thread in threads:
        thread.join(10)

    assert [answer.outcome for answer in answers] == ["unknown"] * 4
    assert asked(api) == ["no-such"]


def _ask_only(client: Any, api_id: str, *, via: str) -> Any:
    from migrations_sync.exceptions import NotFoundError
    from migrations_sync.sync.one import LookUp

    with pytest.raises(NotFoundError):
        client.get_migration(api_id)
    return LookUp(api_id, None, timezone.now(), known=False)


@pytest.mark.parametrize("fault", [503, 429, reset, 401])
def test_an_api_that_cannot_be_asked_is_told_with_a_way_to_try_again(
    person: Client, api: ApiServer, fault: Any
) -> None:
    api.always_answer(fault)

    page = person.get("/migrations/new-1/")

    assert page.status_code == 503
    assert page["Retry-After"]
    assert "Whether there is such a migration can't be said now." in text(page)
    assert KEY not in page.content.decode()
    assert len(api.requests) == 1  # who waits for a page does not wait for retries
    api.behave()
    api.rows = [row("new-1")]
    cache.clear()  # as five seconds do
    assert person.get(link(page, "Try again")).status_code == 200


def test_an_api_that_asked_for_silence_is_not_asked(person: Client, api: ApiServer) -> None:
    Source.objects.filter(pk=Source.default().pk).update(hold_until=timezone.now() + timedelta(minutes=5))

    page = person.get("/migrations/new-1/")

    assert page.status_code == 503
    assert "the API asked not to be asked before" in text(page)
    assert api.requests == []


def test_one_person_cannot_use_up_the_api(person: Client, api: ApiServer, monkeypatch: Any) -> None:
    monkeypatch.setattr(lookups, "A_PERSON", 3)

    found = [person.get(f"/migrations/no-{number}/").status_code for number in range(5)]

    # A minute may turn in between; then there is one more.
    assert found.count(404) in (3, 4, 5)
    assert len(api.requests) == found.count(404)
    if found.count(503):
        assert "Too many look-ups at once" in text(person.get("/migrations/no-9/"))


@pytest.mark.parametrize(
    ("api_id", "why"),
    [
        ("x" * 256, "longer than 255 characters"),
        ("a%00b", "characters that cannot be seen"),
        ("a%0Ab", "characters that cannot be seen"),
        ("%20", "it is empty"),
    ],
)
def test_what_cannot_be_an_id_is_told_and_not_asked_for(
    person: Client, api: ApiServer, api_id: str, why: str
) -> None:
    page = person.get(f"/migrations/{api_id}/")

    assert page.status_code == 404
    assert why in text(page)
    assert api.requests == []


def test_an_answer_that_cannot_be_read_is_told_and_kept(person: Client, api: ApiServer) -> None:
    api.rows = [row("odd", created="yesterday")]

    page = person.get("/migrations/odd/")

    assert page.status_code == 404
    assert "sent something under this id that can't be read" in text(page)
    assert QuarantinedRow.objects.get().reason in text(page)


def test_a_check_asks_the_api_and_the_timeline_says_who_did(person: Client, api: ApiServer) -> None:
    Source.objects.filter(pk=Source.default().pk).update(baseline_at=timezone.now())
    factories.migration("one", status="WORKING")
    api.rows = [row("one", status="FAILED")]

    page = person.post("/check/", {"migration": "one"}, follow=True)

    assert title(page).startswith("Failed · one")
    assert "What you see is what it said." in text(page)
    assert any(event.startswith("robin asked the API for it") for event in events(page))
    assert StatusChange.objects.get().via == "check"
    assert AuditEntry.objects.filter(act="check").values_list("who", "migration").get() == ("robin", "one")


def test_a_check_that_the_api_refuses_changes_nothing(person: Client, api: ApiServer) -> None:
    factories.migration("one", status="WORKING")

    page = person.post("/check/", {"migration": "one"}, follow=True)

    assert "it does not know this id. The next full sweep decides." in text(page)
    assert Migration.objects.get().gone_at is None


def test_a_check_is_for_those_who_may(client: Client, api: ApiServer) -> None:
    client.force_login(User.objects.create_user("viewer"))
    factories.migration("one")

    assert "Check now" not in text(client.get("/migrations/one/"))
    refused = client.post("/check/", {"migration": "one"})
    assert refused.status_code == 403
    assert "you need the role “operator”" in text(refused)
    assert api.requests == []
    assert client.get("/check/").status_code == 405


@pytest.mark.parametrize("tail", ["", ".", ",", ";", ":", ")", "]", ">", ").", "%20", "%20.", "/"])
def test_a_short_link_forgives_what_the_sentence_around_it_left(person: Client, tail: str) -> None:
    factories.migration("one")

    answer = person.get(f"/m/one{tail}?at=now&x=%C3%BC")

    assert answer.status_code == 302
    assert answer["Location"] == "/migrations/one/?at=now&x=%C3%BC"


def test_a_short_link_to_an_id_that_really_ends_so_leads_there(person: Client) -> None:
    factories.migration("one")
    factories.migration("one).")

    assert person.get("/m/one).")["Location"] == "/migrations/one%29./"
    assert person.get("/m/one)")["Location"] == "/migrations/one/"
    assert person.get("/m/%20one")["Location"] == "/migrations/one/"


def test_a_short_link_to_an_unknown_id_forgives_too(person: Client, api: ApiServer) -> None:
    api.rows = [row("new/1")]

    assert person.get("/m/new/1).", follow=True).status_code == 200
    assert person.get("/m/...", follow=True).status_code == 404
