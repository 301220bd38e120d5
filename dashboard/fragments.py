"""Markup that is the same for every reader in one time zone, made once for all of them."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.safestring import SafeString, mark_safe

from dashboard import current, preferences
from dashboard.kept import kept

KEPT = 10  # seconds; ages on the page count on by themselves


def fragment(request: HttpRequest, name: str, template: str, make: Callable[[], dict[str, Any]]) -> SafeString:
    """``template`` with the context that ``make`` gives, and icons; no older than the mirror's last change.

    ``name`` tells apart what a template is filled with. Nothing in it may depend on who reads it.
    """
    source, fresh, now = current.source(request), current.freshness(request), current.now(request)
    state = (source.pk, source.version, fresh.level, fresh.sweeping, int(now.timestamp()) // KEPT)
    follows_from = repr((template, name, str(preferences.read(request).zone), state))
    key = f"fragment:{blake2b(follows_from.encode(), digest_size=16).hexdigest()}"
    made = kept(key, lambda: str(render_to_string(template, make() | {"icons": static("icons.svg")})), seconds=KEPT)
    return mark_safe(made)  # noqa: S308  (the template engine escaped it)
