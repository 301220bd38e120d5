"""The shapes in which a list, or one migration, may arrive.

The vendor documents no list body, so every usual one is read. Any other must be refused loudly: taken for an
empty list it would say that all migrations are gone. Shapes by likelihood: ``{"object": "list", "data": […],
"has_more"}``, ``{"items": […], "total", "page", "page_size", "pages"}``, a bare array, ``{"migrations": […]}``,
``{"results": […], "count", "next"}``, ``{"data": […], "pagination": {…}}``.
"""

from typing import Any, NamedTuple

from migrations_sync.records import json_type

ROWS = ("data", "items", "migrations", "results")
ONE = ("data", "migration")
# More than any account has: a number above this is no total.
_MOST = 2**53


class Listing(NamedTuple):
    """``shape``: where the rows were. ``total``: migrations in all, as the API has it, or ``None``.

    ``has_more``: whether pages follow, by an explicit sign; ``None`` without one.
    """

    rows: list[Any]
    shape: str
    total: int | None
    has_more: bool | None


def read_list(answer: object, number: int) -> Listing:
    """The rows of page ``number`` and what the envelope says about the rest.

    Raises:
        ValueError: the answer is no list of migrations in a known shape; the message says what it is.
    """
    if isinstance(answer, list):
        return Listing(answer, "array", None, None)
    if not isinstance(answer, dict):
        raise ValueError(f"{json_type(answer)} instead of a list")
    found = [name for name in ROWS if isinstance(answer.get(name), list)]
    if len(found) != 1:
        raise ValueError(f"an object with {'several lists' if found else 'no list'} in it")
    rows = answer[found[0]]
    pagination = answer.get("pagination")
    signs = answer | pagination if isinstance(pagination, dict) else answer
    listing = Listing(rows, found[0], _total(signs, rows), _has_more(signs, number, rows))
    if listing.has_more and not rows:
        raise ValueError("an empty page that says more pages follow")
    return listing


def read_one(answer: object, api_id: str) -> dict[str, Any]:
    """The migration, bare or in an envelope.

    Raises:
        ValueError: there is none in it, or another one than was asked for.
    """
    if isinstance(answer, dict):
        for candidate in (answer, *(answer.get(name) for name in ONE)):
            if isinstance(candidate, dict) and "id" in candidate:
                if candidate["id"] != api_id:
                    raise ValueError("another migration than the one asked for")
                return candidate
    raise ValueError(f"{json_type(answer)} without a migration in it")


def _total(signs: dict[str, Any], rows: list[Any]) -> int | None:
    """Never a reason to stop: only to read ahead no further, and to wonder."""
    for name in ("total", "total_count", "count"):
        value = signs.get(name)
        if type(value) is int and len(rows) <= value <= _MOST:
            return value
    return None


def _has_more(signs: dict[str, Any], number: int, rows: list[Any]) -> bool | None:
    for name in ("has_more", "has_next"):
        if isinstance(signs.get(name), bool):
            return bool(signs[name])
    for name in ("next", "next_page"):
        if name in signs:
            return bool(signs[name])
    for name in ("pages", "total_pages"):
        pages = signs.get(name)
        if type(pages) is int and (pages > 0 or not rows):
            return number < pages
    return None
