"""Where the parts of a chart go, and the SVG that says so. Pure: numbers in, markup out.

Everything is an attribute: the content security policy forbids inline styles. Colours come from the style sheet
by ``data-status`` and ``data-tone``. The links are for a pointer; whoever uses a keyboard or a screen reader has
the same numbers, as links too, in the table beside the chart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from django.utils.safestring import SafeString, mark_safe

GAP = 1.5  # between the segments of a column
TOP, RIGHT, BOTTOM = 8.0, 44.0, 22.0  # room for half a label, the numbers of the axis, the days
_STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Column:
    """One place on the axis: ``label`` below it, ``title`` when pointed at, and how many of each key."""

    label: str
    title: str
    values: Mapping[str, int]
    hrefs: Mapping[str, str]


class Segment(NamedTuple):
    x: float
    y: float
    width: float
    height: float
    key: str
    href: str
    title: str


class Line(NamedTuple):
    y: float
    label: str


class Tick(NamedTuple):
    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    width: int
    height: int
    segments: list[Segment]
    lines: list[Line]
    ticks: list[Tick]


def ceiling(largest: int) -> tuple[int, int]:
    """A round top of the axis for ``largest``, and the step between at most four lines: ``(60, 20)`` for 47."""
    magnitude = 1
    while True:
        for factor in _STEPS:
            step = factor * magnitude
            if step * 4 >= largest:
                return max(-(-largest // step), 1) * step, step
        magnitude *= 10


def stack(
    columns: Sequence[Column], order: Sequence[str], names: Mapping[str, str], *, width: int, height: int
) -> Chart:
    """Columns whose segments stand on each other, ``order`` from the ground up; ``names`` are the keys in words.

    The axis stands at the right, beside the newest: in a narrow window, the rest is scrolled to.
    """
    top, step = ceiling(max((sum(c.values.values()) for c in columns), default=0))
    floor, scale = height - BOTTOM, (height - BOTTOM - TOP) / top
    pitch = (width - RIGHT) / max(len(columns), 1)
    bar = min(pitch * 0.7, 30.0)
    segments = []
    for place, column in enumerate(columns):
        x, below = pitch * place + (pitch - bar) / 2, 0
        for key in order:
            if n := column.values.get(key, 0):
                tall = n * scale
                y = floor - (below + n) * scale
                # The gap is taken from the segment, but never all of it: one of a thousand can still be seen.
                drawn = max(tall - GAP, min(tall, 1.0), 0.75)
                title = f"{column.title}: {n} {names[key]}"
                segments.append(Segment(x, y, bar, drawn, key, column.hrefs.get(key, ""), title))
                below += n
    every = 2 if len(columns) > 10 else 1
    # Counted from the right, so that today always has its label.
    ticks = [
        Tick(pitch * (place + 0.5), column.label)
        for place, column in enumerate(columns)
        if (len(columns) - 1 - place) % every == 0
    ]
    lines = [Line(floor - n * scale, f"{n:,}".replace(",", "\u202f")) for n in range(0, top + 1, step)]
    return Chart(width, height, segments, lines, ticks)


class Bar(NamedTuple):
    """One of a row of bars; ``share`` of the full height, 0 to 1."""

    share: float
    tone: str
    href: str
    title: str


def strip(bars: Sequence[Bar], *, width: int = 600, height: int = 40, places: int = 60) -> Chart:
    """Bars side by side, the newest at the right end, each at least tall enough to be seen and hit."""
    pitch = width / places
    first = places - len(bars)
    segments = [
        Segment((first + place) * pitch, height - tall, pitch - GAP, tall, bar.tone, bar.href, bar.title)
        for place, bar in enumerate(bars)
        if (tall := max(min(bar.share, 1.0) * height, 4.0))
    ]
    return Chart(width, height, segments, [], [])


def shares(
    values: Mapping[str, int], order: Sequence[str], names: Mapping[str, str], hrefs: Mapping[str, str], *,
    width: int = 600, height: int = 12,
) -> Chart:  # fmt: skip
    """One bar cut into shares of the whole, in ``order`` from the left."""
    total, x, segments = sum(values.values()) or 1, 0.0, []
    for key in order:
        if n := values.get(key, 0):
            wide = n / total * width
            title = f"{n} {names[key]}"
            segments.append(Segment(x, 0, max(wide - GAP, 0.75), height, key, hrefs.get(key, ""), title))
            x += wide
    return Chart(width, height, segments, [], [])


def draw(chart: Chart, kind: str, *, by: str = "status") -> SafeString:
    """The chart as an ``<svg class=kind>`` that assistive technology passes over; ``by`` names what colours it."""
    lines = [
        f'<path class="grid" d="M0 {_n(y)}H{_n(chart.width - RIGHT)}"/>'
        f'<text x="{_n(chart.width - RIGHT + 6)}" y="{_n(y + 4)}">{escape(label)}</text>'
        for y, label in chart.lines
    ]
    ticks = [
        f'<text class="tick" x="{_n(x)}" y="{chart.height - 5}">{escape(label)}</text>' for x, label in chart.ticks
    ]
    # One group a key, so that its colour is said once.
    groups: dict[str, list[str]] = {}
    for segment in chart.segments:
        groups.setdefault(segment.key, []).append(_mark(segment))
    marks = [f'<g data-{by}="{escape(key)}">{"".join(marks)}</g>' for key, marks in groups.items()]
    stretch = "" if chart.lines else ' preserveAspectRatio="none"'
    return mark_safe(  # noqa: S308  (every text in it is escaped where it is put in)
        f'<svg class="{kind}" viewBox="0 0 {chart.width} {chart.height}"'
        f' width="{chart.width}" height="{chart.height}"'
        f'{stretch} aria-hidden="true">{"".join([*lines, *ticks, *marks])}</svg>'
    )


def _mark(segment: Segment) -> str:
    x, y, width, height, _, href, title = segment
    box = f'<path d="M{_n(x)} {_n(y)}h{_n(width)}v{_n(height)}H{_n(x)}z"><title>{escape(title)}</title></path>'
    return f'<a href="{escape(href)}" tabindex="-1">{box}</a>' if href else box


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
