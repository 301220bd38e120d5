"""Single sign-on against a real OpenID Connect provider on loopback."""

from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.contrib.auth.models import User
from django.urls import reverse

from dashboard import roles, sso
from dashboard.models import AuditEntry, Identity
from tests import factories, oidc_provider
from tests.reading import text

pytestmark = [pytest.mark.django_db, pytest.mark.once]

CALLBACK = "/accounts/sso/callback/"
TICKET = "/m/m-1?ref=T-1"


@pytest.fixture(scope="module")
def provider():
    with oidc_provider.running() as issuer:
        yield issuer


@pytest.fixture(autouse=True)
def set_up(db, settings, provider):
    settings.OIDC_ISSUER = provider
    settings.OIDC_CLIENT_ID = "dashboard"
    settings.OIDC_CLIENT_SECRET = "not told to anybody"
    settings.OIDC_GROUP_ROLES = {"support": "triager", "platform": "operator"}
    sso._registered.cache_clear()
    factories.migration("m-1")


@pytest.fixture
def person(provider):
    """Have the provider know somebody under a subject, with claims."""

    def known(subject: str, **claims) -> str:
        requests.put(f"{provider}/users/{subject}", json=claims, timeout=10).raise_for_status()
        return subject

    return known


def go_to_provider(client, onward=TICKET) -> str:
    """Click "Single sign-on" on the login page that ``onward`` leads to; the provider's address."""
    login_page = client.get(client.get(onward)["Location"]).content.decode()
    button = login_page.split('href="/accounts/sso/')[1].split('"')[0].replace("&amp;", "&")
    return client.get("/accounts/sso/" + button)["Location"]


def come_back(address: str, subject: str) -> str:
    """Sign in at the provider; where it sends the browser, as a path of ours."""
    answer = requests.post(address, data={"sub": subject}, allow_redirects=False, timeout=10)
    parts = urlsplit(answer.headers["Location"])
    return f"{parts.path}?{parts.query}"


def sign_in(client, subject, onward=TICKET):
    return client.get(come_back(go_to_provider(client, onward), subject))


def test_a_ticket_link_lands_on_its_page_at_the_first_try(client, person):
    landed = sign_in(client, person("s-1", preferred_username="ann", email="ann@example.org", groups=["support"]))

    assert (landed.status_code, landed["Location"]) == (302, TICKET)
    assert client.get(TICKET, follow=True).redirect_chain == [("/migrations/m-1/?ref=T-1", 302)]
    ann = User.objects.get(username="ann")
    assert (ann.email, roles.of(ann), ann.has_usable_password()) == ("ann@example.org", "triager", False)
    assert AuditEntry.objects.get(act="login").detail == "by single sign-on, as triager"


def test_the_provider_is_asked_with_a_challenge_and_a_nonce(client):
    asked = parse_qs(urlsplit(go_to_provider(client)).query)

    assert asked["code_challenge_method"] == ["S256"]
    assert asked["code_challenge"][0]
    assert asked["nonce"][0]
    assert asked["redirect_uri"] == ["http://testserver" + CALLBACK]


@pytest.mark.parametrize(
    ("groups", "role"),
    [(["platform", "support"], "operator"), ([], "viewer"), ("support", "triager"), (None, "viewer")],
)
def test_groups_of_the_provider_give_the_role(client, person, groups, role):
    sign_in(client, person("s-1", preferred_username="ann", groups=groups))

    assert roles.of(User.objects.get(username="ann")) == role


def test_whoever_left_a_group_has_its_role_no_more(client, person):
    sign_in(client, person("s-1", preferred_username="ann", groups=["platform"]))
    client.post(reverse("logout"))

    sign_in(client, person("s-1", preferred_username="ann", groups=[]))

    assert roles.of(User.objects.get(username="ann")) == "viewer"


