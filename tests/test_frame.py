"""What stands around every page: freshness, banner, sections, preferences, sign-in and error pages."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.views.defaults import server_error

from migrations_sync.models import BlindSpot, Source, StatusCount
from tests.reading import text

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(datetime.now(UTC), tick=False):
        yield


@pytest.fixture
def person(client: Client) -> Client:
    client.force_login(User.objects.create_user("robin"))
    return client


def mirror_as_of(age: timedelta, **fields: object) -> Source:
    source = Source.default()
    at = datetime.now(UTC) - age
    Source.objects.filter(pk=source.pk).update(succeeded_at=at, attempted_at=at, swept_at=at, **fields)
    return source


def test_a_fresh_mirror_says_as_of_when_and_shows_no_banner(person: Client) -> None:
    mirror_as_of(timedelta(seconds=20))

    page = person.get("/preferences/").content.decode()

    assert "<time data-freshness datetime=" in page
    assert "20 s ago" in page
    assert "This data is old" not in page
    assert "can't see" not in page


def test_an_old_mirror_says_so_above_every_page(person: Client) -> None:
    mirror_as_of(timedelta(hours=2))

    page = person.get("/preferences/").content.decode()

    assert "This data is old." in page
    assert "No sync has come through for 2 h 0 min" in page


def test_a_partial_sweep_asks_for_a_person_though_the_rest_is_fresh(person: Client) -> None:
    mirror_as_of(timedelta(seconds=20), doubt="40 migrations are missing from the list at once")

    page = person.get("/preferences/").content.decode()

    assert "The last full sweep was only partial." in page
    assert "40 migrations are missing" in page


def test_a_blind_mirror_says_since_when_and_why(person: Client) -> None:
    source = mirror_as_of(timedelta(hours=2), failures=3)
    began = datetime(2026, 11, 20, 10, 2, 3, tzinfo=UTC)
    BlindSpot.objects.create(source=source, cause="refused", started_at=began)

    page = text(person.get("/preferences/"))

    assert "The mirror can't see the API since 2026-11-20 10:02:03 UTC." in page
    assert "the API refused the key." in page


def test_a_mirror_that_was_never_filled_says_that_it_is_not_complete(person: Client) -> None:
    page = person.get("/preferences/").content.decode()

    assert "No data yet" in page
    assert "The first sync has not come through yet." in page

    Source.objects.update(last_error="GET /migrations?page=1: connection refused", failures=1)
    page = person.get("/preferences/").content.decode()

    assert "The first sync has not come through yet. GET /migrations?page=1: connection refused." in page


def test_the_frame_costs_one_query_while_the_mirror_stands_still(person: Client, django_assert_num_queries) -> None:
    mirror_as_of(timedelta(seconds=20))
    StatusCount.objects.create(source=Source.default(), status="FAILED", n=3)
    person.get("/preferences/")

    with django_assert_num_queries(1):  # session, account and mirror at once; what asks for a person is cached
        person.get("/preferences/")


def test_preferences_are_kept_in_the_browser_and_change_how_times_are_told(person: Client) -> None:
    mirror_as_of(timedelta(hours=2))

    answer = person.post(
        "/preferences/",
        {
            "part": ["columns", "keys"],
            "theme": "dark",
            "zone": "Asia/Dubai",
            "per_page": "100",
            "columns": ["company", "created"],
        },
    )
    page = person.get("/preferences/").content.decode()

    assert answer.status_code == 302
    assert 'data-theme="dark"' in page
    assert 'data-keys="off"' in page
    assert "UTC+04" in page
    assert "<option selected>100</option>" in page


def test_a_zone_that_does_not_exist_is_refused_with_its_name_and_nothing_is_saved(person: Client) -> None:
    answer = person.post("/preferences/", {"part": ["keys"], "zone": "../etc/passwd"})

    assert answer.status_code == 200
    assert "There is no time zone called “../etc/passwd”" in answer.content.decode()
    assert "preferences" not in answer.cookies


def test_choosing_a_theme_in_the_menu_goes_back_to_where_it_was_chosen_but_never_elsewhere(person: Client) -> None:
    here = person.post("/preferences/", {"theme": "light", "next": "/preferences/?x=1"})
    elsewhere = person.post("/preferences/", {"theme": "light", "next": "https://example.org/"})

    assert here["Location"] == "/preferences/?x=1"
    assert elsewhere["Location"] == "/preferences/"


def test_looking_changes_no_preference(person: Client) -> None:
    assert "preferences" not in person.get("/preferences/?theme=dark").cookies


@pytest.mark.parametrize(
    "cookie", ["theme=<script>", "zone=%00", "zone=/etc", "per_page=9999", "hide=status", "=&&=", "%FF"]
)
def test_a_spoiled_cookie_counts_as_not_chosen(person: Client, cookie: str) -> None:
    person.cookies["preferences"] = cookie

    answer = person.get("/preferences/")

    assert answer.status_code == 200
    assert "data-theme" not in answer.content.decode()
    assert "Times are UTC" in answer.content.decode()


def test_the_sign_in_page_asks_the_mirror_nothing(client: Client, django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        page = client.get("/accounts/login/?next=/preferences/").content.decode()

    assert "Then you go on to the page you asked for." in page


def test_a_wrong_password_is_said_beside_the_fields(client: Client) -> None:
    page = client.post("/accounts/login/", {"username": "robin", "password": "wrong"}).content.decode()

    assert 'role="alert"' in page
    assert page.count('aria-invalid="true"') == 2


def test_a_page_that_does_not_exist_names_the_address_and_a_way_on(person: Client) -> None:
    answer = person.get("/nowhere/<b>/")

    assert answer.status_code == 404
    assert "/nowhere/&lt;b&gt;/" in answer.content.decode()


def test_a_form_without_its_token_is_refused_in_words(db: None) -> None:
    strict = Client(enforce_csrf_checks=True)

    answer = strict.post("/accounts/login/", {"username": "robin", "password": "x"})

    assert answer.status_code == 403
    assert "This form has expired" in answer.content.decode()


def test_a_broken_page_needs_nothing_that_may_be_broken(rf: RequestFactory, settings) -> None:
    settings.STORAGES = {}  # not even static files can be named

    answer = server_error(rf.get("/"))

    assert answer.status_code == 500
    assert b"Something broke here" in answer.content
