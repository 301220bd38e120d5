"""Why a migration needs a person, in the order of display: what the pages say of each. Plain data."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a migration needs a person. ``why`` may hold ``{limit}``, the threshold in words."""

    key: str
    title: str
    icon: str
    status: str  # for the colour
    why: str
    what: str


REASONS = (
    Reason(
        "failed", "Failed", "s-failed", "FAILED",
        "The vendor gave up on these. Nothing more will happen by itself.",
        "Read the failure reason on the migration's page, then have the customer start again or ask the vendor.",
    ),
    Reason(
        "partial", "Completed with failures", "s-partial", "COMPLETED_WITH_FAILURES",
        "These ended, but some of their tasks failed, so part of the data may be missing.",
        "Find out with the customer what is missing; a new migration can fetch it.",
    ),
    Reason(
        "waiting", "Waiting for the user too long", "s-pending", "PENDING_USER_INPUT",
        "The vendor waits for the person who started it, {limit}.",
        "Ask that person to return to the migration window and answer.",
    ),
    Reason(
        "abandoned", "Login abandoned", "s-abandoned", "LOGIN_ABANDONED",
        "The person left while signing in to the old provider.",
        "Ask whether they still mean to migrate; opening the migration window again may continue it.",
    ),
    Reason(
        "unknown", "Unknown status", "s-unknown", "",
        "The API reports a status that nobody has documented, so nobody can say what it means.",
        "Look at the migration with the vendor's own tools, and tell whoever runs this dashboard.",
    ),
    Reason(
        "slow", "Running longer than usual", "s-working", "WORKING",
        "The vendor works on these, {limit}.",
        "If it goes on, ask the vendor, quoting the migration's id.",
    ),
    Reason(
        "gone", "Gone while open", "s-gone", "",
        "The API no longer knows these, though they had not ended when they were last seen.",
        "Ask the vendor what became of them; the last known state is kept here.",
    ),
)  # fmt: skip
KEYS = tuple(reason.key for reason in REASONS)
BY_STATUS = {reason.status: reason.key for reason in REASONS if reason.status}