def test_without_a_mapped_group_there_is_no_entry_where_none_is_the_default(client, person, settings):
    settings.DEFAULT_ROLE = "none"

    refused = sign_in(client, person("s-1", preferred_username="ann", groups=["sales"]))

    assert refused.status_code == 403
    assert "in none of the groups that may use this dashboard" in refused.content.decode()
    assert not User.objects.exists()
    assert AuditEntry.objects.get().act == "login.refused"


def test_somebody_is_known_by_their_subject_not_by_their_name(client, person):
    local = User.objects.create_user("ann", email="ann@example.org")

    sign_in(client, person("s-1", preferred_username="ann", email="ann@example.org"))
    client.post(reverse("logout"))
    sign_in(client, person("s-1", preferred_username="ann.married"))

    assert Identity.objects.get().user.username == "ann-2"
    assert not local.identities.exists()


def test_an_account_that_was_switched_off_stays_out(client, person):
    sign_in(client, person("s-1", preferred_username="ann"))
    client.post(reverse("logout"))
    User.objects.update(is_active=False)

    refused = sign_in(client, "s-1")

    assert refused.status_code == 403
    assert "switched off" in refused.content.decode()


def test_an_answer_counts_once(client, person):
    callback = come_back(go_to_provider(client), person("s-1", preferred_username="ann"))
    client.get(callback)
    client.post(reverse("logout"))

    assert client.get(callback).status_code == 400
    assert client.get("/preferences/").status_code == 302


def test_an_answer_counts_in_the_browser_that_asked(client, client_of_bob, person):
    callback = come_back(go_to_provider(client), person("s-1", preferred_username="ann"))

    assert client_of_bob.get(callback).status_code == 400


@pytest.fixture
def client_of_bob():
    from django.test import Client

    return Client()


@pytest.mark.parametrize(
    "query",
    ["", "code=x", "state=x", "code=x&state=x", "error=access_denied", "error=%00&state=%00", "state=%00&code=%00"],
)
def test_a_forged_answer_is_a_bad_request(client, query):
    go_to_provider(client)

    answer = client.get(f"{CALLBACK}?{query}")

    assert answer.status_code == 400
    assert "You are not signed in" in answer.content.decode()


def test_a_code_of_another_try_is_refused(client, person):
    first = parse_qs(urlsplit(come_back(go_to_provider(client), person("s-1"))).query)
    second = parse_qs(urlsplit(go_to_provider(client)).query)

    # Its nonce is that of the first try.
    assert client.get(CALLBACK, {"code": first["code"][0], "state": second["state"][0]}).status_code == 400


@pytest.mark.parametrize(
    ("name", "value"), [("OIDC_ISSUER", "http://localhost:1/other"), ("OIDC_CLIENT_ID", "another-application")]
)
def test_a_token_of_another_issuer_or_for_another_application_is_refused(
    client, person, settings, monkeypatch, name, value
):
    callback = come_back(go_to_provider(client), person("s-1"))
    client_for = sso._client()
    monkeypatch.setattr(sso, "_client", lambda: client_for)
    setattr(settings, name, value)

    answer = client.get(callback)

    assert answer.status_code == 400
    assert "does not hold" in answer.content.decode()
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "elsewhere", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_single_sign_on_never_leads_to_another_host(client, person, elsewhere):
    address = client.get("/accounts/sso/", {"next": elsewhere})["Location"]

    assert client.get(come_back(address, person("s-1")))["Location"] == "/"


def test_a_provider_that_is_away_is_said_to_be(client, settings):
    settings.OIDC_ISSUER = "http://127.0.0.1:9"

    answer = client.get("/accounts/sso/")

    assert answer.status_code == 503
    assert "can't be reached" in text(answer)


def test_without_a_provider_there_is_no_such_page(client, settings):
    settings.OIDC_ISSUER = ""

    assert client.get("/accounts/sso/").status_code == 404
    assert "Single sign-on" not in client.get(reverse("login")).content.decode()
