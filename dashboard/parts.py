"""What the partial templates are given: values made ready, so that templates decide nothing."""

from dataclasses import dataclass, field
from typing import Literal

Tone = Literal["", "good", "info", "late", "bad"]


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    href: str
    primary: bool = False


@dataclass(frozen=True, slots=True)
class Banner:
    """``_banner.html``: one sentence above everything, and where to read on."""

    title: str
    text: str = ""
    tone: Tone = "info"
    icon: str = "alert"
    href: str = ""
    action: str = ""
    role: Literal["status", "alert"] = "status"


@dataclass(frozen=True, slots=True)
class Empty:
    """``_empty.html``: why there is nothing, and what can be done about it."""

    title: str
    text: str = ""
    icon: str = "search"
    tone: Tone = ""
    actions: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Tile:
    """``_tiles.html``: one number. ``status`` colours it; ``zero`` mutes it; ``note`` stands below."""

    status: str
    label: str
    icon: str
    value: str
    href: str
    note: str = ""
    zero: bool = False


@dataclass(frozen=True, slots=True)
class Pager:
    """``_pager.html``: ``1–50 of 640`` and addresses, empty where there is no such page."""

    summary: str
    first: str = ""
    previous: str = ""
    next: str = ""
    last: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """``_timeline.html``: one thing on a timeline, newest first.

    ``kind``: "" for what happened upstream, ``human`` for what people did, ``blind`` for a time nobody
    looked; add `` gap`` where the record down to the next event is not whole. ``status`` (a code) or
    ``tone`` colours the icon; ``anchor`` is the element's id; ``reason`` is quoted as it came, as a link to
    ``href`` if that is given.
    """

    anchor: str
    icon: str
    title: str
    when: str
    iso: str
    detail: str = ""
    reason: str = ""
    status: str = ""
    tone: Tone = ""
    kind: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """An entry of the main navigation."""

    label: str
    href: str
    current: bool = field(default=False)
    count: str = ""
