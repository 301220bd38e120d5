"""From what happened to what is to be sent. ``dispatch`` may run anywhere, at any time, twice at once.

Each step is one transaction that claims its rows by a conditional update and writes what follows from them: a
process that dies leaves all of it or nothing, and of two that want the same rows one gets none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from dashboard import triage
from dashboard.alerts import deadman, messages, mirror, rules, tickets
from dashboard.alerts.rules import Kind, Muted
from dashboard.models import Alert, AlertChannel, AlertDelivery, AlertRule, Mute
from migrations_sync import freshness
from migrations_sync.freshness import Freshness
from migrations_sync.models import BlindSpot, Migration, Source, StatusChange
from migrations_sync.retention import delete_in_chunks

Event = AlertDelivery.Event
BATCH = 500  # changes in one transaction
AT_ONCE = 10_000  # alerts in one message, most of them only counted
# Changes of a pass that still runs wait for its end, so that they are told together; but not for longer.
GROUP_WAIT = timedelta(minutes=2)
CLEARED_NEWS = timedelta(days=1)  # an older recovery is nothing to write about


class TakenElsewhere(Exception):
    """Another dispatcher has these rows. Raised to undo the transaction."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What one dispatch knows of the world, read once."""

    now: datetime
    source: Source
    fresh: Freshness
    spot: BlindSpot | None
    muted: Muted

    @classmethod
    def read(cls, now: datetime) -> "Moment":
        source, fresh = freshness.read(now=now, interval=settings.SYNC_INTERVAL)
        spot = BlindSpot.objects.filter(source=source, ended_at__isnull=True).first()
        return cls(now, source, fresh, spot, Muted.by(Mute.objects.active(now)))

    @property
    def blind(self) -> bool:
        return self.fresh.level in ("stale", "blind")


def dispatch(now: datetime) -> int:
    """Turn what is new into deliveries; returns how many there are to send."""
    current_rules = list(AlertRule.objects.filter(enabled=True))
    moment = Moment.read(now)
    while take_changes(current_rules, moment):
        pass
    for rule in current_rules:
        look(rule, moment)
    pings = deadman.notice(moment.source, now)
    return pings + sum(step(rule, moment) for rule in current_rules for step in (tell, remind, tell_cleared))


def take_changes(current_rules: Sequence[AlertRule], moment: Moment) -> int:
    """Claim some changes and open the alerts they call for; returns how many changes were there, 0 at the end."""
    settled = Q(run__isnull=True) | Q(run__finished_at__isnull=False) | Q(observed_at__lte=moment.now - GROUP_WAIT)
    queue = StatusChange.objects.filter(settled, announced_at__isnull=True).select_related("migration")
    changes = list(queue.order_by("id")[:BATCH])
    if not changes:
        return 0
    try:
        with transaction.atomic():
            _claim(StatusChange.objects.filter(announced_at__isnull=True), changes, announced_at=moment.now)
            # A repeat of what is open already is no news: the constraint drops it.
            Alert.objects.bulk_create(_alerts_for(changes, current_rules, moment), ignore_conflicts=True)
            tickets.digest(changes, as_of=moment.fresh.as_of)
    except TakenElsewhere:
        pass  # look again: whoever has these leaves the others
    return len(changes)


def _claim(free: QuerySet, rows: Sequence[StatusChange | Alert], **mark: object) -> None:
    if free.filter(pk__in=[row.pk for row in rows]).update(**mark) != len(rows):
        raise TakenElsewhere


def _alerts_for(changes: Sequence[StatusChange], current_rules: Sequence[AlertRule], moment: Moment) -> list[Alert]:
    return [
        _alert(rule, change.migration, moment, change=change, since=change.observed_at)
        for change in changes
        for rule in current_rules
        if rule.kind in rules.ON_CHANGE and rules.wants(rule, change, change.migration.company_id)
    ]


def _alert(
    rule: AlertRule, migration: Migration, moment: Moment, *, since: datetime, change: StatusChange | None = None
) -> Alert:
    news = rule.kind == Kind.COMPANY
    return Alert(
        rule=rule,
        key=f"change {change.pk}" if news and change else f"migration {migration.pk}",
        migration=migration,
        change=change,
        news=news,
        since=since,
        opened_at=moment.now,
        cleared_at=moment.now if news else None,
    )


