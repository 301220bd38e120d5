"""One migration and the search in a real browser: followed as it changes, copied, looked back at, for everybody."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from dashboard import roles
from migrations_sync.models import BlindSpot, Migration, PayloadVersion, Source, WebhookDelivery
from migrations_sync.sync.counts import recount
from tests import factories
from tests.fixtures_browser import NARROW, NARROWEST, WIDE, Visitor, scrolls_sideways, violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ID = "8f3a21c0-1b1e-4f5c-9d2e-7a6b5c4d3e2f"
PAGE = f"/migrations/{ID}/"
HOUR = timedelta(hours=1)


@pytest.fixture
def one(visitor: Visitor) -> Migration:
    """Working, with something of everything on its page; two neighbours, one of them gone."""
    roles.assign(User.objects.get(username="robin"), "triager")
    now = datetime.now(UTC)
    source = Source.default()
    given = {"created": now - 5 * HOUR, "company_id": "42", "created_by_user_id": "maria@example.com"}
    one = factories.migration(
        ID, status="WORKING", first_seen_at=now - 5 * HOUR, status_changed_at=now - HOUR,
        status_not_before=now - HOUR, **given,
    )  # fmt: skip
    for old, new, ago in (("WORKING", "FAILED", 3 * HOUR), ("FAILED", "WORKING", HOUR)):
        factories.change(one, new, old=old, at=now - ago, not_before=now - ago - HOUR / 4)
    factories.migration("neighbour", status="FAILED", **given)
    factories.migration("a/b", gone_at=now - HOUR, **given)
    BlindSpot.objects.create(source=source, cause="quota", started_at=now - 2 * HOUR, ended_at=now - 1.5 * HOUR)
    WebhookDelivery.objects.create(
        source=source,
        message_id="1",
        api_id=ID,
        error_message="Locked out " * 30,
        body="{}",
        received_at=now - 3 * HOUR,
    )
    PayloadVersion.objects.create(migration=one, payload='{"status": "FAILED"}', replaced_at=now - HOUR)
    recount(source)
    Source.objects.update(succeeded_at=now, attempted_at=now, swept_at=now, open_checked_at=now, baseline_at=now)
    return one


def test_an_open_page_follows_its_migration_and_knows_that_its_reader_saw_it(
    visitor: Visitor, one: Migration
) -> None:
    page = visitor.open(PAGE)
    page.evaluate("import(document.body.dataset.live)")
    page.get_by_text("Write a note").click()
    page.get_by_label("Note, read by everybody").fill("half a sent")

    now = datetime.now(UTC)
    factories.change(one, "FAILED", old="WORKING", at=now, not_before=now - timedelta(minutes=1), via="webhook")
    Migration.objects.filter(pk=one.pk).update(status="FAILED", status_changed_at=now, status_not_before=now)
    Source.default().touch()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    expect(page.locator("#state .status")).to_have_attribute("data-status", "FAILED")
    expect(page.locator("#timeline .what").first).to_have_text("Failed")
    expect(page.locator("#say")).to_have_text("Failed · 8f3a21c0 · Company 42")
    expect(page.get_by_label("Note, read by everybody")).to_have_value("half a sent")
    page.get_by_text("Acknowledge", exact=True).first.click()
    page.get_by_label("Why it needs nobody now").fill("they start again")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.locator("#triage-state")).to_contain_text("Acknowledged by robin")


def test_the_ticket_line_is_copied_and_leads_to_what_was_known_then(visitor: Visitor, one: Migration) -> None:
    page = visitor.open(PAGE, permissions=["clipboard-read", "clipboard-write"])

    page.get_by_role("button", name="Copy for a ticket").click()

    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    line = page.evaluate("navigator.clipboard.readText()")
    assert line.startswith("Working since ")
    page.goto(line.rpartition(" · ")[2])
    expect(page.get_by_text("The past.")).to_be_visible()
    expect(page).to_have_title("Then: Working · 8f3a21c0 · Company 42")
    page.get_by_role("link", name="Back to now").click()
    expect(page).to_have_title("Working · 8f3a21c0 · Company 42")


@pytest.mark.parametrize("scripts", [True, False])
def test_a_ticket_link_leads_through_the_login_to_its_migration(
    visitor: Visitor, one: Migration, scripts: bool
) -> None:
    User.objects.create_user("kim", password="a long enough password")
    visitor.cookies = []
    page = visitor.open(f"/m/{ID}.?at=now-2h", java_script_enabled=scripts)

    page.get_by_label("Name", exact=True).fill("kim")
    page.get_by_label("Password").fill("a long enough password")
    page.get_by_role("button", name="Sign in").click()

    expect(page).to_have_title("Then: Failed · 8f3a21c0 · Company 42")


def test_without_scripts_one_looks_back_and_finds_the_way_through_the_list(visitor: Visitor, one: Migration) -> None:
    factories.migration("third", company_id="42", created=datetime.now(UTC))
    page = visitor.open("/migrations/?company=42&sort=created", java_script_enabled=False)
    page.locator("tr[data-migration-id] th a").first.click()
    expect(page.locator("h1")).to_have_text(ID)
    page.get_by_role("link", name="Next in the list").click()
    expect(page.locator("h1")).to_have_text("neighbour")
    between = "link => getComputedStyle(link.parentElement, '::before').content"
    assert page.get_by_role("link", name="Next in the list").evaluate(between) == "none"
    page.get_by_role("link", name="Previous in the list").click()

    past = datetime.now(UTC) - 2 * HOUR
    page.get_by_label("As it was known at (UTC)").fill(f"{past:%Y-%m-%dT%H:%M:%S}")
    page.get_by_role("button", name="Look back").click()

    expect(page.locator("#state .status")).to_have_attribute("data-status", "FAILED")
    assert page.get_by_role("button", name="Copy id").count() == 0  # it would do nothing


def test_a_pasted_ticket_leads_on_by_keyboard_alone(visitor: Visitor, one: Migration) -> None:
    page = visitor.open("/")

    page.keyboard.press("/")
    page.keyboard.type(f"Dear support, {ID[:13]} and neighbour do not move")
    page.keyboard.press("Enter")
    expect(page.locator("tr[data-migration-id]")).to_have_count(2)
    page.keyboard.press("j")
    page.keyboard.press("o")

    expect(page.locator("h1")).to_have_text(ID)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(visitor: Visitor, one: Migration, scheme: Any) -> None:
    paths = (
        f"{PAGE}?from=&ref=T-1",
        f"{PAGE}?at=now-2h",
        f"{PAGE}?at=soon",
        "/migrations/no-such-0001/",
        f"/migrations/{'x' * 256}/",
        f"/search/?q={ID}%0Aneighbour%0A42%0Aa%2Fb%0Ano-such-0001",
        "/search/?q=nothing",
    )
    page = visitor.open(paths[0], color_scheme=scheme)
    for path in paths:
        page.goto(visitor.address + path)
        page.evaluate("for (const part of document.querySelectorAll('main details')) part.open = true")
        for width, height in (WIDE, NARROW, NARROWEST):
            page.set_viewport_size({"width": width, "height": height})
            assert not scrolls_sideways(page), (path, width)
            if width == NARROW[0]:
                assert violations(page) == [], path
    visitor.complaints.clear()  # the browser's own, of pages that are not there


def test_the_page_is_light_and_still(visitor: Visitor, one: Migration) -> None:
    for number in range(120):
        at = datetime.now(UTC) - timedelta(seconds=120 - number)
        factories.change(one, "WORKING", old="FAILED", at=at, not_before=at)
    page = visitor.open(PAGE)

    assert len(page.content().encode()) < 150_000
    assert page.evaluate(SHIFT) == []
    assert set(page.evaluate("performance.getEntriesByType('resource').map(r => new URL(r.name).origin)")) == {
        visitor.address
    }


SHIFT = """new Promise((done) => {
  const moved = []
  new PerformanceObserver((list) => { for (const e of list.getEntries()) moved.push(...e.sources.map((s) =>
    s.node?.outerHTML?.slice(0, 200) ?? s.node?.textContent)) }).observe({ type: "layout-shift", buffered: true })
  setTimeout(() => done(moved), 500)
})"""
