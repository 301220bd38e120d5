"""Signing in and the pages about people in a real browser."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from dashboard import roles, sso
from dashboard.models import Badge
from migrations_sync.models import Source
from tests import factories, oidc_provider
from tests.fixtures_browser import NARROW, WIDE, Visitor, scrolls_sideways, violations

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.django_db(transaction=True)]
ID = "8f3a21c0-1b1e-4f5c-9d2e-7a6b5c4d3e2f"


@pytest.fixture
def migration():
    now = timezone.now()
    Source.default()
    Source.objects.update(succeeded_at=now, attempted_at=now, swept_at=now, open_checked_at=now, baseline_at=now)
    return factories.migration(ID, status="FAILED")


@pytest.fixture
def admin(visitor: Visitor, migration) -> Visitor:
    robin = User.objects.get(username="robin")
    roles.assign(robin, "admin")
    visitor.sign_in(robin)
    now = timezone.now()
    Badge.objects.create(migration=migration, made_by=robin, made_at=now, expires_at=now + timedelta(days=30))
    return visitor


def fits(page: Page) -> None:
    for width, height in (NARROW, WIDE):
        page.set_viewport_size({"width": width, "height": height})
        assert not scrolls_sideways(page), (page.url, width)
        assert violations(page) == [], (page.url, width)


def test_a_ticket_link_through_single_sign_on_lands_on_the_migration_at_the_first_try(visitor, migration, settings):
    with oidc_provider.running() as issuer:
        settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = issuer, "dashboard", "secret"
        sso._registered.cache_clear()
        visitor.cookies = []
        page = visitor.open(f"/m/{ID}?ref=T-1")
        fits(page)

        assert visitor.complaints == []
        page.get_by_role("link", name="Single sign-on").click()
        assert page.url.startswith(issuer)
        page.locator("input[name=sub]").fill("ann")
        page.get_by_role("button", name="Authorize").click()

        expect(page.get_by_role("heading", level=1)).to_have_text(ID)
        assert page.url.endswith(f"/migrations/{ID}/?ref=T-1")


def test_a_token_is_made_and_revoked(admin, monkeypatch):
    monkeypatch.setattr("secrets.token_urlsafe", lambda length: "W" * 43)  # the widest, without a place to break
    page = admin.open("/account/tokens/")
    page.get_by_label("Name: what will use it?").fill("ticket system")
    page.get_by_role("button", name="Make the token").click()

    expect(page.locator("#new-token")).to_contain_text("mdt_")
    fits(page)
    page.get_by_role("button", name="Revoke ticket system").click()
    expect(page.get_by_role("status").filter(has_text="opens nothing any more")).to_be_visible()


def test_a_badge_is_drawn_in_the_page_that_offers_it(admin):
    page = admin.open(f"/migrations/{ID}/#badges")

    drawn = page.locator("#badges img").evaluate("image => image.complete && image.naturalWidth")
    assert drawn > 100
    page.goto(f"{admin.address}/badges/")
    fits(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_audit(admin, scheme):
    page = admin.open("/audit/", color_scheme=scheme)

    expect(page.get_by_role("cell", name="signed in")).to_have_count(2)
    lines = "cell => { const text = new Range(); text.selectNodeContents(cell); return text.getClientRects().length }"
    page.set_viewport_size({"width": 800, "height": 800})
    assert page.locator("tbody td").first.evaluate(lines) == 1
    fits(page)
    page.goto(f"{admin.address}/audit/?since=soon")
    expect(page.get_by_role("alert")).to_contain_text("could not be used")
    fits(page)


def test_a_lock_and_a_refusal_say_what_they_are(visitor):
    page = visitor.open("/audit/")
    expect(page.get_by_role("heading", level=1)).to_have_text("You may not do this")
    fits(page)

    visitor.cookies = []
    for _ in range(9):
        Client().post("/accounts/login/", {"username": "robin", "password": "wrong"})
    page = visitor.open("/accounts/login/")
    page.get_by_label("Name").fill("robin")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("Try again in 15 minutes")
    fits(page)
    visitor.complaints.clear()  # of the browser, about the two statuses
