"""What needs a person, and why: one place for the overview, the attention page and the number in the navigation."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from operator import itemgetter
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import BooleanField, Case, CharField, Count, Q, Value, When
from django.db.models.expressions import RawSQL

from dashboard import current, durations, rows, triage, wording
from dashboard.kept import kept
from dashboard.reasons import BY_STATUS, KEYS
from migrations_sync import statuses
from migrations_sync.freshness import Freshness
from migrations_sync.models import Migration, Source
from migrations_sync.models.mirror import SETTLED
from migrations_sync.querysets import MigrationQuerySet

# Statuses that need a person only when they last; whose turn it is says which setting is meant.
WAITING = "PENDING_USER_INPUT"
RUNNING = tuple(code for code in statuses.OPEN if statuses.get(code).turn == "vendor")
TIMED = (WAITING, *RUNNING)
# What a row needs: that of every table of migrations, and who looks after it.
FIELDS = (*rows.FIELDS, "triage__assignee__username")
QUIET_FIELDS = ("triage__quiet__kind", "triage__quiet__who", "triage__quiet__text", "triage__quiet_until")
Values = tuple[Any, ...]
# Where history says too little; and the least that history may say, so that a quick vendor raises no alarm.
FALLBACK = timedelta(hours=24)
# What SQLite uses the index of these for: it wants to read the index's own condition, word for word.
_UNSETTLED = RawSQL(  # noqa: S611  (our own words)
    f'NOT ("{Migration._meta.db_table}"."status" IN ({", ".join(map(repr, SETTLED))}))', (), BooleanField()
)
LEAST = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Threshold:
    """How long a status may last before a person should look, and where that comes from."""

    after: timedelta
    why: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What is asked at ``now``: the thresholds turned into points in time."""

    now: datetime
    thresholds: dict[str, Threshold]
    seen: tuple[str, ...]  # every status that a migration ever had here

    def cut(self, status: str) -> datetime:
        """Whatever has been in ``status`` since then, or longer, needs a person."""
        return self.now - self.thresholds[status].after

    def conditions(self, key: str) -> list[Q]:
        """The migrations that need a person for the reason ``key``, acknowledged ones too.

        Each condition is served by one index; no two of them, and no two reasons, hold for the same migration.
        """
        if key == "gone":
            return [Q(gone_at__isnull=False) & ~Q(status__in=statuses.FINISHED)]
        found = [Q(gone_at__isnull=True, status=code) for code in self._codes(key)]
        if key in ("waiting", "slow"):
            found = [
                q & Q(status_changed_at__lte=self.cut(code)) for q, code in zip(found, self._codes(key), strict=True)
            ]
        return found

    def where(self, key: str) -> Q:
        """All ``conditions`` as one, for where no order is asked for."""
        return _any(self.conditions(key))

    def _codes(self, key: str) -> Sequence[str]:
        if key == "unknown":
            return [code for code in self.seen if not statuses.is_known(code)]
        return RUNNING if key == "slow" else [code for code, reason in BY_STATUS.items() if reason == key]

    def limit(self, key: str) -> str:
        """The threshold of a reason in words; empty where there is none."""
        code = {"waiting": WAITING, "slow": RUNNING[0]}.get(key, "")
        return self.thresholds[code].why if code else ""


def rules(source: Source, now: datetime) -> Rules:
    """The rules at ``now``: the settings, else what is usual, else a day."""
    book = durations.book(source)
    limits = dict.fromkeys(RUNNING, settings.ATTENTION_RUNNING_AFTER) | {WAITING: settings.ATTENTION_WAITING_AFTER}
    thresholds = {code: _threshold(seconds, book.usual(code)) for code, seconds in limits.items()}
    return Rules(now, thresholds, tuple(sorted({code for code, _, _ in current.status_counts(source)})))


def _threshold(seconds: int, usual: durations.Usual | None) -> Threshold:
    if seconds:
        after, why = timedelta(seconds=seconds), "as set for this dashboard"
    elif usual:
        after = max(usual.p95, LEAST)
        why = f"longer than 95 of 100 usually take, going by {wording.number(usual.n)} that were watched"
    else:
        after, why = FALLBACK, "until enough of them were watched to know what is usual"
    return Threshold(after, f"for more than {wording.span(after)} ({why})")


