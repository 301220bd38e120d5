"""Markup that is the same for every reader in one time zone, made once for all of them."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.safestring import SafeString, mark_safe

from dashboard import current, preferences
from dashboard.conditional import release

KEPT = 10  # seconds; ages on the page count on by themselves


def fragment(request: HttpRequest, name: str, template: str, make: Callable[[], dict[str, Any]]) -> SafeString:
    """``template`` with the context that ``make`` gives, and icons; no older than the mirror's last change.

    ``name`` tells apart what a template is filled with. Nothing in it may depend on who reads it.
    """
    source, fresh, now = current.source(request), current.freshness(request), current.now(request)
    state = (source.pk, source.version, fresh.level, fresh.sweeping, int(now.timestamp()) // KEPT)
    follows_from = repr((release(), template, name, str(preferences.read(request).zone), state))
    key = f"fragment:{blake2b(follows_from.encode(), digest_size=16).hexdigest()}"
    known: str | None = cache.get(key)
    if known is None:
        known = render_to_string(template, make() | {"icons": static("icons.svg")})
        cache.set(key, known, KEPT)
    return mark_safe(known)  # noqa: S308  (made by the template engine, which escaped it)
