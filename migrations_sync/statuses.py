"""The one table of statuses: what the API can say of a migration, and what that means for a person.

Plain data. The order is the order everywhere: what needs a person comes first.
Sources: the vendor's guide (six values) and its API reference (two more). The set is open: a value
that is not in ``TABLE`` is shown as it came, counts as open and needs attention.
"""

from dataclasses import dataclass
from typing import Literal

Tone = Literal["failed", "partial", "pending", "abandoned", "unknown", "working", "waiting", "complete"]
Turn = Literal["vendor", "customer", "nobody", "unknown"]


@dataclass(frozen=True, slots=True)
class Status:
    """One status: ``code`` as the API spells it; the rest is for people.

    ``open``: may still change by itself. ``attention``: a person should look.
    ``turn``: who acts next while a migration is in it.
    """

    code: str
    label: str
    icon: str
    tone: Tone
    open: bool
    attention: bool
    turn: Turn
    meaning: str
    next_step: str


_ALL = (
    Status(
        "FAILED", "Failed", "s-failed", "failed", False, True, "nobody",
        "The vendor gave up on this migration. No data, or not all of it, has arrived.",
        "Read the failure reason on the timeline if there is one, then ask the customer to start again "
        "or raise it with the vendor, quoting the migration's id.",
    ),
    Status(
        "COMPLETED_WITH_FAILURES", "Completed with failures", "s-partial", "partial", False, True, "nobody",
        "The migration ended, but some of its tasks failed: part of the data may be missing.",
        "Find out with the customer what is missing; a new migration can fetch it.",
    ),
    Status(
        "PENDING_USER_INPUT", "Waiting for user", "s-pending", "pending", True, True, "customer",
        "The vendor needs something from the person who started it, such as a code or a choice.",
        "Ask that person to return to the migration window and answer.",
    ),
    Status(
        "LOGIN_ABANDONED", "Login abandoned", "s-abandoned", "abandoned", False, True, "customer",
        "The person left while signing in to the old provider. It can wake up when they come back.",
        "Ask whether they still mean to migrate; opening the migration window again may continue it.",
    ),
    Status(
        "WORKING", "Working", "s-working", "working", True, False, "vendor",
        "The vendor is moving the data.",
        "Nothing to do, unless it takes longer than usual.",
    ),
    Status(
        "NOT_STARTED", "Not started", "s-not-started", "waiting", True, False, "customer",
        "The migration exists, but the person has not signed in to the old provider yet.",
        "Nothing to do. Many of these are windows that were opened and closed again.",
    ),
    Status(
        "NOT_READY", "Not ready", "s-not-ready", "waiting", True, False, "vendor",
        "The vendor is still preparing the migration.",
        "Nothing to do, unless it stays so for long.",
    ),
    Status(
        "COMPLETE", "Complete", "s-complete", "complete", False, False, "nobody",
        "The vendor says that all the data has arrived.",
        "Nothing to do.",
    ),
)  # fmt: skip

TABLE = {status.code: status for status in _ALL}
DOCUMENTED = tuple(TABLE)
OPEN = tuple(status.code for status in _ALL if status.open)
FINISHED = tuple(status.code for status in _ALL if not status.open)
NEED_ATTENTION = tuple(status.code for status in _ALL if status.attention)
CALM = tuple(status.code for status in _ALL if not status.attention)


def get(code: str) -> Status:
    """The status for ``code``; one that nobody documented keeps its own word, is open and needs a person."""
    return TABLE.get(code) or Status(
        code, code, "s-unknown", "unknown", True, True, "unknown",
        "The API reports a status that this dashboard does not know.",
        "Look at the migration with the vendor's own tools, and tell whoever runs this dashboard.",
    )  # fmt: skip


def is_known(code: str) -> bool:
    return code in TABLE


def rank(code: str) -> int:
    """Place of ``code`` in the order of display; unknown ones stand after those that need a person."""
    if code in TABLE:
        place = DOCUMENTED.index(code)
        return place if place < DOCUMENTED.index("WORKING") else place + 1
    return DOCUMENTED.index("WORKING")
