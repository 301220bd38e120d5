from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session

from migrations_sync.models import Source

pytestmark = pytest.mark.django_db

PAGE = "/preferences/"


@pytest.fixture
def clock(time_machine):
    time_machine.move_to(datetime.now(UTC), tick=False)
    return time_machine


@pytest.fixture
def ann(client):
    user = User.objects.create_user("ann", password="a long enough secret")
    client.force_login(user)
    assert client.get(PAGE).status_code == 200
    return user


def signed_in(client) -> bool:
    return client.get(PAGE).status_code == 200


def test_a_session_ends_at_an_age_however_busy_it_is(clock, client, ann):
    for _ in range(12):
        clock.shift(3500)
        assert signed_in(client)
    clock.shift(3500)

    assert not signed_in(client)
    assert not Session.objects.exists()


def test_a_session_ends_when_nobody_uses_it(clock, client, ann, settings):
    clock.shift(settings.SESSION_IDLE_AGE - 10)
    assert signed_in(client)
    clock.shift(settings.SESSION_IDLE_AGE + 10)

    assert not signed_in(client)


def test_use_is_noted_seldom(clock, client, ann):
    before = Session.objects.get().session_data
    clock.shift(60)
    signed_in(client)

    assert Session.objects.get().session_data == before


def test_a_cookie_kept_from_before_signing_out_opens_nothing(client, ann):
    kept = client.cookies["sessionid"].value
    client.post("/accounts/logout/")

    client.cookies["sessionid"] = kept

    assert not signed_in(client)


def test_switching_an_account_off_ends_its_sessions_at_once(client, ann):
    User.objects.filter(pk=ann.pk).update(is_active=False)

    assert not signed_in(client)


def test_a_session_that_is_over_elsewhere_is_over_here_at_once(client, ann):
    Session.objects.all().delete()  # as another process does when somebody signs out there

    assert not signed_in(client)


def test_a_session_whose_time_ran_out_opens_nothing(client, ann):
    Session.objects.update(expire_date=datetime.now(UTC))

    assert not signed_in(client)


def test_a_session_that_passes_to_another_account_shows_that_account(client, ann, django_assert_num_queries):
    bob = User.objects.create_user("bob", password="a long enough secret")
    key = client.cookies["sessionid"].value
    client.force_login(bob)
    Session.objects.filter(pk=key).delete()
    Session.objects.update(session_key=key)
    client.cookies["sessionid"] = key

    assert "Signed in as <strong>bob</strong>" in client.get(PAGE).text
    with django_assert_num_queries(1):
        client.get(PAGE)


def test_a_changed_session_is_not_mistaken_for_the_one_before(client, ann):
    stored = Session.objects.get()
    data = stored.get_decoded()
    Session.objects.update(session_data=Session.objects.encode(data | {"role": "operator"}))

    assert "operator" in client.get(PAGE).text
    assert client.get(PAGE).status_code == 200


def test_people_sign_in_before_there_is_a_mirror(client, ann):
    Source.objects.all().delete()

    assert "Signed in as <strong>ann</strong>" in client.get(PAGE).text


def test_a_new_password_ends_the_other_sessions(client, ann):
    ann.set_password("another long secret")
    ann.save()

    assert not signed_in(client)


def test_a_session_id_from_before_signing_in_is_not_kept(client, ann):
    client.post("/accounts/logout/")
    client.cookies["sessionid"] = "planted0000000000000000000000000"

    client.post("/accounts/login/", {"username": "ann", "password": "a long enough secret"})

    assert client.cookies["sessionid"].value != "planted0000000000000000000000000"
    assert signed_in(client)


@pytest.mark.parametrize(
    "cookie",
    ['"\\000abcdefgh"', "x", "a" * 5000, "é" * 32, "../../etc/passwd", "' OR 1=1 --", '"\\377\\376aaaaaaaa"'],
)
def test_a_forged_cookie_is_a_stranger(client, ann, cookie):
    stranger = client.get(PAGE, headers={"cookie": f"sessionid={cookie}"})

    assert stranger.status_code == 302
    form = {"username": "ann", "password": "a long enough secret"}
    assert client.post("/accounts/login/", form, headers={"cookie": f"sessionid={cookie}"}).status_code == 302
