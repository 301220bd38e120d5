"""Badges: a migration's status as a picture or JSON for tickets, for whoever holds its signed address."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core import signing
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from dashboard import current, hrefs, preferences, rows, wording
from dashboard.accounts import printable
from dashboard.models import Badge
from migrations_sync import statuses
from migrations_sync.freshness import Freshness
from migrations_sync.models import Migration, Source

LIFETIMES = {7: "a week", 30: "30 days", 90: "90 days", 365: "a year"}
_signer = signing.Signer(sep=".", salt="dashboard.badge")

GREY, DARK = "#6b7280", "#3f4552"
# The inks of the pages' light theme: white text on each of them reads at 4.5 : 1 or more.
COLOURS = {
    "failed": "#c2103a",
    "partial": "#9a4209",
    "pending": "#7d5a00",
    "abandoned": "#6a1b7d",
    "working": "#0a58b8",
    "waiting": "#586b78",
    "complete": "#0b6e35",
}


LETTER, PAD = 6.4, 8  # pixels: of an average letter at 11 px, and beside a text


@dataclass(frozen=True, slots=True)
class Face:
    """What a badge shows. ``as_of`` is when the API last confirmed it, as far as the mirror knows."""

    name: str
    status: str
    label: str
    colour: str
    as_of: datetime
    trusted: bool


@dataclass(frozen=True, slots=True)
class Part:
    """A coloured stretch of the picture, in pixels. The text is fitted into it, whatever font there is."""

    text: str
    colour: str
    x: float
    width: float

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 1)

    @property
    def text_width(self) -> float:
        return round(self.width - 2 * PAD, 1)


def drawn(*texts: tuple[str, str]) -> dict[str, Any]:
    """Context of ``badge.svg`` for (text, colour) pairs, from left to right."""
    parts: list[Part] = []
    for text, colour in texts:
        x = parts[-1].x + parts[-1].width if parts else 0
        parts.append(Part(text, colour, round(x, 1), round(len(text) * LETTER + 2 * PAD, 1)))
    return {"parts": parts, "width": parts[-1].x + parts[-1].width, "words": ", ".join(text for text, _ in texts)}


def make(request: HttpRequest, migration: Migration, *, days: int) -> Badge:
    now = timezone.now()
    return Badge.objects.create(
        migration=migration,
        made_by_id=request.user.pk,
        made_at=now,
        expires_at=now + timedelta(days=days),
    )


def revoke(badge: Badge) -> bool:
    """End ``badge`` for ever; whether it had not ended by then."""
    return bool(Badge.objects.filter(pk=badge.pk, revoked_at__isnull=True).update(revoked_at=timezone.now()))


def token(badge: Badge) -> str:
    """The part of the address that is hard to guess: it holds the badge's number, signed."""
    return _signer.sign(str(badge.pk))


def find(text: str) -> Badge | None:
    """The badge that ``text`` is the token of, ended or not; ``None`` for anything that was not signed here."""
    try:
        key = int(_signer.unsign(text))
    except (signing.BadSignature, ValueError):
        return None
    return Badge.objects.select_related("migration__source").filter(pk=key).first()


def ended(badge: Badge, now: datetime) -> str:
    """Why ``badge`` shows nothing any more; empty while it does."""
    if badge.revoked_at:
        return "revoked"
    return "expired" if badge.expires_at <= now else ""


def face(migration: Migration, freshness: Freshness, source: Source) -> Face:
    """What can honestly be shown of ``migration``. Grey, and said to be old, while the mirror can't be trusted."""
    status = statuses.get(migration.status)
    label = "gone" if migration.gone_at else printable(status.label)
    sure = freshness.trusted and not migration.gone_at
    return Face(
        name=printable(migration.api_id.partition("-")[0])[:12],
        status=migration.status,
        label=label if freshness.trusted else f"last seen {label}",
        colour=COLOURS.get(status.tone, GREY) if sure else GREY,
        as_of=rows.last_checked(status.open, migration.checked_at, migration.gone_at, source),
        trusted=freshness.trusted,
    )


def panel(request: HttpRequest, migration: Migration, *, may: bool, ever: bool = True) -> dict[str, Any]:
    """Context of ``_badges.html``: the badges of ``migration`` that still show.

    ``may``: make and revoke them. ``ever``: whether it had any, if that is known.
    """
    usable = Badge.objects.filter(migration=migration).usable(current.now(request))
    found = usable.select_related("migration", "made_by")
    return {
        "badges": [row(request, badge) for badge in found.order_by("-id")[:20]] if ever else [],
        "badge_days": LIFETIMES,
        "api_id": migration.api_id,
        "may_badge": may,
    }


def row(request: HttpRequest, badge: Badge) -> dict[str, Any]:
    """``badge`` made ready for a page."""
    zone = preferences.read(request).zone
    address = request.build_absolute_uri(reverse("badge-picture", args=[token(badge)]))
    page = request.build_absolute_uri(hrefs.migration(badge.migration.api_id))
    return {
        "pk": badge.pk,
        "address": address,
        "json": address.removesuffix(".svg") + ".json",
        "markdown": f"[![Migration status]({address})]({page})",
        "by": badge.made_by.get_username() if badge.made_by else "somebody",
        "until": wording.day(badge.expires_at, zone),
        "api_id": badge.migration.api_id,
        "page": page,
    }
