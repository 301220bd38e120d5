"""What each kind of rule minds. Decisions only: nothing here reads or writes the database.

A *change* kind is woken by a status change and asks whether it is still so; *waiting* kinds look at how long a
status has lasted; *mirror* kinds look at the mirror itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from dashboard.models import AlertRule, Mute
from migrations_sync import statuses
from migrations_sync.models import StatusChange

Kind = AlertRule.Kind
ON_CHANGE = (Kind.STATUS, Kind.COMPANY, Kind.UNKNOWN, Kind.GONE)
ON_TIME = (Kind.RUNNING, Kind.WAITING)
ON_MIRROR = (Kind.MIRROR, Kind.REFUSED, Kind.QUARANTINE)
# What blindness itself has to say; everything else waits until the mirror sees again.
SAID_WHILE_BLIND = (Kind.MIRROR, Kind.REFUSED)

_USUAL = {
    Kind.STATUS: ("FAILED", "COMPLETED_WITH_FAILURES"),
    Kind.RUNNING: tuple(s.code for s in statuses.TABLE.values() if s.open and s.turn == "vendor"),
    Kind.WAITING: tuple(s.code for s in statuses.TABLE.values() if s.attention and s.open),
}
# What an installation begins with, if its operator wants so.
USUAL = (
    AlertRule(name="Failures", kind=Kind.STATUS, remind_minutes=24 * 60),
    AlertRule(name="Unknown status", kind=Kind.UNKNOWN),
    AlertRule(name="Waiting for a user for 2 days", kind=Kind.WAITING, after_minutes=2 * 24 * 60, digest_minutes=60),
    AlertRule(name="Running for 12 hours", kind=Kind.RUNNING, after_minutes=12 * 60),
    AlertRule(name="Gone from the API", kind=Kind.GONE),
    AlertRule(name="Mirror stale or blind", kind=Kind.MIRROR, tell_cleared=True, remind_minutes=4 * 60),
    AlertRule(name="Key refused", kind=Kind.REFUSED, tell_cleared=True, remind_minutes=4 * 60),
    AlertRule(name="Unreadable rows", kind=Kind.QUARANTINE),
)
_STATUS_KINDS = (StatusChange.Kind.STATUS, StatusChange.Kind.FIRST_SEEN, StatusChange.Kind.RETURNED)


def watched(rule: AlertRule) -> Sequence[str]:
    """The statuses that ``rule`` minds, for the kinds that mind any."""
    return rule.statuses or _USUAL.get(Kind(rule.kind), ())


def wants(rule: AlertRule, change: StatusChange, company_id: str | None) -> bool:
    """Whether ``change``, of a migration of ``company_id``, is what ``rule`` waits for."""
    if rule.company_id and rule.company_id != (company_id or ""):
        return False
    if rule.kind == Kind.COMPANY:
        return True
    if rule.kind == Kind.GONE:
        return change.kind == StatusChange.Kind.GONE
    if change.kind not in _STATUS_KINDS:
        return False
    if rule.kind == Kind.UNKNOWN:
        return not statuses.is_known(change.new)
    return rule.kind == Kind.STATUS and change.new in watched(rule)


def still_bad(rule: AlertRule, *, changed_until: datetime, at: str = "") -> Q:
    """The migrations that ``rule`` minds now; ``at`` leads to them from another model (``"migration__"``).

    ``changed_until``: for the kinds that mind time, the status has lasted since then at the latest.
    """
    if rule.kind == Kind.GONE:
        return Q(**{f"{at}gone_at__isnull": False})
    present = Q(**{f"{at}gone_at__isnull": True})
    if rule.kind == Kind.UNKNOWN:
        return present & ~Q(**{f"{at}status__in": statuses.DOCUMENTED})
    so = present & Q(**{f"{at}status__in": list(watched(rule))})
    return so & Q(**{f"{at}status_changed_at__lte": changed_until}) if rule.kind in ON_TIME else so


def lasted_until(as_of: datetime, length: timedelta, blind: Iterable[tuple[datetime, datetime]]) -> datetime:
    """The latest time from which the mirror had watched for ``length`` by ``as_of``; what it did not see counts not.

    ``blind``: the intervals in which it could not see, apart from each other, in any order.
    """
    start, missing = as_of, length
    for began, ended in sorted(blind, reverse=True):
        if ended > as_of:
            ended = as_of
        if began >= ended or start - missing >= ended:
            continue
        missing -= start - ended
        start = began
    return start - missing


@dataclass(frozen=True, slots=True)
class Muted:
    """Who is not to be told of what now."""

    everything: bool
    rules: frozenset[int]
    companies: frozenset[str]

    @classmethod
    def by(cls, mutes: Iterable[Mute]) -> "Muted":
        """What ``mutes``, all of them active, silence."""
        mutes = list(mutes)
        return cls(
            everything=any(not mute.rule_id and not mute.company_id for mute in mutes),
            rules=frozenset(mute.rule_id for mute in mutes if mute.rule_id),
            companies=frozenset(mute.company_id for mute in mutes if mute.company_id),
        )

    def whole(self, rule: AlertRule) -> bool:
        return self.everything or rule.pk in self.rules
