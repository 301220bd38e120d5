"""What a migration's page says in words: its title, the sentence on its status, the line for a ticket."""

from dataclasses import dataclass
from datetime import UTC, tzinfo

from dashboard import rows, wording
from dashboard.known import Known


@dataclass(frozen=True, slots=True)
class Sentence:
    """``Failed since 10:02–10:03 UTC, 14 min ago; as of 10:16:05 UTC.``, in parts that a script may count on.

    ``span`` is what stands before the length of the stay: ``for `` or ``for at least ``.
    """

    begin: str
    when: str
    iso: str
    ago: str
    as_of: str
    as_of_iso: str
    span: str
    length: str

    def __str__(self) -> str:
        return f"{self.begin} {self.when}, {self.ago}; as of {self.as_of}."


def sentence(known: Known, zone: tzinfo) -> Sentence:
    """How things stand, since when, and as of when that is true."""
    begin, when, at = f"{known.status.label} since", "", known.since
    if known.gone_at:
        begin, at = f"Gone, last known as {known.status.label}, since", known.gone_at
        when = wording.between(known.gone_not_before or at, at, zone, now=known.at)
    elif known.witnessed:
        when = wording.between(known.not_before, at, zone, now=known.at)
    else:
        begin, when = f"{known.status.label} when first seen, at", wording.clock(at, now=known.at, zone=zone)
    return Sentence(
        begin=begin,
        when=when,
        iso=wording.iso(at),
        ago=f"{wording.span(known.at - at)} ago",
        as_of=wording.clock(known.as_of, now=known.at, zone=zone),
        as_of_iso=wording.iso(known.as_of),
        span="for " if known.witnessed or known.gone_at else "for at least ",
        length=wording.span(known.at - at),
    )


def meaning(known: Known) -> str:
    """What this state means, in plain words."""
    if known.gone_at:
        return "The API answered that it does not know this migration any more. What was known of it is kept here."
    return known.status.meaning


def next_step(known: Known) -> str:
    """What a person can do about it."""
    if not known.gone_at:
        return known.status.next_step
    if known.status.open:
        return "Ask the vendor what became of it: it had not ended when it was last seen."
    return "Nothing to do: it had ended before."


def title(api_id: str, known: Known) -> str:
    """``Failed · 8f3a21c0 · Company 42``: the state first, so that it can be read in a tab."""
    state = f"Gone ({known.status.label})" if known.gone_at else known.status.label
    company = f" · Company {known.company}" if known.company else ""
    return f"{state} · {shortest(api_id)}{company}"


def shortest(api_id: str) -> str:
    """The beginning of an id by which people call it."""
    head, middle, _ = rows.shortened(api_id)
    return f"{head}" if middle and len(head) == 8 else api_id if not middle else f"{head}…"


def ticket_line(api_id: str, known: Known, href: str) -> str:
    """One line for a ticket. In UTC, for whoever reads it has another zone."""
    company = f" · company {known.company}" if known.company else ""
    return f"{_state(known)} · migration {api_id}{company} · {href}"


def ticket_markdown(api_id: str, known: Known, href: str) -> str:
    """The same in Markdown; ids stand as code, so that nothing in them is taken for markup."""
    company = f" · company {_code(known.company)}" if known.company else ""
    return f"**{_state(known)}** · migration [{_code(api_id)}]({href}){company}"


def _state(known: Known) -> str:
    # No "today" in a ticket: it is read for years.
    at, after = (known.gone_at, known.gone_not_before) if known.gone_at else (known.since, known.not_before)
    state = f"gone, last known as {known.status.label}," if known.gone_at else known.status.label
    if known.witnessed or known.gone_at:
        since = f"since {wording.between(after or at, at)}"
    else:
        since = f"when first seen at {wording.second(at)}"
    return f"{state[0].upper()}{state[1:]} {since}, as of {wording.second(known.as_of, UTC)}"


def _code(text: str) -> str:
    fence = "``" if "`" in text else "`"
    return f"{fence} {text} {fence}" if "`" in text else f"`{text}`"
