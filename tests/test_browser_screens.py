"""Overview, companies, attention and syncs in a real browser: by keyboard, as things change, for everybody."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models import Value
from django.db.models.functions import Concat
from playwright.sync_api import Page, expect

from dashboard import roles
from migrations_sync.models import (
    BlindSpot,
    CompanyCount,
    Drift,
    Migration,
    QuarantinedRow,
    Source,
    SyncRun,
    WebhookDelivery,
)
from migrations_sync.sync.counts import recount
from tests import factories
from tests.fixtures_browser import NARROW, NARROWEST, WIDE, Visitor, scrolls_sideways, violations

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.django_db(transaction=True)]
MINUTE = timedelta(minutes=1)
STATUSES = (
    "FAILED",
    "COMPLETED_WITH_FAILURES",
    "PENDING_USER_INPUT",
    "LOGIN_ABANDONED",
    "PAUSED",
    "WORKING",
    "COMPLETE",
)
# One of each kind; what is laid out alike is looked at once.
PAGES = (
    "/",
    "/attention/",
    "/companies/",
    "/companies/company-1/",
    "/changes/?first=x",
    "/syncs/",
    "/syncs/deliveries/",
)


def mirror(age: timedelta = timedelta(0)) -> None:
    recount(Source.default())
    at = datetime.now(UTC) - age
    Source.objects.update(succeeded_at=at, attempted_at=at, swept_at=at, open_checked_at=at, baseline_at=at)
    Source.default().touch()


@pytest.fixture
def population(visitor: Visitor) -> SyncRun:
    """Migrations of several days in many statuses, and a run that saw some of it; the reader may do everything."""
    roles.assign(User.objects.get(username="robin"), "operator")
    now = datetime.now(UTC)
    source = Source.default()
    run = SyncRun.objects.create(
        source=source, mode="full", outcome="failed", started_at=now - MINUTE, finished_at=now, requests=9,
        error="GET /migrations?page=7: 503 after 6 tries", excerpt="<html>", plan={"reasons": ["none was complete"]},
        notes=["page 3 came twice"],
    )  # fmt: skip
    for number in range(70):
        at = now - timedelta(hours=26 + 5 * number)
        one = factories.migration(
            f"3f2a91c0-77aa-4d10-9e0b-{number:012d}", status=STATUSES[number % 7], created=at, status_changed_at=at,
            company_id=f"company-{number % 4}" if number % 5 else None,
        )  # fmt: skip
        factories.change(one, one.status, old="WORKING", at=at, not_before=at - MINUTE, run=run)
    factories.migration("went-away", status="WORKING", gone_at=now, created=now - MINUTE)
    BlindSpot.objects.create(source=source, cause="unreachable", started_at=now - MINUTE, ended_at=now, run=run)
    Drift.objects.create(source=source, kind="field", name="hint", example="{}", first_seen_at=now, last_seen_at=now)
    QuarantinedRow.objects.create(source=source, digest="1", raw="{}", first_seen_at=now, last_seen_at=now, run=run)
    WebhookDelivery.objects.create(source=source, message_id="msg_1", body="{}", api_id="a", received_at=now)
    mirror()
    return run


def check(page: Page, visitor: Visitor, paths: tuple[str, ...], *, looked_at: tuple[tuple[int, int], ...]) -> None:
    """No page of ``paths`` scrolls sideways, or has a fault that axe knows of at the sizes ``looked_at``."""
    for path in paths:
        page.goto(visitor.address + path)
        page.evaluate("for (const part of document.querySelectorAll('main details')) part.open = true")
        for width, height in (WIDE, NARROW, NARROWEST):
            page.set_viewport_size({"width": width, "height": height})
            assert not scrolls_sideways(page), (path, width)
            if (width, height) in looked_at:
                assert violations(page) == [], (path, width)


def test_axe_finds_nothing_on_full_pages(visitor: Visitor, population: SyncRun) -> None:
    page = visitor.open("/")

    check(page, visitor, (*PAGES, f"/syncs/{population.pk}/"), looked_at=(WIDE,))
    check(page, visitor, ("/", "/attention/", "/syncs/"), looked_at=(NARROW,))


def test_axe_finds_nothing_in_the_dark(visitor: Visitor, population: SyncRun) -> None:
    page = visitor.open("/", color_scheme="dark")

    check(page, visitor, ("/", "/attention/", "/syncs/", f"/syncs/{population.pk}/"), looked_at=(WIDE,))


def test_axe_finds_nothing_on_empty_and_on_old_pages(visitor: Visitor) -> None:
    page = visitor.open("/")
    check(page, visitor, ("/", "/attention/", "/syncs/"), looked_at=(WIDE,))

    factories.migration(status="FAILED", created=datetime.now(UTC) - timedelta(days=2))
    mirror(age=timedelta(hours=3))
    check(page, visitor, ("/", "/attention/"), looked_at=(WIDE,))
    assert page.title() == f"Stale · {page.locator('h1').inner_text()} · Attention"


def test_ten_are_acknowledged_by_keyboard_alone(visitor: Visitor, population: SyncRun) -> None:
    page = visitor.open("/attention/?reason=failed")
    expect(page.locator("tr[data-migration-id]")).to_have_count(10)
    for _ in range(9):
        page.keyboard.press("j")
        page.keyboard.press("x")
    expect(page.locator("#scope option").first).to_have_text("the 9 selected")
    page.keyboard.press("j")
    page.keyboard.press("x")

    page.get_by_label("Reason or note").focus()
    page.keyboard.type("a known outage; x marks nothing while typing")
    page.keyboard.press("Enter")

    expect(page.get_by_text("10 migrations acknowledged")).to_be_visible()
    expect(page.locator("tr[data-migration-id]")).to_have_count(0)
    page.goto(visitor.address + "/attention/?reason=quiet")
    expect(page.locator("tr[data-migration-id]")).to_have_count(10)
    expect(page.locator("tbody")).to_contain_text("acknowledged by robin: a known outage; x marks nothing")


def test_a_forgotten_reason_costs_nobody_the_selection(visitor: Visitor, population: SyncRun) -> None:
    page = visitor.open("/attention/?reason=failed")
    page.locator("tbody input[type=checkbox]").first.check()

    page.get_by_role("button", name="Acknowledge").click()

    expect(page.get_by_label("Reason or note")).to_be_focused()
    expect(page.locator("tbody input:checked")).to_have_count(1)
    page.get_by_role("button", name="Snooze").click()
    expect(page.get_by_text("1 migration snoozed")).to_be_visible()


def test_outcomes_and_numbers_stay_in_one_line(visitor: Visitor, population: SyncRun) -> None:
    CompanyCount.objects.update(company_id=Concat(Value("long-" * 12), "company_id"), total=1234)
    page = visitor.open("/syncs/deliveries/")
    assert page.locator("td .outcome").first.bounding_box()["height"] < 30  # type: ignore[index]

    page.goto(visitor.address + "/")
    page.set_viewport_size({"width": NARROWEST[0], "height": NARROWEST[1]})
    lines = "cell => { const text = new Range(); text.selectNodeContents(cell); return text.getClientRects().length }"
    assert page.locator("[aria-labelledby=companies] td.number").last.evaluate(lines) == 1


def test_companies_are_written_as_words(visitor: Visitor, population: SyncRun) -> None:
    page = visitor.open("/companies/")

    font = "part => getComputedStyle(part).fontFamily"
    assert page.locator("tbody th a").first.evaluate(font) == page.locator("body").evaluate(font)


def test_the_latest_changes_fit_on_a_phone(visitor: Visitor, population: SyncRun) -> None:
    page = visitor.open("/", size=NARROW)

    assert page.locator("#part-latest .table").evaluate("table => table.scrollWidth - table.clientWidth") == 0


def test_paper_has_what_needs_a_person_and_nothing_to_press(visitor: Visitor, population: SyncRun) -> None:
    page = visitor.open("/attention/", size=(688, 1000))
    page.emulate_media(media="print")

    assert not scrolls_sideways(page)
    assert page.get_by_role("columnheader", name="Assigned to").first.is_visible()
    for part in page.locator("main :is(input, select, button)").all():
        assert not part.is_visible()


def test_icons_have_no_colour_of_their_own_in_forced_colours(visitor: Visitor, population: SyncRun) -> None:
    page = visitor.open("/", forced_colors="active")

    colours = "icons => [...new Set(icons.map((icon) => getComputedStyle(icon).color))]"
    assert page.locator(".tile svg").evaluate_all(colours) == page.locator("td svg").evaluate_all(colours)


def test_without_scripts_all_of_a_group_are_snoozed(visitor: Visitor, population: SyncRun) -> None:
    page = visitor.open("/", java_script_enabled=False)
    page.get_by_role("link", name="See what needs a person").click()
    page.get_by_label("With", exact=True).select_option(label="all 10: Login abandoned")
    page.get_by_label("Snooze", exact=True).select_option(label="for a week")
    page.get_by_role("button", name="Snooze").click()

    expect(page.get_by_text("10 migrations snoozed")).to_be_visible()
    expect(page.get_by_role("heading", name="Login abandoned")).to_have_count(0)


def test_all_that_are_shown_of_a_group_can_be_selected_at_once(visitor: Visitor, population: SyncRun) -> None:
    page = visitor.open("/attention/")
    page.get_by_label("Select all shown: Failed").check()

    expect(page.locator("#scope option").first).to_have_text("the 10 selected")
    expect(page.locator("#say")).to_have_text("10 selected")


def test_an_open_overview_follows_the_mirror_in_place(visitor: Visitor, population: SyncRun) -> None:
    page = visitor.open("/")
    page.evaluate("import(document.body.dataset.live)")
    before = page.locator("h1").inner_text()
    Migration.objects.filter(status="FAILED").update(status="COMPLETE")
    mirror()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    expect(page.locator("h1")).not_to_have_text(before)
    expect(page.locator(".tile[data-status=FAILED] .value")).to_have_text("0")
    expect(page).to_have_title(f"{page.locator('h1').inner_text()} · Migrations overview")


def test_an_open_attention_page_offers_what_is_new_and_keeps_the_selection(
    visitor: Visitor, population: SyncRun
) -> None:
    page = visitor.open("/attention/")
    page.evaluate("import(document.body.dataset.live)")
    box = page.locator("tr[data-status=FAILED] input").first
    box.check()
    page.get_by_label("Reason or note").fill("half a sentence")
    began = datetime.now(UTC) - timedelta(days=90)
    factories.migration("brand-new", status="FAILED", created=began)
    mirror()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    offer = page.get_by_role("button", name="1 changed: show")
    offer.click()

    expect(page.locator("tr[data-migration-id='brand-new']")).to_be_visible()
    expect(page.locator("tbody input:checked")).to_have_count(1)
    expect(page.get_by_label("Reason or note")).to_have_value("half a sentence")


def test_an_open_attention_page_tells_of_those_that_it_has_no_room_for(visitor: Visitor, population: SyncRun) -> None:
    page = visitor.open("/attention/")
    page.evaluate("import(document.body.dataset.live)")
    factories.migration("brand-new", status="FAILED", created=datetime.now(UTC))  # the eleventh of its group
    mirror()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    heading = page.get_by_role("heading", name="Failed", exact=False).first
    expect(page.get_by_role("button", name="Counts changed: show")).to_be_visible()
    expect(heading).to_have_text("Failed 10")

    page.get_by_role("button", name="Counts changed: show").click()

    expect(heading).to_have_text("Failed 11")
    expect(page.get_by_role("button", name="Counts changed: show")).to_be_hidden()


def test_a_running_sync_is_followed_until_it_ends(visitor: Visitor, population: SyncRun) -> None:
    run = SyncRun.objects.create(
        source=Source.default(), mode="quick", outcome="running", started_at=datetime.now(UTC), seen=12
    )
    page = visitor.open("/syncs/")
    line = page.locator(".progress")
    expect(line).to_contain_text("A quick sync is at work: 12 seen")

    SyncRun.objects.filter(pk=run.pk).update(outcome="complete", finished_at=datetime.now(UTC), seen=40)
    expect(line).to_contain_text("The quick sync ended complete: 40 seen")
    line.get_by_role("link", name="Show the run").click()
    page.wait_for_url(f"**/syncs/{run.pk}/")


def test_a_sync_that_was_over_in_no_time_is_told_to_whoever_asked(visitor: Visitor, population: SyncRun) -> None:
    now = datetime.now(UTC)
    run = SyncRun.objects.create(
        source=Source.default(), mode="quick", outcome="complete", started_at=now, finished_at=now, changed=3
    )
    page = visitor.open(f"/syncs/#after-{population.pk}")
    expect(page.locator(".progress")).to_contain_text("The quick sync ended complete: 0 seen, 0 new, 3 changed")

    other = visitor.open(f"/syncs/#after-{run.pk}")
    with other.expect_response("**/syncs/progress/"):
        pass
    expect(other.locator(".progress")).to_be_hidden()


def test_a_mark_of_the_chart_leads_to_the_list_behind_it(visitor: Visitor, population: SyncRun) -> None:
    page = visitor.open("/")
    mark = page.locator("#part-figure-0 .chart g[data-status=FAILED] a").last
    n = mark.locator("title").text_content().split(": ")[1].split()[0]  # type: ignore[union-attr]
    mark.click()

    expect(page.locator("tr[data-migration-id]")).to_have_count(int(n))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Failed")
