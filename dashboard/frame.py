"""What stands around every page: sections, how fresh the mirror is, and the banner when it is not."""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from django.http import HttpRequest

from dashboard import attention, current, preferences, wording
from dashboard.hrefs import address
from dashboard.parts import Banner, Section, Tone
from migrations_sync.freshness import Freshness

SECTIONS = (
    ("Overview", "overview"),
    ("Migrations", "migration-list"),
    ("Attention", "attention"),
    ("Companies", "company-list"),
    ("Syncs", "run-list"),
    ("Alerts", "alerts"),
)

MARKS = {"stale": "Stale", "blind": "Blind"}


@dataclass(frozen=True, slots=True)
class FreshnessLine:
    """``_freshness.html``: ``Data as of 21:01:27 UTC, 14 s ago``; ``iso`` is empty while nothing was ever read."""

    icon: str
    tone: Tone
    label: str
    title: str
    iso: str = ""
    clock: str = ""
    ago: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """``version``: the mirror's, so that an open page knows what it shows. ``mark``: begins the title of a page
    that shows an old mirror."""

    version: int
    mark: str
    sections: list[Section]
    search_href: str
    freshness: FreshnessLine
    banner: Banner | None


def frame(request: HttpRequest) -> Frame:
    """The frame of the page that ``request`` asks for; what it has to ask for, the page has asked for as well."""
    fresh, now, zone = current.freshness(request), current.now(request), preferences.read(request).zone
    return Frame(
        version=current.source(request).version,
        mark=MARKS.get(fresh.level, ""),
        sections=_sections(request),
        search_href=address("search"),
        freshness=_line(fresh, now, zone),
        banner=_banner(fresh, now, zone),
    )


def _sections(request: HttpRequest) -> list[Section]:
    match = request.resolver_match
    here = (match.url_name or "").partition("-")[0] if match else ""
    asking = sum(attention.counts(current.source(request), current.now(request)).values())
    return [
        Section(
            label=label,
            href=address(name),
            current=name.partition("-")[0] == here,
            count=wording.number(asking) if name == "attention" and asking else "",
        )
        for label, name in SECTIONS
    ]


def _line(fresh: Freshness, now: datetime, zone: tzinfo) -> FreshnessLine:
    if fresh.as_of is None:
        return FreshnessLine("clock", "late", "No data yet", "No sync has come through so far")
    calm = fresh.level == "fresh"
    return FreshnessLine(
        icon="clock" if calm else "alert",
        tone="" if calm else "late" if fresh.level == "late" else "bad",
        label="Data as of",
        title=f"Everything shown was true at {wording.second(fresh.as_of, zone)}",
        iso=wording.iso(fresh.as_of),
        clock=wording.clock(fresh.as_of, now=now, zone=zone),
        ago=wording.ago(fresh.as_of, now=now, zone=zone),
    )


def _banner(fresh: Freshness, now: datetime, zone: tzinfo) -> Banner | None:
    """What is wrong with the mirror in one sentence, since when, and where to read on."""
    runs, action = address("run-list"), "See the syncs"
    shown = f"What you see was true at {wording.second(fresh.as_of, zone)}." if fresh.as_of else ""
    cause = f"{fresh.cause.rstrip('.')}." if fresh.cause else ""
    if fresh.level == "blind":
        since = f" since {wording.clock(fresh.since, now=now, zone=zone)}" if fresh.since else ""
        return Banner(
            f"The mirror can't see the API{since}.", f"{cause} {shown}".strip(), "bad", href=runs, action=action
        )
    if fresh.level == "stale" and fresh.as_of:
        text = f"No sync has come through for {wording.span(now - fresh.as_of)}. {shown}"
        return Banner("This data is old.", text, "bad", href=runs, action=action)
    if fresh.level == "never":
        text = "It is reading the list now." if fresh.sweeping else "The first sync has not come through yet."
        return Banner(
            "The mirror is not complete yet.",
            f"{text} {cause}".strip(),
            "info",
            icon="sync",
            href=runs,
            action=action,
        )
    if fresh.doubt:
        return Banner(
            "The last full sweep was only partial.", f"{fresh.doubt.rstrip('.')}.", "late", href=runs, action=action
        )
    return None
