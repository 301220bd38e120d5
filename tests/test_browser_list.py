"""The table and the frame in a real browser: by keyboard, without scripts, as things change, for everybody."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from migrations_sync.models import Migration, Source
from migrations_sync.sync.counts import recount
from tests import factories
from tests.fixtures_browser import NARROW, NARROWEST, WIDE, Visitor, scrolls_sideways, violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
STATUSES = (
    "FAILED", "COMPLETED_WITH_FAILURES", "PENDING_USER_INPUT", "LOGIN_ABANDONED", "PAUSED_BY_PROVIDER", "WORKING",
    "NOT_STARTED", "NOT_READY", "COMPLETE",
)  # fmt: skip
A4 = (688, 1000)  # what its margins leave
UUID = "3f2a91c0-77aa-4d10-9e0b-{:012d}"


@pytest.fixture
def population(visitor: Visitor) -> Source:
    """Sixty migrations in all statuses, newest first by number, some of them gone; the mirror is fresh."""
    now = datetime.now(UTC)
    source = Source.default()
    for number in range(60):
        at = now - timedelta(minutes=number + 1)
        factories.migration(
            UUID.format(number),
            status=STATUSES[number % len(STATUSES)],
            company_id=f"A company with quite a long name {number % 5}" if number % 7 else None,
            created_by_user_id=f"somebody-with-a-long-name-{number}@example.com" if number % 5 else None,
            created=at,
            gone_at=now if number % 20 == 3 else None,
        )
    recount(source)
    Source.objects.update(succeeded_at=now, attempted_at=now, swept_at=now, open_checked_at=now, baseline_at=now)
    return source


def focused(page: Page) -> Any:
    return page.evaluate("document.activeElement.closest('tr')?.dataset.migrationId")


def test_by_keyboard_alone_rows_are_walked_found_and_opened(visitor: Visitor, population: Source) -> None:
    page = visitor.open("/migrations/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert focused(page) == UUID.format(1)

    page.keyboard.press("/")
    expect(page.get_by_label("Search", exact=True)).to_be_focused()
    page.keyboard.type("jk?")
    expect(page.get_by_label("Search", exact=True)).to_have_value("jk?")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Next, previous row")
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()

    page.get_by_label("Account: robin").click()
    expect(page.get_by_role("link", name="Preferences")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Preferences")).to_be_hidden()
    expect(page.get_by_label("Account: robin")).to_be_focused()

    page.keyboard.press("j")
    page.keyboard.press("o")
    page.wait_for_url(f"**/migrations/{UUID.format(0)}/?from=")
    visitor.complaints.clear()  # of the page that was opened


def test_single_keys_can_be_switched_off(visitor: Visitor, population: Source) -> None:
    page = visitor.open("/preferences/")
    page.get_by_label("Single-key shortcuts").uncheck()
    page.get_by_role("button", name="Save").click()
    page.goto(visitor.address + "/migrations/")

    page.keyboard.press("j")

    assert focused(page) is None


def test_without_scripts_the_list_filters_sorts_pages_and_exports(visitor: Visitor, population: Source) -> None:
    page = visitor.open("/migrations/", java_script_enabled=False, accept_downloads=True)
    page.get_by_role("list", name="Statuses").get_by_role("link", name="Failed", exact=False).first.click()
    page.get_by_role("textbox", name="Company").fill("A company with quite a long name 1")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Failed, company A company with quite a long name 1")
    shown = [row.get_attribute("data-migration-id") for row in page.locator("tr[data-migration-id]").all()]
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    exported = download.value.path().read_text().splitlines()[1:]

    assert shown
    assert [line.split(",")[0] for line in exported] == shown
    page.get_by_role("link", name="Clear all").click()
    page.get_by_role("columnheader", name="Created", exact=False).get_by_role("link").last.click()
    expect(page.locator("th[aria-sort]")).to_have_attribute("aria-sort", "ascending")
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".pager")).to_contain_text("51–60 of 60")
    assert not page.get_by_text("Keyboard shortcuts").is_visible()


def test_an_open_list_says_what_changed_and_moves_nothing_until_asked(visitor: Visitor, population: Source) -> None:
    page = visitor.open("/migrations/")
    page.evaluate("import(document.body.dataset.live)")
    page.keyboard.press("j")
    page.evaluate("scrollTo(0, 200)")
    first = page.locator(f"tr[data-migration-id='{UUID.format(8)}']")
    expect(first).to_have_attribute("data-status", "COMPLETE")

    now = datetime.now(UTC)
    Migration.objects.filter(api_id=UUID.format(8)).update(status="FAILED", status_changed_at=now, changed_at=now)
    factories.migration("brand-new", created=now)
    recount(population)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    offer = page.get_by_role("button", name="2 changed: show")
    expect(offer).to_be_visible()

    expect(first).to_have_attribute("data-status", "COMPLETE")
    assert page.locator("tr[data-migration-id='brand-new']").count() == 0
    assert focused(page) == UUID.format(0)
    assert page.evaluate("scrollY") == 200
    expect(page.locator("#say")).to_have_text("2 changed")

    offer.click()
    expect(first).to_have_attribute("data-status", "FAILED")
    expect(page.locator("tr[data-migration-id='brand-new']")).to_have_count(1)
    expect(page.locator("#count")).to_have_text("61")
    expect(offer).to_be_hidden()
    assert page.evaluate("scrollY") == 200


def test_freshness_goes_on_and_a_lost_server_is_said(visitor: Visitor, population: Source) -> None:
    page = visitor.open("/migrations/")
    page.evaluate("import(document.body.dataset.live)")
    later = datetime.now(UTC) + timedelta(seconds=1)
    Source.objects.update(succeeded_at=later)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("time[data-freshness]")).to_contain_text(f"{later:%H:%M:%S} UTC")

    page.route("**/live/", lambda route: route.abort())
    for _ in range(2):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.wait_for_timeout(100)

    expect(page.locator("#offline")).to_contain_text(f"This page shows what it had at {later:%H:%M:%S} UTC")
    visitor.complaints.clear()  # the browser's own, of requests that failed


def test_whoever_is_signed_out_meanwhile_is_told(visitor: Visitor, population: Source) -> None:
    page = visitor.open("/migrations/?status=FAILED")
    page.context.clear_cookies()
    page.evaluate("import(document.body.dataset.live)")

    link = page.get_by_role("link", name="Sign in again")

    expect(link).to_have_attribute("href", "/accounts/login/?next=%2Fmigrations%2F%3Fstatus%3DFAILED")


def test_the_entries_of_the_menu_are_alike_on_a_phone(visitor: Visitor, population: Source) -> None:
    page = visitor.open("/migrations/", size=NARROW)
    page.get_by_label("Account: robin").click()

    entries = page.locator(".bar .panel > :is(a, button), .bar .panel form:not(.segments) > button")
    sizes = entries.evaluate_all("all => [...new Set(all.map((one) => getComputedStyle(one).fontSize))]")
    assert sizes == ["14px"]


def test_paper_has_the_columns_that_a_wide_screen_has(visitor: Visitor, population: Source) -> None:
    page = visitor.open("/migrations/", size=A4)
    page.emulate_media(media="print")

    heads = [head for head in page.locator("thead th").all() if head.is_visible()]
    assert len(heads) == 7  # all but when it was last checked: the header says as of when
    assert not scrolls_sideways(page)
    assert not page.get_by_role("button", name="Filter").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(visitor: Visitor, population: Source, scheme: Any) -> None:
    paths = (
        "/migrations/?per_page=25",
        "/migrations/?status=FAILED&company=nobody",
        "/migrations/?created_after=soon&stauts=1",
        "/preferences/",
        "/nowhere/",
        "/accounts/login/",
    )
    page = visitor.open(paths[0], color_scheme=scheme)
    for path in paths:
        page.goto(visitor.address + path)
        for width, height in (WIDE, NARROW, NARROWEST):
            page.set_viewport_size({"width": width, "height": height})
            assert not scrolls_sideways(page), (path, width)
            if width != NARROWEST[0]:
                assert violations(page) == [], (path, width)
    visitor.complaints.clear()  # the browser's own, of the page that is not there


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_text_of_every_pill_stands_out(visitor: Visitor, population: Source, scheme: Any) -> None:
    page = visitor.open("/migrations/", color_scheme=scheme)

    ratios = page.evaluate(CONTRASTS)

    assert len(ratios) == len(STATUSES)
    assert min(ratios.values()) >= 4.5, ratios


# Colours as the browser mixed them, painted and read back; contrast as WCAG 2 defines it.
CONTRASTS = """() => {
  const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (colour, under) => {
    paint.fillStyle = under; paint.fillRect(0, 0, 1, 1);
    paint.fillStyle = colour; paint.fillRect(0, 0, 1, 1);
    return [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (parts) => parts.map((p) => p / 255).map((p) => p <= .04045 ? p / 12.92 : ((p + .055) / 1.055) ** 2.4)
    .reduce((sum, p, i) => sum + p * [.2126, .7152, .0722][i], 0);
  const card = getComputedStyle(document.querySelector(".card")).backgroundColor;
  const found = {};
  for (const pill of document.querySelectorAll("td .status")) {
    const style = getComputedStyle(pill);
    const [a, b] = [light(rgb(style.color, card)), light(rgb(style.backgroundColor, card))].sort((x, y) => y - x);
    found[pill.dataset.status] = (a + .05) / (b + .05);
  }
  return found;
}"""


def test_a_first_visit_is_light_still_and_asks_nobody_else(visitor: Visitor, population: Source) -> None:
    page = visitor.open("/preferences/")
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url))
    page.add_init_script(SHIFTS)
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 6})  # parsed in many pieces
    page.goto(visitor.address + "/migrations/")
    page.wait_for_load_state("networkidle")

    assert all(url.startswith(visitor.address) for url in asked)
    assert len(asked) == 5, asked
    assert page.evaluate("window.shift") == 0
    assert page.evaluate("document.querySelectorAll('*').length") <= 1200
    assert len(page.content()) < 150_000
    assert page.locator("[style], [onclick], style, script:not([src])").count() == 0


SHIFTS = """window.shift = 0;
new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.shift += entry.value })
  .observe({ type: "layout-shift", buffered: true })"""
