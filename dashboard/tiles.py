"""The row of tiles: how many migrations there are of each status, what needs a person first."""

from collections.abc import Callable, Mapping

from dashboard import wording
from dashboard.parts import Tile
from migrations_sync import statuses

# They share a tone; where unknown statuses need a place, they share a tile too, so that it stays one row.
_PAIR = ("NOT_STARTED", "NOT_READY")
Href = Callable[[tuple[str, ...]], str]


def tiles(counts: Mapping[str, int], href: Href, *, today: Mapping[str, int] | None = None) -> list[Tile]:
    """One for each documented status, in the order of display, and one for all unknown ones where there are any.

    ``href`` gives the list behind some statuses; ``today``: how many have come into each today, for the note.
    """
    labels: dict[tuple[str, ...], str] = {(code,): statuses.get(code).label for code in statuses.DOCUMENTED}
    unknown = tuple(code for code, n in counts.items() if n and not statuses.is_known(code))
    if unknown:
        labels = {codes: label for codes, label in labels.items() if codes[0] not in _PAIR} | {
            _PAIR: "Not started yet"
        }
        labels[unknown] = unknown[0] if len(unknown) == 1 and len(unknown[0]) < 12 else "Unknown status"
    ordered = sorted(labels, key=lambda codes: statuses.rank(codes[0]))
    return [_tile(codes, labels[codes], counts, today or {}, href) for codes in ordered]


def _tile(
    codes: tuple[str, ...], label: str, counts: Mapping[str, int], today: Mapping[str, int], href: Href
) -> Tile:
    n, new = (sum(numbers.get(code, 0) for code in codes) for numbers in (counts, today))
    return Tile(
        status=codes[0],
        label=label,
        icon=statuses.get(codes[0]).icon,
        value=wording.number(n),
        href=href(codes),
        note=f"{wording.number(new)} today" if new else "",
        zero=not n,
    )
