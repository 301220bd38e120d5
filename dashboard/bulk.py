"""Acts on many migrations at once: which ones a form means, and until when a snooze lasts."""

from collections.abc import Iterable, Iterator
from datetime import datetime, time, timedelta, tzinfo
from itertools import islice

from django.db.models import QuerySet

from dashboard import attention
from dashboard.attention import Rules
from migrations_sync.models import Migration

SELECTED, QUIET = "selected", "quiet"
MOST = 10_000  # that one act may touch; the rest is one more act
_AT_ONCE = 500
SNOOZES = {
    "1h": "for an hour",
    "4h": "for four hours",
    "morning": "until tomorrow, 08:00",
    "7d": "for a week",
    "change": "until something happens",
}
_LENGTHS = {"1h": timedelta(hours=1), "4h": timedelta(hours=4), "7d": timedelta(days=7)}


def until(snooze: str, *, now: datetime, zone: tzinfo) -> datetime | None:
    """When ``snooze``, a key of ``SNOOZES``, ends; ``None``: when something happens. A morning is one in ``zone``."""
    if snooze == "morning":
        tomorrow = now.astimezone(zone).date() + timedelta(days=1)
        return datetime.combine(tomorrow, time(8), zone)
    return now + _LENGTHS[snooze] if snooze in _LENGTHS else None


def matching(scope: str, rules: Rules, *, shown_at: datetime) -> list[QuerySet[Migration]]:
    """All that ask for the reason ``scope``, or that are seen to; none that came in after the page was shown."""
    if scope == QUIET:
        return [attention.seen_to(rules.now)]
    since = attention.since(scope)
    return [branch.filter(**{f"{since}__lte": shown_at}) for branch in attention.asking(rules, scope)]


def selected(keys: list[int]) -> QuerySet[Migration]:
    return Migration.objects.filter(pk__in=keys)


def read(branches: Iterable[QuerySet[Migration]]) -> Iterator[Migration]:
    """At most ``MOST`` of all, fixed before the first is touched: what is done to one may change the rest."""
    every = (key for branch in branches for key in branch.values_list("pk", flat=True)[:MOST])
    keys = list(islice(every, MOST))
    for start in range(0, len(keys), _AT_ONCE):
        yield from Migration.objects.filter(pk__in=keys[start : start + _AT_ONCE])
