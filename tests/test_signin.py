from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import requests
from django.contrib.auth.models import User
from django.test import Client

from dashboard.models import AuditEntry
from tests.reading import field

pytestmark = pytest.mark.django_db

PASSWORD = "a long enough secret"
LOGIN = "/accounts/login/"


@pytest.fixture
def clock(time_machine):
    time_machine.move_to(datetime.now(UTC), tick=False)
    return time_machine


@pytest.fixture
def ann():
    return User.objects.create_user("ann", password=PASSWORD)


def sign_in(client, name="ann", password=PASSWORD, **more):
    return client.post(LOGIN, {"username": name, "password": password, **more})


def acts():
    return list(AuditEntry.objects.order_by("id").values_list("act", "who"))


def test_a_link_opened_before_signing_in_is_where_one_lands_after_it(client, ann):
    answer = client.get("/m/8f3a21c0?at=2026-11-20T12:00:00Z&ref=T-1")
    assert answer.status_code == 302
    form = client.get(answer["Location"])

    landed = sign_in(client, next=field(form, "next"))

    assert landed["Location"] == "/m/8f3a21c0?at=2026-11-20T12:00:00Z&ref=T-1"


@pytest.mark.parametrize(
    "elsewhere",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
     "http:///evil.example", "///evil.example", "https:evil.example", "\x00//evil.example", " //evil.example",
     "/\t/evil.example", "//testserver@evil.example", "data:text/html,x"],
)  # fmt: skip
def test_signing_in_never_leads_to_another_host(client, ann, elsewhere):
    landed = sign_in(client, next=elsewhere)

    assert landed.status_code == 302
    assert landed["Location"] == "/"


def test_an_account_is_locked_for_the_address_that_guesses_at_it(client, ann):
    for _ in range(10):
        sign_in(client, password="wrong")

    locked = sign_in(client)
    assert locked.status_code == 429
    assert "Too many tries to sign in" in locked.content.decode()
    assert "Try again in 15 minutes" in locked.content.decode()
    assert locked["Retry-After"] == "900"
    assert client.get("/preferences/").status_code == 302

    from_elsewhere = client.post(LOGIN, {"username": "ann", "password": PASSWORD}, REMOTE_ADDR="192.0.2.1")
    assert from_elsewhere.status_code == 302


def test_the_lock_ends_by_itself(client, ann, clock):
    for _ in range(10):
        sign_in(client, password="wrong")
    assert sign_in(client).status_code == 429

    clock.shift(16 * 60)

    assert sign_in(client).status_code == 302


def test_an_address_that_tries_many_accounts_is_held_up(client, ann):
    answers = [sign_in(client, name=f"nobody-{n}", password="wrong").status_code for n in range(31)]

    assert answers == [200] * 30 + [429]
    assert sign_in(client).status_code == 429


def test_an_account_that_many_addresses_guess_at_is_held_up(client, ann):
    def guess(n):
        return client.post(LOGIN, {"username": "ann", "password": "wrong"}, REMOTE_ADDR=f"192.0.2.{n}")

    assert {guess(n).status_code for n in range(100)} == {200}
    assert guess(200).status_code == 429


def test_signing_in_and_out_is_written_down(client, ann):
    sign_in(client, password="wrong")
    sign_in(client, name="a password typed as a name", password="wrong")
    sign_in(client)
    client.post("/accounts/logout/")

    assert acts() == [
        ("login.failed", "ann"), ("login.failed", "(no such account)"), ("login", "ann"), ("logout", "ann"),
    ]  # fmt: skip
    assert AuditEntry.objects.get(act="login").detail == "by password, as viewer"


def test_a_lock_is_written_down_once(client, ann):
    for _ in range(14):
        sign_in(client, password="wrong")

    assert [act for act, _ in acts()].count("login.locked") == 1
    assert [act for act, _ in acts()].count("login.failed") <= 10


def test_signing_out_takes_a_form_not_a_link(client, ann):
    sign_in(client)

    assert client.get("/accounts/logout/").status_code == 405
    assert client.get("/preferences/").status_code == 200


def change_password(client, old=PASSWORD, new="another long secret"):
    return client.post("/account/password/", {"old_password": old, "new_password1": new, "new_password2": new})


def test_a_person_changes_their_password_and_is_signed_out_everywhere_else(client, ann):
    elsewhere = Client()
    for browser in (client, elsewhere):
        browser.force_login(ann, "dashboard.backends.Password")

    assert change_password(client).status_code == 302

    assert client.get("/preferences/").status_code == 200
    assert elsewhere.get("/preferences/").status_code == 302
    assert sign_in(Client(), password="another long secret").status_code == 302
    assert ("password.changed", "ann") in acts()


@pytest.mark.parametrize(
    ("old", "new"), [("wrong", "another long secret"), (PASSWORD, "short"), (PASSWORD, "password1234")]
)
def test_a_password_that_will_not_do_changes_nothing(client, ann, old, new):
    client.force_login(ann, "dashboard.backends.Password")

    page = change_password(client, old, new)

    assert 'class="error"' in page.content.decode()
    assert sign_in(Client()).status_code == 302


def test_whoever_signs_in_elsewhere_has_no_password_to_change(client):
    client.force_login(User.objects.create_user("ann"), "dashboard.backends.Password")

    assert "you sign in elsewhere" in client.get("/account/password/").content.decode()


def test_the_administration_pages_have_no_door_of_their_own(client, ann):
    assert client.get("/admin/login/?next=/admin/auth/user/")["Location"] == (
        "/accounts/login/?next=/admin/auth/user/"
    )
    assert client.post("/admin/login/", {"username": "ann", "password": PASSWORD}).status_code == 302
    assert client.get("/preferences/").status_code == 302

    sign_in(client)
    refused = client.get("/admin/", follow=True)
    assert refused.status_code == 403
    assert "you need the role “admin”" in refused.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_storm_of_sign_ins_ends_in_no_server_error(live_server):
    User.objects.create_user("ann", password=PASSWORD)

    def guess(n):
        return requests.post(live_server.url + LOGIN, {"username": "ann", "password": f"guess {n}"}, timeout=60)

    with ThreadPoolExecutor(8) as pool:
        statuses = {answer.status_code for answer in pool.map(guess, range(60))}

    # Without the form's own token each is refused before it costs anything.
    assert statuses == {403}

    def guess_in_earnest(n):
        session = requests.Session()
        token = session.get(live_server.url + LOGIN, timeout=60).text.split('csrfmiddlewaretoken" value="')[1][:64]
        form = {"username": "ann", "password": f"guess {n}", "csrfmiddlewaretoken": token}
        return session.post(live_server.url + LOGIN, form, timeout=60).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = set(pool.map(guess_in_earnest, range(40)))
    assert statuses <= {200, 429}
    assert 429 in statuses
