"""Formats for the templates; nothing here asks the database."""

from functools import cache

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboard.parts import Tone
from dashboard.rows import Row, markup

register = template.Library()

MESSAGES: dict[str, tuple[Tone, str]] = {
    "success": ("good", "check"),
    "warning": ("late", "alert"),
    "error": ("bad", "alert"),
}


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """A picture from the sprite, hidden from screen readers: the words beside it say the same."""
    use = format_html('<use href="{}#{}"/>', static("icons.svg"), name)
    return format_html('<svg class="icon" aria-hidden="true" width="16" height="16">{}</svg>', use)


@register.filter
def message_tone(level: str) -> str:
    return MESSAGES.get(level, ("info", ""))[0]


@register.filter
def message_icon(level: str) -> str:
    return MESSAGES.get(level, ("", "bell"))[1]


@register.simple_tag
def migration_rows(rows: list[Row], icons: str) -> SafeString:
    """The rows of a table of migrations; see ``dashboard.rows``."""
    return markup(rows, icons=icons)
