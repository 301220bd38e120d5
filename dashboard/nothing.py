"""Why a list is empty: which of the reasons it is makes all the difference to whoever looks."""

from django.http import HttpRequest

from dashboard import current, filters, phrases, preferences, wording
from dashboard.filters import Choice
from dashboard.hrefs import address
from dashboard.links import Here
from dashboard.listing import Chip, narrowing, removable_chips
from dashboard.parts import Empty, Link
from migrations_sync import statuses


def nothing(request: HttpRequest, choice: Choice, here: Here) -> Empty:
    """What to say in place of the rows: unusable address, never synced, can't say, good news, nothing found."""
    fresh, total = current.freshness(request), sum(row.n for row in current.kept_counts(request))
    clear = Link("Clear the filters", here.to([]), primary=True)
    if choice.errors:
        text = "An address that can't be read in full lists nothing, rather than everything."
        return Empty("Nothing is listed", text, "filter", actions=(clear,))
    if not total and fresh.as_of is None:
        text = "The first sync is reading the list now." if fresh.sweeping else "No sync has come through yet."
        return Empty("No migrations yet", text, "sync", "info", _syncs())
    if not fresh.trusted:
        zone = preferences.read(request).zone
        known = f" What is known is from {wording.second(fresh.as_of, zone)}." if fresh.as_of else ""
        text = f"The mirror is not up to date, so there may be some that it does not know of.{known}"
        return Empty("It can't be said whether there are any", text, "clock", "late", _syncs())
    asked = set(filters.wanted(choice.criteria, ()) or ())
    if asked and asked <= set(statuses.NEED_ATTENTION) and not choice.criteria.apart_from_status:
        text = f"Of {wording.plural(total, 'migration')}, none is in this state."
        return Empty("Nothing here needs a person", text, "check", "good")
    if not narrowing(choice):
        return Empty("There are no migrations", "The API has none to show.", "check")
    drops = tuple(Link(f"Without “{chip.label}”", chip.href) for chip in _droppable(choice, here))
    words = phrases.heading(choice.criteria, choice.given)
    text = f"Looked for “{words}” among {wording.plural(total, 'migration')}."
    return Empty("No migration matches", text, "search", actions=(clear, *drops))


def _droppable(choice: Choice, here: Here) -> list[Chip]:
    on = [Chip(statuses.get(code).label, here.toggling("status", code)) for code in choice.criteria.statuses]
    found = [*on, *removable_chips(choice, here)]
    return found if len(found) > 1 else []


def _syncs() -> tuple[Link, ...]:
    return (Link("See the syncs", address("run-list")),)
