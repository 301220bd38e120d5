"""What a list is narrowed by, in the words of its heading and of its chips."""

from dashboard import wording
from dashboard.filters import Criteria
from dashboard.tally import Tally
from migrations_sync import statuses

SENTENCES = {
    "company": "Company {}",
    "user": "Created by {}",
    "q": "Search “{}”",
    "created_after": "Created since {}",
    "created_before": "Created before {}",
    "changed_after": "Changed since {}",
    "longer": "In its status longer than {}",
}
FLAGS = {
    ("attention", "1"): "Needs attention",
    ("unknown", "1"): "Unknown status",
    ("no_company", "1"): "Without a company",
    ("gone", "1"): "Gone",
    ("gone", "0"): "Not gone",
}


def chip(name: str, value: str) -> str:
    """One parameter of an address in words; empty for those that narrow nothing."""
    return FLAGS.get((name, value)) or (SENTENCES[name].format(value) if name in SENTENCES else "")


def heading(criteria: Criteria, given: list[tuple[str, str]]) -> str:
    """``Failed, company 42, created since today``; ``Migrations`` where nothing is narrowed."""
    labels = [statuses.get(code).label for code in criteria.statuses]
    words = [*([" or ".join(labels)] if labels else []), *(chip(name, value) for name, value in given)]
    first, *rest = [word for word in words if word] or ["Migrations"]
    return ", ".join([first, *(word[0].lower() + word[1:] for word in rest)])


def summary(start: int | None, shown: int, counted: Tally) -> str:
    """``1–50 of 640``; ``Last 40 of 10 000+`` where the place is not known."""
    if start is None:
        if counted.more:
            return f"Last {wording.number(shown)} of {counted.words}"
        start = max(0, counted.total - shown)
    last = start + shown
    # Rows may have come in since they were counted.
    of = counted.words if counted.more or last <= counted.total else wording.number(last)
    return f"{wording.number(start + 1)}–{wording.number(last)} of {of}"
