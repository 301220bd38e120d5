"""Every address that the product has, found from its routes, so that no new page escapes the tests that walk all."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver

MIGRATION = "m-1"
SAMPLES = {"int": "1", "str": "x", "path": MIGRATION, "anything": MIGRATION, "slug": "x", "uuid": "0"}
# What one kind of address takes in place of the sample of its type.
PARTICULAR = {"alerts-channel-new": "email", "short-link": MIGRATION, "triage": "note"}


@dataclass(frozen=True, slots=True)
class Page:
    """``address``: one that this route answers. ``name``: the route's."""

    name: str
    address: str
    variable: bool


def every() -> list[Page]:
    """All pages but those that Django's administration makes by itself."""
    return list(_walk(get_resolver().url_patterns, "/"))


def _walk(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[Page]:
    for found in patterns:
        if isinstance(found, URLResolver):
            if found.namespace != "admin":
                yield from _walk(found.url_patterns, prefix + str(found.pattern))
            continue
        route, address = prefix + str(found.pattern), prefix + str(found.pattern)
        for name, converter in found.pattern.converters.items():
            kind = type(converter).__name__.removesuffix("Converter").lower().replace("string", "str")
            sample = PARTICULAR.get(found.name or "", SAMPLES[kind])
            for spelling in (f"<{kind}:{name}>", f"<{name}>"):
                address = address.replace(spelling, sample)
        yield Page(found.name or route, address, variable=address != route)
