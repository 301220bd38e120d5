"""What the product's templates can call: Jinja2 renders them, in a fraction of the time of Django's own engine.

The administration and other packages bring templates for Django's engine, which stays for them.
"""

from functools import cache
from typing import Any

import jinja2
from django.contrib.auth.models import AnonymousUser
from django.template.defaultfilters import truncatechars
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from dashboard.parts import Tone
from dashboard.preferences import Preferences
from dashboard.rows import markup

MESSAGES: dict[str, tuple[Tone, str]] = {
    "success": ("good", "check"),
    "warning": ("late", "alert"),
    "error": ("bad", "alert"),
}
# An address or a file without parameters has one name as long as the process lives.
_file, _address = cache(static), cache(reverse)


class Environment(jinja2.Environment):
    """A name that a context or a value does not have is an error, so that nothing is left blank unnoticed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"undefined": jinja2.StrictUndefined}, trim_blocks=True, lstrip_blocks=True)
        self.globals |= {
            "icon": icon,
            "message_look": message_look,
            "migration_rows": markup,
            "static": _file,
            "url": url,
            # Where a page is made without a request, as some of those about errors are.
            "csrf_input": "",
            "messages": (),
            "preferences": Preferences(),
            "request": None,
            "user": AnonymousUser(),
        }
        self.filters |= {"capfirst": capfirst, "truncatechars": truncatechars}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A dictionary's key comes before its methods: ``row.items`` is a value, and found at once."""
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


def url(name: str, *args: object) -> str:
    """The address of the page called ``name``."""
    return reverse(name, args=args) if args else _address(name)


@cache
def icon(name: str) -> SafeString:
    """A picture from the sprite, hidden from screen readers: the words beside it say the same."""
    use = format_html('<use href="{}#{}"/>', static("icons.svg"), name)
    return format_html('<svg class="icon" aria-hidden="true" width="16" height="16">{}</svg>', use)


def message_look(level: str) -> tuple[Tone, str]:
    """Tone and icon of a message."""
    return MESSAGES.get(level, ("info", "bell"))
