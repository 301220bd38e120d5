"""The timeline of a migration: what was seen to happen, when nobody could look, and what people did."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from dashboard import tickets, wording
from dashboard.history import History, Item
from dashboard.known import NEWS, Known
from dashboard.parts import Event
from dashboard.stays import Stay
from migrations_sync import statuses
from migrations_sync.models import BlindSpot, StatusChange

# A delivery speaks of the change that was noticed about when it came.
EARLY, LATE = timedelta(minutes=1), timedelta(minutes=5)
# A beginning that is known no better than this leaves a gap in the record.
VAGUE = timedelta(minutes=15)
_ACTS = {
    "note": ("wrote a note", "note"),
    "ticket": ("tied a ticket to it", "link"),
    "acknowledge": ("acknowledged it", "check"),
    "snooze": ("snoozed it", "eye-off"),
    "reopen": ("raised it again", "bell"),
    "assign": ("assigned it to {text}", "user"),
    "release": ("gave it back", "user"),
    "check": ("asked the API for it", "sync"),
}


@dataclass(frozen=True, slots=True)
class _Words:
    """How times are said on this page."""

    now: datetime
    zone: tzinfo

    def between(self, after: datetime | None, by: datetime) -> str:
        return wording.between(after or by, by, self.zone, now=self.now)

    def at(self, at: datetime) -> str:
        return wording.clock(at, now=self.now, zone=self.zone)


Placed = tuple[datetime, Event]


def build(known: Known, history: History, lived: Sequence[Stay], *, zone: tzinfo) -> list[Event]:
    """Everything on record, newest first, down to the creation."""
    words = _Words(known.at, zone)
    reasons = reasons_by_change(history)
    spoken = {delivery.pk for delivery in reasons.values()}
    by_change = {stay.change.pk: stay for stay in lived if stay.change}
    placed: list[Placed] = [
        _change(change, by_change.get(change.pk), reasons.get(change.pk), known, words) for change in history.changes
    ]
    placed += [_delivery(item, words) for item in history.deliveries if item.pk not in spoken]
    placed += [_act(item, words) for item in history.acts]
    placed += _blind(_worth_telling(history.blind, known, lived), history.changes, words)
    placed += [_found(lived[0], known, words)] if lived[0].change is None else []
    placed.sort(key=lambda pair: pair[0], reverse=True)
    return [event for _, event in placed] + [_created(known, zone)]


def reasons_by_change(history: History) -> dict[int, Item]:
    """The delivery with the reason for a change, by the change's number."""
    found: dict[int, Item] = {}
    for delivery in history.deliveries:
        if delivery.text and (change := _spoken_of(delivery, history.changes)):
            found[change.pk] = delivery
    return found


def _spoken_of(delivery: Item, changes: Iterable[Item]) -> Item | None:
    came = delivery.at
    near = [
        change
        for change in changes
        if came and change.at and change.since and change.name in NEWS and statuses.get(change.new).attention
        if change.since - EARLY <= came <= change.at + LATE
    ]  # fmt: skip
    return near[-1] if near else None


def _change(change: Item, stay: Stay | None, reason: Item | None, known: Known, words: _Words) -> Placed:
    at = change.at or known.first_seen
    status = statuses.get(change.new)
    seen = f"seen by {StatusChange.Via(change.who).label}" if change.who in StatusChange.Via else ""
    title, icon, code, detail = status.label, status.icon, status.code, seen
    if change.name == StatusChange.Kind.GONE:
        title, icon, code = "Gone: the API no longer knows it", "s-gone", ""
    elif change.name == StatusChange.Kind.RETURNED:
        title, icon, code = "Back: the API knows it again", "sync", ""
    elif stay:
        title = f"First seen as {status.label}" if change.name == StatusChange.Kind.FIRST_SEEN else title
        detail = " · ".join(part for part in (_length(stay, known), seen) if part)
    event = Event(
        anchor=f"c{change.pk}",
        icon=icon,
        title=title,
        when=words.between(change.since, at),
        iso=wording.iso(at),
        detail=detail,
        reason=reason.text if reason else "",
        status=code,
        kind="gap" if stay and stay.began - stay.not_before > VAGUE else "",
    )
    return at, event


