"""The client as others use it."""

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

from migrations_sync.client import answers
from migrations_sync.client.ahead import Guide, ReadAhead
from migrations_sync.client.envelope import read_list, read_one
from migrations_sync.client.failures import Failure
from migrations_sync.client.pages import Horizon, Page, until_the_end
from migrations_sync.client.retry import BackOff, Clock, Limits, delay_before, jitter, may_pass
from migrations_sync.client.secret import Secret
from migrations_sync.client.transport import Transport
from migrations_sync.exceptions import APIError, NotFoundError, RateLimitError
from migrations_sync.records import is_possible_id

T = TypeVar("T")

MAX_PAGES = 1_000_000
MAX_BODY = 32 * 1024 * 1024
# Rows of the list that may wait for their reader: enough to keep requests going while it writes the last ones.
ROWS_AHEAD = 10_000


@dataclass(frozen=True, slots=True)
class Answer:
    """One migration asked for by id: its row as JSON has it, unchecked, and when it came (UTC)."""

    row: dict[str, Any]
    received_at: datetime


@dataclass(slots=True)
class Stats:
    """What was asked of the API so far. ``waited``: seconds held back on its wish.

    ``notes``: oddities of the list's end that did not stop a pass, in stable words.
    """

    requests: int = 0
    answered: int = 0
    retries: int = 0
    waited: float = 0.0
    notes: list[str] = field(default_factory=list)