def look(rule: AlertRule, moment: Moment) -> None:
    """Open what has become bad by time, and note what is no longer bad."""
    if rule.kind in rules.ON_MIRROR:
        mirror.look(rule, moment)
    elif moment.fresh.as_of is not None and not moment.blind:
        until = moment.fresh.as_of
        if rule.kind in rules.ON_TIME:
            until = _lasted_until(rule, moment, moment.fresh.as_of)
            _open_lasting(rule, moment, until)
        bad = rules.still_bad(rule, changed_until=until, at="migration__")
        review(rule, bad, moment)
    _clear(rule, moment)


def _lasted_until(rule: AlertRule, moment: Moment, as_of: datetime) -> datetime:
    spots = BlindSpot.objects.filter(source=moment.source).order_by("-started_at")[:1000]
    blind = [(spot.started_at, spot.ended_at or moment.now) for spot in spots]
    return rules.lasted_until(as_of, timedelta(minutes=rule.after_minutes), blind)


def _open_lasting(rule: AlertRule, moment: Moment, until: datetime) -> None:
    mine = Alert.objects.open().filter(rule=rule, migration=OuterRef("pk"))
    found = Migration.objects.filter(rules.still_bad(rule, changed_until=until), ~Exists(mine))
    if rule.company_id:
        found = found.for_company(rule.company_id)
    lasting = found.order_by("status_changed_at", "id")[:AT_ONCE]
    Alert.objects.bulk_create(
        [_alert(rule, migration, moment, since=migration.status_changed_at) for migration in lasting],
        ignore_conflicts=True,
    )


def review(rule: AlertRule, bad: Q, moment: Moment) -> None:
    """Note since when open alerts of ``rule`` are not ``bad`` any more; forget it where they are again."""
    opened = Alert.objects.open().filter(rule=rule)
    opened.filter(good_since__isnull=True).exclude(bad).update(good_since=moment.now)
    opened.filter(bad, good_since__isnull=False).update(good_since=None)


def _clear(rule: AlertRule, moment: Moment) -> None:
    passed = moment.now - timedelta(minutes=rule.clear_minutes)
    Alert.objects.open().filter(rule=rule, good_since__lte=passed).update(cleared_at=moment.now)


def held(rule: AlertRule, moment: Moment) -> bool:
    """Whether ``rule`` must keep its peace for now."""
    return moment.muted.whole(rule) or (moment.blind and rule.kind not in rules.SAID_WHILE_BLIND)


def tell(rule: AlertRule, moment: Moment) -> int:
    """Queue the messages about what is bad and not told yet; returns the number of deliveries."""
    if moment.muted.whole(rule):
        _drop_news(rule, moment)
    untold = Alert.objects.filter(rule=rule, told_at__isnull=True)
    ripe = Q(good_since__isnull=True, since__lte=moment.now - _hold(rule), cleared_at__isnull=True) | Q(news=True)
    pending = list(_audible(untold.filter(ripe), moment))
    if not pending or held(rule, moment) or _too_few(rule) or _too_early(rule, pending, moment):
        return 0
    try:
        with transaction.atomic():
            _claim(Alert.objects.filter(told_at__isnull=True), pending, told_at=moment.now)
            return sum(_queue(rule, Event.FIRED, group, moment) for group in _by_run(rule, pending))
    except TakenElsewhere:
        return 0


def _drop_news(rule: AlertRule, moment: Moment) -> None:
    Alert.objects.filter(rule=rule, told_at__isnull=True, news=True).update(told_at=moment.now)


def _hold(rule: AlertRule) -> timedelta:
    """How long it has to be so. Those that waited for it already, in time that was seen, need not wait again."""
    return timedelta(minutes=0 if rule.kind in rules.ON_TIME or rule.kind == Kind.COMPANY else rule.after_minutes)


def _too_few(rule: AlertRule) -> bool:
    counted_itself = rule.kind in (Kind.COMPANY, *rules.ON_MIRROR)
    return not counted_itself and Alert.objects.bad().filter(rule=rule).count() < rule.at_least


