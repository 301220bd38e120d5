"""Pages of the list, how far ahead it pays to read, and where the list ends."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any

from migrations_sync.exceptions import InvalidPage, NotFoundError

_id_of = itemgetter("id")

REPEATED_END = "later page numbers bring the last page again"
SHORT_OF_TOTAL = "the list brings fewer migrations than the total it gives"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the list. ``rows`` are JSON values, unchecked. ``received_at`` is in UTC.

    ``shape``: which known envelope it came in. ``total``, ``has_more``: what the envelope says, ``None`` if
    nothing. ``asked``: the page size that was asked for; the API may give fewer.
    """

    number: int
    rows: list[Any] = field(repr=False)
    received_at: datetime
    shape: str
    total: int | None
    has_more: bool | None
    asked: int

    def repeats(self, other: "Page") -> bool:
        """Whether this is the other page again: the same migrations, in whatever order and state."""
        return len(self.rows) == len(other.rows) and self._ids() == other._ids()

    def _ids(self) -> set[Any]:
        try:
            ids = set(map(_id_of, self.rows))
        except (KeyError, TypeError):  # rows that will be refused one by one; here they only must be told apart
            ids = {None}
        return ids if all(ids) else set(map(repr, self.rows))


class Horizon:
    """How far ahead of the wanted page it pays to ask, by what the pages received so far say.

    Nothing here ends the list: a page beyond the horizon is asked for as soon as all before it are there.
    """

    def __init__(self, first: int, max_pages: int) -> None:
        self._end = max_pages  # explicit: nothing lies behind it
        self._told = first  # by the total; until the first page has come, only that one
        self._largest = 0
        self._short: Page | None = None
        self._short_may_be_last = True

    def allows(self, number: int) -> bool:
        return number <= min(self._end, self._told, self._short.number if self._short else number)

    def learn(self, number: int, page: Page | NotFoundError | None) -> None:
        """Take in what came for ``number``, in any order of arrival; ``None`` if nothing did."""
        if not isinstance(page, Page) or not page.rows or page.has_more is False:
            self._end = min(self._end, number)
        if isinstance(page, Page) and page.rows:
            self._largest = max(self._largest, len(page.rows))
            self._told = self._end if page.total is None else math.ceil(page.total / self._largest)
            self._doubt(page)

    def _doubt(self, page: Page) -> None:
        """A page that is shorter than another may be the last one, until one behind it says otherwise.

        Where a short page was not the last, the server hands out uneven pages, and shortness says nothing.
        """
        if self._short and page.number > self._short.number and not page.repeats(self._short):
            self._short, self._short_may_be_last = None, False
        elif self._short_may_be_last and not self._short and len(page.rows) < self._largest:
            self._short = page


def until_the_end(
    results: Iterable[Page | NotFoundError],
    *,
    first: int,
    max_pages: int,
    still_served: Callable[[], object],
    note: Callable[[str], None],
) -> Iterator[Page]:
    """The pages up to the end of the list, which is an empty page, an explicit sign, or a 404 behind a good page.

    A short page is not the end: the server may give fewer rows than were asked for. A page served twice is no
    end either, for rows move when others are inserted; a page served three times is one: see ``_judge``.

    ``results``: what came for page ``first``, ``first + 1`` and so on. ``still_served`` raises if the list as a
    whole is gone. ``note`` is told what a run should record.

    Raises:
        InvalidPage: the list never ends, or the server seems to ignore the page number.
        NotFoundError: there is no list.
    """
    received = largest = 0
    total: int | None = None
    for page in _without_repeats(_with_rows(results, first, still_served), note):
        yield page
        received, largest, total = received + len(page.rows), max(largest, len(page.rows)), page.total
        if page.has_more is False:
            break
        if page.number >= max_pages:
            raise InvalidPage(f"GET /migrations?page={page.number}: the list has not ended after {max_pages} pages")
    # A few may have come or gone meanwhile; a whole page of them has not.
    if first == 1 and total is not None and total - received > largest:
        note(SHORT_OF_TOTAL)


def _with_rows(
    results: Iterable[Page | NotFoundError], first: int, still_served: Callable[[], object]
) -> Iterator[Page]:
    """The pages in front of the first empty one or 404."""
    for number, page in enumerate(results, first):
        if isinstance(page, NotFoundError):
            if number == 1:
                raise page
            still_served()
            return
        if not page.rows:
            return
        yield page


def _without_repeats(pages: Iterable[Page], note: Callable[[str], None]) -> Iterator[Page]:
    """The pages in front of one that comes three times. One that comes twice waits until the third is known."""
    last: Page | None = None
    repeat: Page | None = None
    largest = received = 0
    for page in pages:
        if last and page.repeats(last) and page.has_more is not False:
            if repeat:
                _judge(last, page, largest=largest, received=received)
                note(REPEATED_END)
                return
            repeat = page
            continue
        if repeat:
            yield repeat
            repeat = None
        yield page
        last, largest, received = page, max(largest, len(page.rows)), received + len(page.rows)


def _judge(last: Page, again: Page, *, largest: int, received: int) -> None:
    """Let a page that came three times pass for the end of the list, or refuse it.

    Some servers serve the last page for every later number; it is then mostly a short one. Others ignore the
    number, or are stuck, and to take that for the end would make every later migration seem gone.
    """
    complete = again.total is not None and received >= again.total
    stuck = again.has_more or last.number == 1 or len(last.rows) >= largest
    if stuck and (again.has_more or not complete):
        raise InvalidPage(
            f"GET /migrations?page={again.number}: pages {last.number + 1} and {again.number} repeat page "
            f"{last.number}: the server seems to ignore the page number, or to be stuck"
        )