def _length(stay: Stay, known: Known) -> str:
    if stay.ended is None:
        return f"for {wording.span(stay.shortest(known.at))} so far"
    return f"for {wording.spread(stay.shortest(known.at), stay.longest(known.at))}"


def _found(stay: Stay, known: Known, words: _Words) -> Placed:
    """The first sight of a migration that was there before the mirror."""
    status = statuses.get(stay.status)
    lasted = known.at - stay.began if stay.ended is None else stay.shortest(known.at)
    event = Event(
        anchor="first-seen",
        icon=status.icon,
        title=f"First seen as {status.label}",
        when=words.at(stay.began),
        iso=wording.iso(stay.began),
        detail=f"for at least {wording.span(lasted)} · what happened before is not known",
        status=status.code,
        kind="gap",
    )
    return stay.began, event


def _created(known: Known, zone: tzinfo) -> Event:
    return Event(
        anchor="created",
        icon="plus",
        title="Created",
        when=wording.second(known.created, zone),
        iso=wording.iso(known.created),
        detail="by the API's clock",
    )


def _delivery(delivery: Item, words: _Words) -> Placed:
    at = delivery.at or words.now
    event = Event(
        anchor=f"d{delivery.pk}",
        icon="bell",
        title=f"Webhook {delivery.name}" if delivery.name else "Webhook",
        when=words.at(at),
        iso=wording.iso(at),
        detail="an announcement; what it led to was looked up",
        reason=delivery.text,
    )
    return at, event


def _act(act: Item, words: _Words) -> Placed:
    at = act.at or words.now
    did, icon = _ACTS[act.name]
    text = "" if act.name == "assign" else act.text
    until = f" until {wording.minute(act.since, words.zone)}" if act.since else ""
    event = Event(
        anchor=f"a{act.pk}" if act.pk > 0 else f"k{-act.pk}",
        icon=icon,
        title=f"{act.who} {did.format(text=act.text)}{until}",
        when=words.at(at),
        iso=wording.iso(at),
        reason=text,
        href=tickets.read(text).url if act.name == "ticket" else "",
        kind="human",
    )
    return at, event


def _worth_telling(blind: Iterable[Item], known: Known, lived: Sequence[Stay]) -> Iterator[Item]:
    """Those in which something may have been missed: not those since it came to its end, or went."""
    ended = known.gone_at or (None if known.status.open else lived[-1].began)
    return (spot for spot in blind if spot.since and (ended is None or spot.since < ended))


def _blind(spots: Iterable[Item], changes: Sequence[Item], words: _Words) -> list[Placed]:
    """One event for all blind spots between two changes."""
    groups: dict[int, list[Item]] = {}
    for spot in spots:
        end = spot.at or words.now
        groups.setdefault(sum(1 for change in changes if change.at and change.at < end), []).append(spot)
    return [_blind_event(group, words) for group in groups.values()]


def _blind_event(spots: Sequence[Item], words: _Words) -> Placed:
    first, last = spots[0], spots[-1]
    began, ended = first.since or words.now, last.at or words.now
    blind = sum(((spot.at or words.now) - (spot.since or words.now) for spot in spots), timedelta(0))
    causes = dict.fromkeys(BlindSpot.Cause(spot.name).label for spot in spots)
    often = f"{len(spots)} times, {wording.span(blind)} in all" if len(spots) > 1 else f"for {wording.span(blind)}"
    event = Event(
        anchor=f"b{last.pk}",
        icon="eye-off",
        title="Nobody could look",
        when=words.between(began, ended) if last.at else f"since {words.at(began)}",
        iso=wording.iso(ended),
        detail=f"{often}: {', '.join(causes)}",
        kind="blind",
    )
    return ended, event


def newest(events: Sequence[Event], kept: int) -> list[Event]:
    """The newest ``kept``, and the oldest, which stands for the beginning."""
    if len(events) <= kept:
        return list(events)
    return [*events[: kept - 2], replace(events[kept - 2], kind=f"{events[kept - 2].kind} gap".strip()), events[-1]]
