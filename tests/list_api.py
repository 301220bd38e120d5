"""The engine's side of the API without HTTP: a list that a test can change, read page by page."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from django.utils import timezone

from migrations_sync.exceptions import NotFoundError

T = TypeVar("T")


class ListPage(NamedTuple):
    number: int
    rows: list[Any]
    received_at: datetime
    shape: str = "data"


class ListAnswer(NamedTuple):
    row: Any
    received_at: datetime


@dataclass
class ListStats:
    requests: int = 0
    retries: int = 0
    waited: float = 0.0
    notes: list[str] = field(default_factory=list)


def row(api_id: str, status: str = "COMPLETE", **fields: Any) -> dict[str, Any]:
    """One row as the API documents it."""
    return {
        "object": "migration",
        "id": api_id,
        "created": "2026-11-20T12:00:00.000000",
        "status": status,
        "created_by_user_id": "user-1",
        "company_id": "company-1",
    } | fields


def rows(count: int, status: str = "COMPLETE", *, first: int = 0) -> list[dict[str, Any]]:
    """``count`` rows, newest first, a minute apart."""
    newest = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    return [
        row(f"m-{n:06d}", status, created=(newest - timedelta(minutes=n)).replace(tzinfo=None).isoformat())
        for n in range(first, first + count)
    ]


class ListApi:
    """Serves ``rows``; ``hidden`` ids are served by id but left out of the list.

    ``before_page`` is called with each page's number first, to change the list or to raise.
    """

    def __init__(self, rows: Iterable[Any] = (), *, page_size: int = 10) -> None:
        self.rows = list(rows)
        self.hidden: set[str] = set()
        self.page_size = page_size
        self.stats = ListStats()
        self.asked_ids: list[str] = []
        self.before_page: Callable[[int], None] = lambda number: None

    def __call__(self) -> "AbstractContextManager[ListApi]":
        self.stats = ListStats()
        self.asked_ids = []
        return nullcontext(self)

    def get_page(self, number: int) -> ListPage:
        self.before_page(number)
        self.stats.requests += 1
        listed = [r for r in self.rows if not (isinstance(r, dict) and r.get("id") in self.hidden)]
        start = (number - 1) * self.page_size
        return ListPage(
            number,
            [dict(r) if isinstance(r, dict) else r for r in listed[start : start + self.page_size]],
            timezone.now(),
        )

    def map_pages(self, make: Callable[[ListPage], T], *, first: int = 1) -> Iterator[T]:
        number = first
        while (page := self.get_page(number)).rows:
            yield make(page)
            number += 1

    def ends_plainly(self) -> bool:
        return True

    def map_numbered(self, numbers: Sequence[int], make: Callable[[ListPage], T]) -> Iterator[tuple[int, T | None]]:
        for number in numbers:
            page = self.get_page(number)
            yield number, make(page) if page.rows else None

    def get_migration(self, api_id: str) -> ListAnswer:
        self.stats.requests += 1
        self.asked_ids.append(api_id)
        for r in self.rows:
            if isinstance(r, dict) and r.get("id") == api_id:
                return ListAnswer(dict(r), timezone.now())
        raise NotFoundError(f"GET /migrations/{api_id}: 404")

    def get_migrations(self, api_ids: Iterable[str]) -> Iterator[tuple[str, ListAnswer | NotFoundError]]:
        for api_id in api_ids:
            try:
                yield api_id, self.get_migration(api_id)
            except NotFoundError as error:
                yield api_id, error

    def set(self, api_id: str, **fields: Any) -> None:
        next(r for r in self.rows if r["id"] == api_id).update(fields)

    def delete(self, *api_ids: str) -> None:
        self.rows = [r for r in self.rows if r.get("id") not in api_ids]
