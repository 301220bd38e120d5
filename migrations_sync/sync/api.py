"""What the engine needs of an API client. It knows no HTTP: anything with this shape will do."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from migrations_sync.exceptions import NotFoundError

T = TypeVar("T")


class Page(Protocol):
    """One page of the list as received at ``received_at`` (UTC); ``rows`` are JSON values, unchecked."""

    @property
    def number(self) -> int: ...
    @property
    def rows(self) -> Sequence[object]: ...
    @property
    def received_at(self) -> datetime: ...
    @property
    def shape(self) -> str: ...


class Answer(Protocol):
    """One migration asked for by id, as received at ``received_at`` (UTC)."""

    @property
    def row(self) -> object: ...
    @property
    def received_at(self) -> datetime: ...


class Stats(Protocol):
    """What was asked of the API so far. ``waited``: seconds held back on its wish. ``notes``: oddities."""

    @property
    def requests(self) -> int: ...
    @property
    def retries(self) -> int: ...
    @property
    def waited(self) -> float: ...
    @property
    def notes(self) -> Sequence[str]: ...


class Api(Protocol):
    """Reads the Migrations API; every method raises ``APIError`` when it can't."""

    @property
    def page_size(self) -> int: ...
    @property
    def stats(self) -> Stats: ...

    def map_pages(self, make: Callable[[Page], T], *, first: int = 1) -> Iterator[T]:
        """What ``make`` makes of each page of the list, in order; it may be called in other threads, ahead."""

    def ends_plainly(self) -> bool:
        """Whether pages behind the end of the list bring nothing, so that it can be read from any page on."""

    def map_numbered(self, numbers: Sequence[int], make: Callable[[Page], T]) -> Iterator[tuple[int, T | None]]:
        """The same of these pages, to which more may be added meanwhile; ``None`` behind the end of the list."""

    def get_page(self, number: int) -> Page: ...
    def get_migration(self, api_id: str) -> Answer: ...
    def get_migrations(self, api_ids: Iterable[str]) -> Iterator[tuple[str, Answer | NotFoundError]]: ...
