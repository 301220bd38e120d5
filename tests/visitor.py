"""Somebody who reads the served pages over real HTTP, as a browser would without its screen."""

import re
import time
from collections.abc import Callable
from typing import TypeVar

import requests

_ROW = re.compile(r'<tr data-migration-id="([^"]+)" data-status="([^"]+)"')
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
T = TypeVar("T")


class Visitor:
    """Signed in to the dashboard at ``address`` (no slash at its end)."""

    def __init__(self, address: str, name: str, password: str) -> None:
        self.address = address
        self.session = requests.Session()
        self.session.headers["Referer"] = f"{address}/"
        form = self.session.get(f"{address}/migrations/", timeout=10)  # leads to the sign-in
        answer = self.session.post(
            form.url,
            data={
                "csrfmiddlewaretoken": _TOKEN.search(form.text)[1],
                "username": name,
                "password": password,
                "next": "/migrations/",
            },
            timeout=10,
        )
        assert answer.url == f"{address}/migrations/", answer.text

    def statuses(self, query: str = "") -> dict[str, str]:
        """Each migration that the table lists, by id, with its status."""
        answer = self.session.get(f"{self.address}/migrations/?per_page=200&{query}", timeout=10)
        assert answer.status_code == 200, answer.text
        return dict(_ROW.findall(answer.text))


def eventually(look: Callable[[], T], seconds: float = 60) -> T:
    """What ``look`` returns, once that is true."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s"
        time.sleep(0.25)
    return found
