"""What the product's templates can call: Jinja2 renders them, in a fraction of the time of Django's own engine.

The administration and other packages bring templates for Django's engine, which stays for them.
"""

import html
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import jinja2
import jinja2.ext
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.template.defaultfilters import truncatechars
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame

from dashboard.hrefs import address
from dashboard.parts import Tone
from dashboard.preferences import Preferences
from dashboard.rows import markup

MESSAGES: dict[str, tuple[Tone, str]] = {
    "success": ("good", "check"),
    "warning": ("late", "alert"),
    "error": ("bad", "alert"),
}
file = cache(static)


class Writer(CodeGenerator):
    """Has what a template prints escaped to a plain text: what is part of a page is not escaped again, and to make
    each a ``Markup`` would be a twentieth of a page's time."""

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.autoescape and not frame.eval_ctx.volatile and finalize.src is None:
            self.write("environment.escape(")
        else:
            super()._output_child_pre(node, frame, finalize)


class Environment(jinja2.Environment):
    """A name that a context or a value does not have is an error, so that nothing is left blank unnoticed."""

    code_generator_class = Writer

    def __init__(self, **options: Any) -> None:
        options |= {"undefined": jinja2.StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
        super().__init__(**options, extensions=[] if settings.DEBUG else [Inlined])
        self.globals |= {
            "icon": icon,
            "message_look": message_look,
            "migration_rows": markup,
            "static": file,
            "url": url,
            # Where a page is made without a request, as some of those about errors are.
            "csrf_input": "",
            "messages": (),
            "preferences": Preferences(),
            "request": None,
            "user": AnonymousUser(),
        }
        self.filters |= {"capfirst": capfirst, "truncatechars": truncatechars}

    @staticmethod
    def escape(value: Any) -> str:
        return html.escape(value) if type(value) is str else conditional_escape(value)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A dictionary's key comes before its methods: ``row.items`` is a value, and found at once."""
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        try:
            return getattr(obj, attribute)
        except AttributeError:
            return super().getattr(obj, attribute)


class Inlined(jinja2.ext.Extension):
    """Puts into a template what it includes, and the addresses and pictures that it names: each page would look them
    up again. Not while somebody edits the templates, as nobody would look whether those included have changed."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        whole = _INCLUDE.sub(lambda found: self._read(found["name"]), source)
        return _NAMED.sub(lambda found: str(_NAMERS[found["namer"]](found["name"])), whole)

    def _read(self, name: str) -> str:
        loader = self.environment.loader
        return self.preprocess(loader.get_source(self.environment, name)[0], name) if loader else ""


_INCLUDE = re.compile(r"""\{% include (?P<quote>["'])(?P<name>[^"']+)(?P=quote) %\}""")
_NAMED = re.compile(r"""\{\{ (?P<namer>icon|static|url)\((?P<quote>["'])(?P<name>[^"']+)(?P=quote)\) \}\}""")


def url(name: str, *args: object) -> str:
    """The address of the page called ``name``."""
    return reverse(name, args=args) if args else address(name)


@cache
def icon(name: str) -> SafeString:
    """A picture from the sprite, hidden from screen readers: the words beside it say the same."""
    use = format_html('<use href="{}#{}"/>', static("icons.svg"), name)
    return format_html('<svg class="icon" aria-hidden="true" width="16" height="16">{}</svg>', use)


def message_look(level: str) -> tuple[Tone, str]:
    """Tone and icon of a message."""
    return MESSAGES.get(level, ("info", "bell"))


_NAMERS: dict[str, Callable[[str], str]] = {"icon": icon, "static": file, "url": url}
