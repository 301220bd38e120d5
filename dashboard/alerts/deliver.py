"""Sends what waits. Any number of senders may run: each delivery is claimed by a conditional update.

A sender that dies leaves its claim to lapse, and the delivery is sent by the next; a receiver that got it
already knows it by its message id.
"""

import random
from datetime import UTC, datetime, timedelta

import structlog
from django.db.models import F, Q

from dashboard.alerts import channels, deadman, tickets
from dashboard.alerts.channels import NotDelivered
from dashboard.models import AlertDelivery

State = AlertDelivery.State
# Longer than one send can take at all: see ``guard.DEADLINE``.
CLAIM = timedelta(minutes=5)
TRIES = 12  # with the back-off below: about half a day
log = structlog.stdlib.get_logger(__name__)


def deliver(*, at_most: int = 200) -> int:
    """Send what is due, at most so many; returns how many were tried."""
    tried = 0
    while tried < at_most and (delivery := claim(datetime.now(UTC))) is not None:
        _try(delivery)
        tried += 1
    return tried


def claim(now: datetime) -> AlertDelivery | None:
    """The next due delivery, for us alone until ``CLAIM`` from ``now``; ``None`` when nothing is due."""
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lte=now)
    due = AlertDelivery.objects.filter(free, state=State.WAITING, next_try_at__lte=now)
    for delivery in due.order_by("next_try_at", "id").select_related("channel")[:20]:
        mine = AlertDelivery.objects.filter(
            pk=delivery.pk, state=State.WAITING, claimed_until=delivery.claimed_until, tries=delivery.tries
        ).update(claimed_until=now + CLAIM, tries=F("tries") + 1)
        if mine:
            delivery.claimed_until, delivery.tries = now + CLAIM, delivery.tries + 1
            return delivery
    return None


def _try(delivery: AlertDelivery) -> None:
    try:
        _send(delivery)
    except NotDelivered as failure:
        _failed(delivery, failure)
    except Exception as error:  # one that can't be sent must not keep the others from it
        log.exception("alert can't be sent", delivery=delivery.pk)
        _failed(delivery, NotDelivered(f"The dashboard itself failed: {type(error).__name__}"))
    else:
        _record(delivery, state=State.SENT, sent_at=datetime.now(UTC), error="")


def _send(delivery: AlertDelivery) -> None:
    if delivery.event == AlertDelivery.Event.PING:
        deadman.send(delivery, datetime.now(UTC))
    elif delivery.channel is None:
        tickets.send(delivery.message, delivery.message_id)
    elif not delivery.channel.enabled:
        raise NotDelivered("The channel was switched off.", final=True)
    else:
        channels.send(delivery.channel, delivery.message, delivery.message_id)


def _failed(delivery: AlertDelivery, failure: NotDelivered) -> None:
    given_up = failure.final or delivery.tries >= TRIES
    log.warning("alert not delivered", delivery=delivery.pk, tries=delivery.tries, error=str(failure), final=given_up)
    now = datetime.now(UTC)
    next_try = max(now + backoff(delivery.tries), min(failure.retry_at or now, now + timedelta(days=1)))
    _record(delivery, state=State.FAILED if given_up else State.WAITING, next_try_at=next_try, error=str(failure))


def _record(delivery: AlertDelivery, **outcome: object) -> None:
    """Write the outcome down and let go, unless the claim has lapsed and somebody else holds it."""
    AlertDelivery.objects.filter(pk=delivery.pk, claimed_until=delivery.claimed_until).update(
        claimed_until=None, **outcome
    )


def backoff(tries: int, *, jitter: float | None = None) -> timedelta:
    """The wait after so many tries: 30 s, 1 min, 2 min … up to 4 h, times ``jitter`` (0.8 to 1.2)."""
    seconds = min(30 * 2 ** (tries - 1), 4 * 3600)
    return timedelta(seconds=seconds * (random.uniform(0.8, 1.2) if jitter is None else jitter))


def try_again(delivery: AlertDelivery) -> bool:
    """Put one that was given up back into the queue; ``False`` when it is not given up."""
    revived = AlertDelivery.objects.filter(pk=delivery.pk, state=State.FAILED).update(
        state=State.WAITING, tries=0, next_try_at=datetime.now(UTC), claimed_until=None
    )
    return bool(revived)