def asking(rules: Rules, key: str) -> list[MigrationQuerySet]:
    """Those that ask for a person now for the reason ``key``: querysets without a common row, each in the order of
    ``since`` by one index. What somebody has seen to is left out."""
    quiet, rows = triage.quiet(rules.now), Migration.objects.all()
    if connection.vendor == "sqlite" and key != "gone":
        rows = rows.filter(_UNSETTLED)
    return [rows.filter(condition).exclude(quiet) for condition in rules.conditions(key)]


def since(key: str) -> str:
    """The column that says since when a migration has needed a person for the reason ``key``."""
    return "gone_at" if key == "gone" else "status_changed_at"


def of_person(rules: Rules, user: User) -> MigrationQuerySet:
    """Those that ask for a person now, for any reason, and that ``user`` looks after."""
    some = _any(rules.where(key) for key in KEYS)
    return Migration.objects.filter(some, triage__assignee=user).exclude(triage.quiet(rules.now))


def seen_to(now: datetime) -> MigrationQuerySet:
    """Those that ask for nobody because somebody has acknowledged or snoozed them."""
    return Migration.objects.filter(triage.quiet(now))


def sentence(asking: int, fresh: Freshness, now: datetime, zone: tzinfo = UTC) -> str:
    """What the mirror says of all migrations; that none needs a person is said only while it may be believed."""
    if fresh.as_of is None:
        return "Nothing is known yet"
    some = wording.plural(asking, "migration")
    if not fresh.trusted and asking:
        return f"{some} needed a person at {wording.clock(fresh.as_of, now=now, zone=zone)}"
    if not fresh.trusted:
        return "Whether a migration needs a person can't be said now"
    if not asking:
        return "No migration needs a person"
    return f"{some} {'needs' if asking == 1 else 'need'} a person"


def longest(rules: Rules, keys: Iterable[str], size: int) -> dict[str, list[Values]]:
    """The first ``size`` of ``asking`` for each of ``keys``: tuples of ``FIELDS``. One statement on PostgreSQL."""
    found: dict[str, list[Values]] = {key: [] for key in keys}
    parts = [
        branch.annotate(reason=Value(key, CharField()))
        .order_by(since(key), "pk")
        .values_list("reason", *FIELDS)[:size]
        for key in found
        for branch in asking(rules, key)
    ]
    if len(parts) > 1 and connection.features.supports_slicing_ordering_in_compound:
        parts = [parts[0].union(*parts[1:], all=True)]
    for key, *values in (row for part in parts for row in part):
        found[key].append(tuple(values))
    return {key: sorted(some, key=itemgetter(FIELDS.index(since(key)), 0))[:size] for key, some in found.items()}


def counts(source: Source, now: datetime) -> dict[str, int]:
    """How many ask for a person, by reason, those without any left out; exact, and flat in the size of the mirror.

    Kept for a minute at most, and no longer than the mirror stands still.
    """
    key = f"attention:{source.pk}:{source.version}:{now:%Y%m%d%H%M}"
    return kept(key, lambda: _count(source, rules(source, now)), seconds=60)


def _count(source: Source, rules: Rules) -> dict[str, int]:
    """From the kept counters, less those that are too young to ask and those that somebody has seen to."""
    found: Counter[str] = Counter()
    for code, gone, n in current.status_counts(source):
        if key := _reason(code, gone):
            found[key] += n
    young = _any(Q(status=code, status_changed_at__gt=rules.cut(code)) for code in TIMED)
    recent = Migration.objects.filter(young, gone_at__isnull=True).order_by().values_list("status")
    for code, n in recent.annotate(Count("pk")):
        found[_reason(code, gone=False)] -= n
    reason = Case(
        *(When(rules.where(key), then=Value(key)) for key in KEYS), default=Value(""), output_field=CharField()
    )
    seen_to = (
        Migration.objects.filter(triage.quiet(rules.now)).annotate(reason=reason).order_by().values_list("reason")
    )
    for key, n in seen_to.annotate(Count("pk")):
        found[key] -= n
    return {key: found[key] for key in KEYS if found[key] > 0}


def _reason(code: str, gone: bool) -> str:
    """The reason for which a migration in that state needs a person if it lasts; empty if it never does."""
    if gone:
        return "" if code in statuses.FINISHED else "gone"
    if not statuses.is_known(code):
        return "unknown"
    return "slow" if code in RUNNING else BY_STATUS.get(code, "")


def _any(conditions: Iterable[Q]) -> Q:
    found = Q(pk__in=())
    for condition in conditions:
        found |= condition
    return found
