"""Errands that people come with, from the first page to the answer, in a real browser and without scripts."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from migrations_sync.sync.passes import Intervals, run_pass
from tests.fixtures_browser import Visitor
from tests.list_api import ListApi, row

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def mirrored(visitor: Visitor) -> ListApi:
    """A mirror of ninety migrations in three companies, a third of them failed; one user has five of them."""
    now = datetime.now(UTC).replace(tzinfo=None)
    api = ListApi(
        [
            row(
                f"m-{number:03d}",
                "FAILED" if number % 3 == 0 else "COMPLETE",
                company_id=f"company-{number % 2}",
                created_by_user_id="ann@example.com" if number % 18 == 0 else f"user-{number}",
                created=(now - timedelta(minutes=number)).isoformat(),
            )
            for number in range(90)
        ],
        page_size=100,
    )
    assert run_pass(api, mode="full", intervals=Intervals(60, 3600), trigger="command").outcome == "complete"
    return api


def expect_listed(page: Page, api_ids: list[str]) -> None:
    found = page.locator("tr[data-migration-id]")
    expect(found).to_have_count(len(api_ids))
    assert [one.get_attribute("data-migration-id") for one in found.all()] == api_ids


def test_all_failed_of_one_company_are_listed_and_exported_alike(visitor: Visitor, mirrored: ListApi) -> None:
    expected = [r["id"] for r in mirrored.rows if r["status"] == "FAILED" and r["company_id"] == "company-1"]
    page = visitor.open("/", java_script_enabled=False, accept_downloads=True)

    page.get_by_role("navigation", name="Main").get_by_role("link", name="Migrations").click()
    page.wait_for_url("**/migrations/")
    page.get_by_role("list", name="Statuses").get_by_role("link", name="Failed").first.click()
    page.wait_for_url("**?status=FAILED*")
    page.get_by_role("textbox", name="Company", exact=True).fill("company-1")
    page.get_by_role("button", name="Filter").click()
    expect_listed(page, expected)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Failed, company company-1")

    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    with Path(download.value.path()).open(newline="") as file:
        exported = list(csv.DictReader(file))
    assert [line["id"] for line in exported] == expected
    assert {(line["status"], line["company_id"]) for line in exported} == {("FAILED", "company-1")}
    assert "as-of-" in download.value.suggested_filename


def test_is_it_fresh_and_when_was_the_last_sync(visitor: Visitor, mirrored: ListApi) -> None:
    page = visitor.open("/", java_script_enabled=False)
    as_of = page.locator("time[data-freshness]").first.get_attribute("datetime")
    assert as_of
    assert datetime.now(UTC) - datetime.fromisoformat(as_of) < timedelta(minutes=1)

    page.get_by_role("link", name="Syncs", exact=True).click()

    expect(page.get_by_text("Last complete sweep")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="full sweep").first).to_contain_text("complete")


def test_what_did_one_user_do(visitor: Visitor, mirrored: ListApi) -> None:
    page = visitor.open("/migrations/", java_script_enabled=False)

    page.get_by_role("link", name="ann@example.com").first.click()

    expect_listed(page, ["m-000", "m-018", "m-036", "m-054", "m-072"])
    page.get_by_role("link", name="m-036").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("m-036")
    expect(page.get_by_text("ann@example.com").first).to_be_visible()
