"""Takes the pictures of the README from a dashboard that runs on simulated data, such as that of `make run`.

Use: DASHBOARD_PASSWORD=… python docs/screenshots/make.py http://127.0.0.1:8000 demo
"""

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def main(address: str, name: str, password: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        light, dark = (_signed_in(browser, address, name, password, scheme) for scheme in ("light", "dark"))
        _take(light, f"{address}/", "overview")
        _take(dark, f"{address}/migrations/", "migrations")
        light.goto(f"{address}/migrations/?status=FAILED&sort=-changed")
        newest = light.locator("tr[data-migration-id]").first.get_attribute("data-migration-id")
        _take(light, f"{address}/migrations/{newest}/", "migration")
        browser.close()


def _signed_in(browser: Browser, address: str, name: str, password: str, scheme: str) -> Page:
    page = browser.new_context(
        viewport={"width": 1280, "height": 860},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    ).new_page()
    page.goto(f"{address}/accounts/login/")
    page.fill("[name=username]", name)
    page.fill("[name=password]", password)
    page.press("[name=password]", "Enter")
    page.wait_for_url(f"{address}/")
    return page


def _take(page: Page, address: str, name: str) -> None:
    page.goto(address)
    page.screenshot(path=HERE / f"{name}.png")


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), sys.argv[2], os.environ["DASHBOARD_PASSWORD"])
