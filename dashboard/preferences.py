"""What a person chose for this browser. It lives in one cookie, so that no page has to ask the database for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse

COOKIE = "preferences"
AGE = 365 * 86400  # seconds
THEMES = ("", "light", "dark")  # empty: as the system says
PAGE_SIZES = (25, 50, 100, 200)
# Columns of the table that can be left out; what a row is and how it fares always stay.
OPTIONAL_COLUMNS = ("company", "user", "created", "since", "changed", "checked")


@dataclass(frozen=True, slots=True)
class Preferences:
    """``zone_name``: an IANA name. ``keys``: single-key shortcuts are on. ``hide``: columns left out of tables."""

    theme: str = ""
    zone_name: str = "UTC"
    keys: bool = True
    per_page: int = 50
    hide: tuple[str, ...] = ()

    @property
    def zone(self) -> tzinfo:
        return zone(self.zone_name) or UTC

    def with_choices(self, chosen: Mapping[str, str]) -> "Preferences":
        """These, changed by those of ``chosen`` that can be used."""
        theme, size = chosen.get("theme"), chosen.get("per_page", "")
        return Preferences(
            theme=theme if theme in THEMES else self.theme,
            zone_name=chosen["zone"] if zone(chosen.get("zone", "")) else self.zone_name,
            keys=chosen["keys"] == "on" if "keys" in chosen else self.keys,
            per_page=int(size) if size in map(str, PAGE_SIZES) else self.per_page,
            hide=tuple(c for c in OPTIONAL_COLUMNS if c in chosen["hide"].split()) if "hide" in chosen else self.hide,
        )

    def save(self, response: HttpResponse, *, secure: bool) -> None:
        """Set the cookie on ``response``."""
        stored = {
            "theme": self.theme,
            "zone": self.zone_name,
            "keys": "on" if self.keys else "off",
            "per_page": self.per_page,
            "hide": " ".join(self.hide),
        }
        response.set_cookie(COOKIE, urlencode(stored), max_age=AGE, secure=secure, httponly=True, samesite="Lax")


def read(request: HttpRequest) -> Preferences:
    """What the cookie says; anything in it that can't be used counts as not chosen."""
    if not hasattr(request, "_preferences"):
        stored = parse_qsl(request.COOKIES.get(COOKIE, "")[:1000], keep_blank_values=True)
        request._preferences = Preferences().with_choices(dict(stored))  # type: ignore[attr-defined]
    known: Preferences = request._preferences  # type: ignore[attr-defined]
    return known


def zone(name: str) -> tzinfo | None:
    """The time zone of that IANA name, or ``None``."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):  # unknown, a path, a folder of zones
        return None
