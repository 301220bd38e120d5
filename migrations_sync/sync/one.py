"""Asks for migrations by id outside of a pass: for an opened link, a check by a person, or a webhook."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q
from django.utils import timezone

from migrations_sync.exceptions import NotFoundError
from migrations_sync.models import FetchRequest, Migration, Source, StatusChange, WebhookDelivery
from migrations_sync.sync.api import Answer, Api
from migrations_sync.sync.write import Writer

_CLAIM = timedelta(seconds=90)  # longer than any single request may take
_LONGEST_WAIT = timedelta(hours=1)
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class LookUp:
    """What the API said of one id at ``asked_at`` (UTC). ``migration`` is empty where it does not know the id."""

    api_id: str
    migration: Migration | None
    asked_at: datetime
    known: bool


def look_up(api: Api, api_id: str, *, via: StatusChange.Via) -> LookUp:
    """Ask for one migration, store what the API says, and tell.

    A refusal marks nobody gone: that takes a sweep that does not meet it either. ``known`` is whether the
    API served it; ``migration`` is then the stored row, or empty if the answer could not be read.

    Raises:
        APIError: the API could not be asked.
    """
    source = Source.default()
    asked_at = timezone.now()
    stored = Migration.objects.filter(source=source, api_id=api_id)
    try:
        answer = api.get_migration(api_id)
    except NotFoundError:
        return LookUp(api_id, stored.first(), asked_at, known=False)
    writer = Writer(source, via)
    writer.write([writer.receive([answer.row], answer.received_at)])
    writer.drifts.save(source, asked_at)
    stored.filter(checked_at__lt=answer.received_at).update(checked_at=answer.received_at)
    return LookUp(api_id, stored.first(), asked_at, known=True)


def request_fetch(source: Source, api_id: str) -> bool:
    """Have ``api_id`` asked for soon; whether that is news. However often it is said, it costs one request."""
    now = timezone.now()
    _, is_new = FetchRequest.objects.get_or_create(source=source, api_id=api_id, defaults={"requested_at": now})
    if not is_new:
        FetchRequest.objects.filter(source=source, api_id=api_id).update(requested_at=now)
    return is_new


def drain(api: Api) -> int:
    """Ask for all migrations that hints have named; how many were asked for.

    Safe to run twice at once: each request is claimed by a conditional update. One that fails is tried
    again later; one named again while it was asked for is asked for again.

    Raises:
        APIError: the API could not be asked; what is left stays requested.
    """
    source = Source.default()
    asked = 0
    while claimed := _claim(source):
        for api_id, answer in api.get_migrations(claimed):
            _settle(source, claimed[api_id], api_id, answer)
            asked += 1
    return asked


def _claim(source: Source) -> dict[str, FetchRequest]:
    now = timezone.now()
    free = Q(not_before__isnull=True) | Q(not_before__lte=now)
    claimed = {}
    for wanted in FetchRequest.objects.filter(free, source=source).order_by("pk")[:_AT_ONCE]:
        wait = min(_CLAIM * 2**wanted.tries, _LONGEST_WAIT)
        if FetchRequest.objects.filter(free, pk=wanted.pk).update(not_before=now + wait, tries=F("tries") + 1):
            claimed[wanted.api_id] = wanted
    return claimed


def _settle(source: Source, wanted: FetchRequest, api_id: str, answer: Answer | NotFoundError) -> None:
    if isinstance(answer, NotFoundError):
        outcome = WebhookDelivery.Outcome.UNKNOWN_MIGRATION
    else:
        outcome = WebhookDelivery.Outcome.FETCHED
        writer = Writer(source, StatusChange.Via.WEBHOOK)
        writer.write([writer.receive([answer.row], answer.received_at)])
        writer.drifts.save(source, answer.received_at)
    WebhookDelivery.objects.filter(
        source=source, api_id=api_id, received_at__lte=wanted.requested_at, outcome=WebhookDelivery.Outcome.WAITING
    ).update(outcome=outcome, handled_at=timezone.now())
    FetchRequest.objects.filter(pk=wanted.pk, requested_at=wanted.requested_at).delete()
    # A hint that came meanwhile is not answered by what was asked before it.
    FetchRequest.objects.filter(pk=wanted.pk).update(not_before=None, tries=0)


def waiting(source: Source) -> int:
    """How many migrations are requested and not yet asked for."""
    return FetchRequest.objects.filter(source=source).count()
