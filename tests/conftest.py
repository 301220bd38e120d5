import shutil
from collections.abc import Iterator

import pytest
from django.core.cache import cache

from dashboard import kept
from tests import redis_server
from tests.fixtures_api import api, api_client, clock, make_client, other_api  # noqa: F401
from tests.fixtures_browser import browser, visitor  # noqa: F401

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NO_CHROMIUM = "no Chromium on this machine (Debian: apt-get install chromium)"


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    """What one test had cached of its database is wrong in the next."""
    cache.clear()
    kept.forget()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A real Redis with an empty database of its own."""
    with redis_server.running() as url:
        yield url


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser that tests marked ``browser`` drive."""
    assert CHROMIUM is not None
    return CHROMIUM


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--database") != "postgresql":
        elsewhere = [item for item in items if item.get_closest_marker("postgresql")]
        config.hook.pytest_deselected(items=elsewhere)
        items[:] = [item for item in items if item not in elsewhere]
    if CHROMIUM is None:
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.skip(reason=NO_CHROMIUM))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [r for r in terminalreporter.stats.get("skipped", []) if NO_CHROMIUM in str(r.longrepr)]
    if skipped:
        terminalreporter.section("NOT EVERYTHING WAS TESTED", sep="!", red=True, bold=True)
        terminalreporter.line(f"{len(skipped)} tests in a browser were skipped: {NO_CHROMIUM}", yellow=True)
