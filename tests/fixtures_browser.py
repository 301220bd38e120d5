"""A real Chromium that visits the product as a person does; for tests marked ``browser``."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)
WIDE, NARROW, NARROWEST = (1440, 900), (390, 844), (320, 640)


class Visitor:
    """Opens pages, each in a browser of its own kind, and notes everything that a page complains of."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser = browser
        self.address = address
        self.complaints: list[str] = []
        self.cookies: list[dict[str, str]] = []
        self.contexts: list[BrowserContext] = []

    def sign_in(self, user: User) -> None:
        client = Client()
        client.force_login(user)
        values = {name: morsel.value for name, morsel in client.cookies.items()}
        self.cookies = [{"name": name, "value": value, "url": self.address} for name, value in values.items()]

    def open(self, path: str, *, size: tuple[int, int] = WIDE, **options: Any) -> Page:
        """``options`` as of Playwright's ``new_context``, such as ``color_scheme="dark"``."""
        width, height = size
        context = self.browser.new_context(viewport={"width": width, "height": height}, **options)
        context.add_cookies(self.cookies)  # type: ignore[arg-type]  # plain dicts are what it takes
        context.set_default_timeout(10_000)
        self.contexts.append(context)
        page = context.new_page()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(self.address + path)
        return page

    def _note(self, message: ConsoleMessage) -> None:
        # What another site's own page complains of, such as an icon that it lacks, is none of ours.
        where = message.location["url"]
        if message.type in ("error", "warning") and (not where or where.startswith(self.address)):
            self.complaints.append(f"{message.text} ({where})")

    def close(self) -> None:
        for context in self.contexts:
            context.close()


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    # Playwright runs an event loop in this thread; the ORM is used from it all the same, one call at a time.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield started
        started.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def visitor(browser: Browser, live_server: Any) -> Iterator[Visitor]:
    """Signed in as ``robin``. No page may complain in its console, unless the test clears ``complaints``."""
    guest = Visitor(browser, live_server.url)
    guest.sign_in(User.objects.create_user("robin"))
    yield guest
    guest.close()
    assert guest.complaints == []


def violations(page: Page) -> list[str]:
    """What axe finds wrong with the page as it is now, a line each."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


def scrolls_sideways(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
