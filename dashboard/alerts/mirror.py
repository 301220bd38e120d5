"""The rules that mind the mirror itself: whether it sees, whether its key is taken, whether it can read."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from dashboard import wording
from dashboard.alerts.rules import Kind
from dashboard.models import Alert, AlertRule
from migrations_sync.models import BlindSpot, QuarantinedRow

if TYPE_CHECKING:
    from dashboard.alerts.outbox import Moment


def look(rule: AlertRule, moment: "Moment") -> None:
    """Open the one alert of ``rule`` if there is cause, or note that there is none any more."""
    cause = _CAUSES[Kind(rule.kind)](rule, moment)
    mine = Alert.objects.open().filter(rule=rule)
    if not cause:
        mine.filter(good_since__isnull=True).update(good_since=moment.now)
        return
    mine.filter(good_since__isnull=False).update(good_since=None)
    if not mine.exists():
        alert = Alert(
            rule=rule,
            key=rule.kind,
            detail=cause[:500],
            since=moment.spot.started_at if moment.spot else moment.now,
            opened_at=moment.now,
        )
        Alert.objects.bulk_create([alert], ignore_conflicts=True)  # another dispatcher may be first


def key_refused(moment: "Moment") -> bool:
    return moment.spot is not None and moment.spot.cause == BlindSpot.Cause.REFUSED


def _blindness(rule: AlertRule, moment: "Moment") -> str:
    if not moment.blind:
        return ""
    since = f" since {wording.minute(moment.fresh.since)}" if moment.fresh.since else ""
    cause = f": {moment.fresh.cause}" if moment.fresh.cause else ""
    return f"The mirror can't see the API{since}{cause}"


def _refusal(rule: AlertRule, moment: "Moment") -> str:
    if moment.spot is None or not key_refused(moment):
        return ""
    return f"The API refuses the key since {wording.minute(moment.spot.started_at)}: {moment.spot.detail}"


def _unreadable(rule: AlertRule, moment: "Moment") -> str:
    """Rows that the last complete sweep, or a pass since, could not read."""
    if moment.source.swept_at is None:
        return ""
    rows = QuarantinedRow.objects.filter(source=moment.source, last_seen_at__gte=moment.source.swept_at).count()
    return f"{wording.plural(rows, 'row')} of the API can't be read" if rows >= rule.at_least else ""


_CAUSES: dict[Kind, Callable[[AlertRule, "Moment"], str]] = {
    Kind.MIRROR: _blindness,
    Kind.REFUSED: _refusal,
    Kind.QUARANTINE: _unreadable,
}