class Client:
    """Reads the Migrations API over ``requests``; may be used from several threads. Close it after use.

    ``base_url``: with the version, ``https://host/api/v1``. ``timeout``: seconds to connect and to wait for an
    answer; a dripping one is cut off after three times that. ``concurrency``: requests in flight at most.
    ``max_retries``: tries after the first. ``max_body``: bytes of one answer. ``limits``: what its requests obey,
    if that is more than their own.

    Raises:
        ValueError: the address or the key can't be used; the message does not show the key.
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        page_size: int = 100,
        concurrency: int = 4,
        timeout: float = 10.0,
        max_retries: int = 5,
        max_pages: int = MAX_PAGES,
        max_body: int = MAX_BODY,
        clock: Clock | None = None,
        limits: Limits | None = None,
    ) -> None:
        secret = Secret(key)
        del key  # from here on, no traceback that shows local variables can show it
        self.page_size = page_size
        self.stats = Stats()
        self._concurrency = concurrency
        self._max_retries = max_retries
        self._max_pages = max_pages
        self._scrub = secret.scrub
        self._lock = threading.Lock()
        self._clock = clock or Clock()
        self._back_off = BackOff(self._clock, lambda seconds: self._count(waited=seconds), limits)
        self._transport = Transport(
            base_url,
            secret,
            timeout=timeout,
            connections=concurrency,
            max_body=max_body,
            count=lambda: self._count(requests=1),
        )
        self._reading: weakref.WeakSet[ReadAhead[Any]] = weakref.WeakSet()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every wait and every iteration. What is in flight ends by itself, within its timeouts."""
        self._clock.stop()
        for reading in list(self._reading):
            reading.close()
        self._transport.close()

    def get_page(self, number: int) -> Page:
        """One page of the list, counted from 1.

        Raises:
            AuthenticationError: 401 or 403; trying again will not help.
            RateLimitError, ServerError, APIConnectionError: still so after ``max_retries``.
            InvalidPage: the answer is no list of migrations in any known shape, three times over.
            NotFoundError: 404, as some servers answer beyond the last page.
            RequestRefused: another 4xx, or a redirect to another place.

        Source: API guide, "Migrations": ``page`` and ``page_size``.
        """

        path = f"/migrations?page={number}"
        received_at, listing = self._get(
            f"{path}&page_size={self.page_size}", f"GET {path}", lambda answer: read_list(answer, number)
        )
        return Page(number, received_at=received_at, asked=self.page_size, **listing._asdict())

    def iter_pages(self, *, first: int = 1) -> Iterator[Page]:
        """The list's pages in number order, from ``first`` until the list ends, several in flight.

        A short page is not the end: the server may give fewer rows than were asked for. Empty pages are not
        yielded. What is odd about the end is told in ``stats.notes``.

        Raises:
            InvalidPage: also when the list never ends or the page number seems to be ignored.
            APIError: as in ``get_page``.
        """
        return self.map_pages(lambda page: page, first=first)

    def map_pages(self, make: Callable[[Page], T], *, first: int = 1) -> Iterator[T]:
        """What ``make`` makes of each page that ``iter_pages`` would give.

        It is called in the thread that fetched the page, while the reader is busy with earlier ones.

        Raises:
            APIError: as in ``iter_pages``; and whatever ``make`` raises.
        """
        made: dict[int, T] = {}

        def fetch(number: int) -> Page | NotFoundError:
            try:
                page = self.get_page(number)
            except NotFoundError as error:
                return error
            if page.rows:
                made[number] = make(page)
            return page

        horizon: Guide[Page | NotFoundError] = Horizon(first, self._max_pages)
        with self._read_ahead(fetch, horizon, first, ROWS_AHEAD // self.page_size) as results:
            pages = until_the_end(
                results,
                first=first,
                max_pages=self._max_pages,
                still_served=lambda: self.get_page(1),
                note=self.stats.notes.append,
            )
            for page in pages:
                yield made.pop(page.number)

    def ends_plainly(self) -> bool:
        """Whether a page far behind any list's end brings nothing: then the list can be read from any page on."""
        try:
            return not self.get_page(self._max_pages + 1).rows
        except NotFoundError:
            return True
        except APIError:
            return False

    def map_numbered(self, numbers: Sequence[int], make: Callable[[Page], T]) -> Iterator[tuple[int, T | None]]:
        """What ``make`` makes of each of these pages, in this order; ``None`` for those behind the list's end.

        Numbers may be added while it goes on. It is called in the thread that fetched the page.

        Raises:
            APIError: as in ``get_page``; and whatever ``make`` raises.
        """
        end = self._max_pages + 1

        def fetch(place: int) -> T | None:
            nonlocal end
            if place >= len(numbers) or numbers[place] >= end:
                return None
            with suppress(NotFoundError):
                page = self.get_page(numbers[place])
                if page.rows:
                    return make(page)
            end = min(end, numbers[place])
            return None

        guide: Guide[T | None] = _Listed(numbers)
        with self._read_ahead(fetch, guide, 0, ROWS_AHEAD // self.page_size) as results:
            for place, made in enumerate(results):
                if place >= len(numbers):
                    return
                yield numbers[place], made

    def get_migration(self, api_id: str) -> Answer:
        """One migration by its id.

        Raises:
            NotFoundError: the API knows no such id, or no migration can have it (then nothing is asked).
            InvalidPage: the answer is no migration, or another one than was asked for.
            APIError: as in ``get_page``.
        """
        if not is_possible_id(api_id):
            raise NotFoundError("no migration can have this id")

        path = f"/migrations/{_quoted(api_id)}"
        received_at, row = self._get(path, f"GET {path}", lambda answer: read_one(answer, api_id))
        return Answer(row, received_at)

    def get_migrations(self, ids: Iterable[str]) -> Iterator[tuple[str, Answer | NotFoundError]]:
        """Several migrations by id, several in flight; an id that the API does not know comes with its error.

        Raises:
            APIError: anything else, as in ``get_migration``.
        """
        wanted = tuple(ids)

        def fetch(number: int) -> Answer | NotFoundError:
            try:
                return self.get_migration(wanted[number])
            except NotFoundError as error:
                return error.with_traceback(None)

        with self._read_ahead(fetch, _UpTo(len(wanted)), 0) as results:
            yield from zip(wanted, results, strict=False)

    @contextmanager
    def _read_ahead(
        self, fetch: Callable[[int], T], guide: Guide[T], first: int, window: int = 0
    ) -> Iterator[ReadAhead[T]]:
        reading = ReadAhead(fetch, guide, first=first, workers=self._concurrency, window=window)
        self._reading.add(reading)
        try:
            yield reading
        finally:
            reading.close()

    def _get(self, path: str, request: str, read: Callable[[object], T]) -> tuple[datetime, T]:
        """Ask until ``read`` makes something of the answer's JSON, or no further try is worth it."""
        began = self._clock.now()
        tries = failed = 0
        while True:
            self._back_off.wait(request)
            answered = self.stats.answered
            result = self._try(path, read)
            if not isinstance(result, Failure):
                self._count(answered=1)
                return result
            tries += 1
            # A rate limit that lets other requests through is a pace, not an outage, and uses up no try.
            if result.kind is not RateLimitError or self.stats.answered == answered:
                failed += 1
            if not self._is_worth_another(result, failed, self._clock.now() - began):
                self._back_off.hold(result.retry_after or 0.0)
                raise result.error(request, tries)
            self._count(retries=1)
            self._pause(result, failed)

    def _try(self, path: str, read: Callable[[object], T]) -> tuple[datetime, T] | Failure:
        try:
            response = self._transport.get(path)
            received_at = datetime.now(UTC)
            answer = answers.content(response, self._scrub)
            try:
                return received_at, read(answer)
            except ValueError as error:
                return answers.bad_answer(str(error), response, self._scrub)
        except Failure as failure:
            return failure

    def _is_worth_another(self, failure: Failure, failed: int, elapsed: float) -> bool:
        retries = self._max_retries if failure.retries is None else min(failure.retries, self._max_retries)
        return may_pass(failed, retries=retries, elapsed=elapsed, retry_after=failure.retry_after)

    def _pause(self, failure: Failure, failed: int) -> None:
        delay = delay_before(max(failed, 1) + 1, retry_after=failure.retry_after, jitter=jitter())
        if failure.shared:
            self._back_off.hold(delay)
        else:
            self._clock.sleep(delay)

    def _count(self, *, requests: int = 0, answered: int = 0, retries: int = 0, waited: float = 0.0) -> None:
        with self._lock:
            self.stats.requests += requests
            self.stats.answered += answered
            self.stats.retries += retries
            self.stats.waited += waited


class _Listed:
    """All of a list that may grow are worth starting."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._numbers = numbers

    def allows(self, place: int) -> bool:
        return place < len(self._numbers)

    def learn(self, place: int, result: object) -> None:
        """Nothing: what lies behind the end is not asked for."""


class _UpTo:
    """All of a known number of fetches are worth starting."""

    def __init__(self, count: int) -> None:
        self._count = count

    def allows(self, number: int) -> bool:
        return number < self._count

    def learn(self, number: int, result: object) -> None:
        if result is None:
            self._count = min(self._count, number)


def _quoted(api_id: str) -> str:
    """The id as one segment of a path. Dots alone would mean "this folder" or "the one above"."""
    text = quote(api_id, safe="")
    return text if text.strip(".") else text.replace(".", "%2E")
