"""Addresses of lists that differ in one thing from the one being shown."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote_plus

_quoted = lru_cache(4096)(quote_plus)  # a page says the same few words in dozens of addresses
Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Here:
    """``path`` with the parameters ``given``; every method gives another address and starts at its first page.

    ``bare``: a query that says as much as none, where the path alone would open something else.
    """

    path: str
    given: Pairs
    bare: str = ""

    def to(self, pairs: Iterable[tuple[str, str]]) -> str:
        query = "&".join([f"{_quoted(name)}={_quoted(value)}" for name, value in pairs]) or self.bare
        return f"{self.path}?{query}" if query else self.path

    def without(self, *names: str) -> list[tuple[str, str]]:
        return [(name, value) for name, value in self.given if name not in names]

    def dropping(self, *names: str) -> str:
        return self.to(self.without(*names))

    def setting(self, name: str, value: str) -> str:
        return self.to([*self.without(name), (name, value)])

    def toggling(self, name: str, value: str) -> str:
        """With this one of several values of ``name`` if it is not there, without it if it is."""
        pair = (name, value)
        return self.to([p for p in self.given if p != pair] if pair in self.given else [*self.given, pair])

    def asks_for(self, pairs: Pairs, *, apart_from: Collection[str]) -> bool:
        """Whether this address and ``pairs`` ask for the same, ``apart_from`` some parameters."""
        return {p for p in self.given if p[0] not in apart_from} == {p for p in pairs if p[0] not in apart_from}