def _too_early(rule: AlertRule, pending: Sequence[Alert], moment: Moment) -> bool:
    """A digest waits until the oldest of what it tells has waited its time."""
    return min(alert.opened_at for alert in pending) > moment.now - timedelta(minutes=rule.digest_minutes)


def _audible(alerts: QuerySet, moment: Moment) -> QuerySet:
    """Those of no muted company, and of no migration that somebody has acknowledged or snoozed."""
    seen_to = Migration.objects.filter(triage.quiet(moment.now), pk=OuterRef("migration"))
    heard = alerts.exclude(migration__company_id__in=moment.muted.companies).filter(~Exists(seen_to))
    return heard.select_related("migration", "change").order_by("id")[:AT_ONCE]


def _by_run(rule: AlertRule, alerts: list[Alert]) -> list[list[Alert]]:
    """A message for each pass, with its companies inside; a digest is one message for all."""
    if rule.digest_minutes:
        return [alerts]

    def run(alert: Alert) -> int:
        return (alert.change.run_id if alert.change else None) or 0

    return [list(group) for _, group in groupby(sorted(alerts, key=run), key=run)]


def remind(rule: AlertRule, moment: Moment) -> int:
    """Queue a reminder of everything told that is still bad, once in ``remind_minutes``."""
    due = moment.now - timedelta(minutes=rule.remind_minutes)
    if not rule.remind_minutes or held(rule, moment) or (rule.reminded_at and rule.reminded_at > due):
        return 0
    told = Alert.objects.bad().filter(rule=rule, told_at__isnull=False)
    if not told.filter(told_at__lte=due).exists():
        return 0
    still = list(_audible(told, moment))
    if not still:
        return 0
    with transaction.atomic():
        mine = AlertRule.objects.filter(pk=rule.pk, reminded_at=rule.reminded_at).update(reminded_at=moment.now)
        return _queue(rule, Event.REMINDER, still, moment) if mine else 0


def tell_cleared(rule: AlertRule, moment: Moment) -> int:
    """Queue the all-clear of what was told and has passed, where the rule wants one."""
    if not rule.tell_cleared or held(rule, moment):
        return 0
    news = Alert.objects.filter(
        rule=rule, clear_told=False, news=False, told_at__isnull=False, cleared_at__gt=moment.now - CLEARED_NEWS
    )
    cleared = list(_audible(news, moment))
    if not cleared:
        return 0
    try:
        with transaction.atomic():
            _claim(Alert.objects.filter(clear_told=False), cleared, clear_told=True)
            return _queue(rule, Event.CLEARED, cleared, moment)
    except TakenElsewhere:
        return 0


def _queue(rule: AlertRule, event: Event, alerts: list[Alert], moment: Moment) -> int:
    message = messages.of_alerts(rule, event, alerts, as_of=moment.fresh.as_of)
    reached = rule.channels.filter(enabled=True)
    if rule.kind == Kind.MIRROR and mirror.key_refused(moment):
        # The refused key is why the mirror is blind: whoever hears of that need not hear it twice.
        heard = AlertChannel.objects.filter(rules__kind=Kind.REFUSED, rules__enabled=True)
        reached = reached.exclude(pk__in=heard)
    deliveries = [AlertDelivery(channel=channel, rule=rule, event=event, message=message) for channel in reached]
    return len(AlertDelivery.objects.bulk_create(deliveries))


def prune(before: datetime) -> int:
    """Delete what was over and told before ``before``; returns the number of rows. History of statuses stays."""
    return sum(
        map(
            delete_in_chunks,
            (
                AlertDelivery.objects.filter(created_at__lt=before).exclude(state="waiting"),
                Alert.objects.filter(cleared_at__lt=before),
                Mute.objects.filter(ends_at__lt=before),
            ),
        )
    )


def forget(rule: AlertRule) -> None:
    """Drop what ``rule`` found: it is switched off or minds other things now, and starts afresh."""
    Alert.objects.filter(rule=rule).filter(Q(cleared_at__isnull=True) | Q(told_at__isnull=True)).delete()
