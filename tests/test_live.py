from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group, Permission, User

from dashboard import latency, release, roles
from migrations_sync.models import Source
from tests import factories
from tests.factories import T0

pytestmark = pytest.mark.django_db
LIVE = "/live/?since=2026-11-20T11:00:00Z"


@pytest.fixture
def person(client, db):
    client.force_login(User.objects.create_user("ann"))
    source = Source.default()
    Source.objects.filter(pk=source.pk).update(succeeded_at=T0, swept_at=T0)
    with time_machine.travel(T0 + timedelta(seconds=10), tick=False):
        yield client


def etag(person, path=LIVE, **headers):
    return person.get(path, headers=headers)["ETag"]


def test_a_page_learns_how_much_changed_since_it_was_made(person):
    factories.migration(changed_at=T0 - timedelta(minutes=30))
    factories.migration(changed_at=T0 - timedelta(hours=2))

    assert person.get(LIVE).json() == {
        "version": Source.default().version,
        "now": "2026-11-20T12:00:10Z",
        "as_of": "2026-11-20T12:00:00Z",
        "clock": "12:00:00 UTC",
        "level": "fresh",
        "attention": 0,
        "changed": 1,
    }


@pytest.mark.parametrize("since", ["yesterday", "2026-13-01T00:00:00Z", "2026-11-20T12:00:00", "0"])
def test_a_time_that_can_not_be_read_is_refused_by_name(person, since):
    answer = person.get("/live/", {"since": since})

    assert answer.status_code == 400
    assert answer.json()["error"].startswith("since:")


def test_while_nothing_changed_the_answer_is_304_and_asks_one_question(person, django_assert_num_queries):
    known = etag(person)
    with django_assert_num_queries(1):  # whose session it is, and the state of the mirror
        again = person.get(LIVE, headers={"If-None-Match": known})

    assert (again.status_code, again.content) == (304, b"")
    assert again["ETag"] == known


def test_any_change_of_the_mirror_ends_the_304(person):
    known = etag(person)
    Source.default().touch()

    assert person.get(LIVE, headers={"If-None-Match": known}).status_code == 200


def test_growing_old_ends_the_304_though_the_mirror_stands_still(person):
    known = etag(person)
    with time_machine.travel(T0 + timedelta(minutes=20), tick=False):
        answer = person.get(LIVE, headers={"If-None-Match": known})

    assert answer.json()["level"] == "stale"


def test_another_reader_another_address_and_other_preferences_are_other_pages(person, client):
    known = etag(person)
    assert etag(person, LIVE + "&x=1") != known

    person.post("/preferences/", {"theme": "dark"})
    dark = etag(person)
    assert dark != known

    person.force_login(User.objects.create_user("bob"))
    assert etag(person) not in (known, dark)


def test_nothing_of_it_may_be_kept_by_others(person):
    answer = person.get(LIVE)

    assert "private" in answer["Cache-Control"]
    assert "Cookie" in answer["Vary"]


def test_without_a_login_there_is_nothing_to_learn(client, db):
    assert client.get(LIVE).status_code == 302


def test_the_name_of_the_release_follows_its_files(settings, tmp_path):
    settings.BASE_DIR = tmp_path
    page = tmp_path / "templates" / "page.html"
    page.parent.mkdir()

    def name() -> str:
        release.release.cache_clear()
        return release.release()

    try:
        page.write_text("one")
        first = name()
        assert name() == first
        page.write_text("two")
        assert name() != first
    finally:
        release.release.cache_clear()


def test_the_clock_of_the_answer_is_that_of_the_server(person):
    with time_machine.travel(datetime(2026, 11, 20, 12, 1, tzinfo=UTC), tick=False):
        assert person.get(LIVE).json()["now"] == "2026-11-20T12:01:00Z"


def test_another_role_ends_the_304(person):
    known = etag(person)
    roles.assign(User.objects.get(), "operator")

    assert person.get(LIVE, headers={"If-None-Match": known}).status_code == 200


@pytest.mark.parametrize("other", ["*", '"another"', ""])
def test_only_what_the_reader_has_is_not_sent_again(person, other):
    assert person.get(LIVE, headers={"If-None-Match": other}).status_code == (304 if other == "*" else 200)
    assert person.get("/nowhere/", headers={"If-None-Match": other}).status_code == 404


def test_a_304_is_for_whom_the_page_was_made(person, client):
    known = etag(person)
    client.logout()
    assert client.get(LIVE, headers={"If-None-Match": known}).status_code == 302
    client.force_login(User.objects.create_user("somebody else"))
    assert client.get(LIVE, headers={"If-None-Match": known}).status_code == 200


def test_behind_a_proxy_that_names_people_it_is_304_too(person, settings):
    settings.TRUSTED_PROXY_HEADER = "X-Forwarded-User"

    assert person.get(LIVE, headers={"If-None-Match": etag(person)}).status_code == 304


def test_what_is_304_is_counted_by_the_name_of_its_page(person):
    known = etag(person)
    before = counted("live", "3xx")

    assert person.get(LIVE, headers={"If-None-Match": known}).status_code == 304
    assert counted("live", "3xx") == before + 1


def counted(page, status):
    """How many answers were counted of that page and kind."""
    samples = latency.PAGES.labels(page, status).collect()[0].samples
    return next(sample.value for sample in samples if sample.name.endswith("_count"))


def test_a_file_asks_nobody_who_it_is_for(person, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = person.get("/static/css/base.css", headers={"If-None-Match": '"6b0c80a9-2916"'})
    answer.close()
    assert answer.status_code == 200


@pytest.mark.parametrize("where", ["of the reader", "of a group", "all"])
def test_other_permissions_end_the_304(person, where):
    ann, permission = User.objects.get(), Permission.objects.get(codename="sync_now")
    known = etag(person)
    if where == "of the reader":
        ann.user_permissions.add(permission)
    elif where == "of a group":
        Group.objects.first().permissions.remove(permission)
        Group.objects.first().permissions.add(permission)
    else:
        User.objects.update(is_superuser=True)

    assert person.get(LIVE, headers={"If-None-Match": known}).status_code == 200
