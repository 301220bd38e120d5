"""Who gets in where: every page for the stranger, the viewer, and those who may do what it does."""

import pytest
from django.test import Client

from dashboard.permissions import ROLES
from tests import factories, pages
from tests.people import browser
from tests.reading import field

pytestmark = [pytest.mark.django_db, pytest.mark.once]

# No login needed, by the contract with monitors, the vendor, tickets and people who sign in.
OPEN = {
    "login", "logout", "sso-begin", "sso-callback", "administration-login", "healthz", "readyz", "metrics",
    "webhook-intake", "badge-picture", "badge-data",
}  # fmt: skip
# Open in name only: refused in JSON, with a word on what to send.
BY_TOKEN = {"api-description", "api-migration-list", "api-migration-detail"}
# Reading that takes more than a login.
READ_BY = {"audit": "operator", "badge-list": "triager"}
# What may be sent, and by whom. Everybody decides on what is their own. A page that takes something is named here.
SENT_BY = {
    "preferences": "viewer",
    "password": "viewer",
    "view-list": "viewer",
    "view-change": "viewer",  # one's own; those of everybody: see test_saved_views
    "token-list": "viewer",
    "token-revoke": "viewer",
    "badge-list": "triager",
    "badge-revoke": "triager",
    "search": "viewer",  # a pasted text is too long for an address; nothing is changed by it
    "check": "operator",
    "triage": "triager",
    "attention-act": "triager",
    "sync-now": "operator",
    "sync-stop": "operator",
    "alerts-retry": "operator",
    "alerts-rule-new": "operator",
    "alerts-usual-rules": "operator",
    "alerts-rule": "operator",
    "alerts-channel-new": "operator",
    "alerts-channel": "operator",
    "alerts-test": "operator",
    "alerts-mute-new": "operator",
    "alerts-mute-end": "operator",
}
FORMS_OF = {name: role for name, role in SENT_BY.items() if name.startswith("alerts-")}
PAGES = pages.every()
GUARDED = [page for page in PAGES if page.name not in OPEN | BY_TOKEN]


@pytest.fixture(autouse=True)
def something_to_see():
    factories.migration(pages.MIGRATION)


def the_one_below(role: str) -> str | None:
    return ROLES[ROLES.index(role) - 1] if role != ROLES[0] else None


def test_the_walk_finds_the_pages_that_are_known_by_name():
    assert {"migration-list", "preferences", "audit", "healthz", "webhook-intake"} <= {page.name for page in PAGES}
    assert set(SENT_BY) | set(READ_BY) | OPEN | BY_TOKEN <= {page.name for page in PAGES}


@pytest.mark.parametrize("page", GUARDED, ids=lambda page: page.name)
def test_a_stranger_is_led_to_the_login_and_from_there_to_the_page(page):
    stranger = Client()
    address = f"{page.address}?ref=T-1"

    for ask in (stranger.get, stranger.post):
        answer = ask(address)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/login/?next=/")
    assert field(stranger.get(address, follow=True), "next") == address


@pytest.mark.parametrize("page", [p for p in PAGES if p.name in BY_TOKEN], ids=lambda page: page.name)
def test_a_stranger_to_the_api_is_refused_in_json(page):
    answer = Client().get(page.address)

    assert answer.status_code == 401
    assert answer.json()["detail"]


@pytest.mark.parametrize("page", GUARDED, ids=lambda page: page.name)
def test_reading_takes_a_login_and_where_it_takes_more_the_refusal_says_what(page):
    needed = READ_BY.get(page.name) or FORMS_OF.get(page.name) or "viewer"

    assert browser(needed).get(page.address).status_code in (200, 302, 404, 405)
    if below := the_one_below(needed):
        refused = browser(below).get(page.address)
        assert refused.status_code in (403, 405)
        if refused.status_code == 403:
            assert f"you need the role “{needed}”" in refused.content.decode()


@pytest.mark.parametrize("page", GUARDED, ids=lambda page: page.name)
def test_sending_takes_the_role_and_changes_nothing_without_it(page):
    needed = SENT_BY.get(page.name)
    if needed is None:
        # Even an admin: what is not listed above takes nothing.
        assert browser("admin").post(page.address).status_code == 405
        return
    assert browser(needed).post(page.address).status_code in (200, 302, 400, 404, 409, 503)
    if below := the_one_below(needed):
        refused = browser(below).post(page.address)
        assert refused.status_code == 403
        assert f"you need the role “{needed}”" in refused.content.decode()


@pytest.mark.parametrize("role", ROLES)
def test_the_administration_is_for_admins(role):
    answer = browser(role).get("/admin/auth/user/", follow=True)

    assert answer.status_code == (200 if role == "admin" else 403)


def test_an_admin_cannot_edit_what_is_only_ever_added():
    admin = browser("admin")

    for model in ("auditentry", "triageact", "statuschange"):
        assert admin.post(f"/admin/dashboard/{model}/add/").status_code in (403, 404)
        assert admin.post(f"/admin/migrations_sync/{model}/add/").status_code in (403, 404)
