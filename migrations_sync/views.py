"""Takes the vendor's webhook deliveries in: verify, record once, answer. What they hint at is asked later."""

import logging

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from migrations_sync import tasks, webhooks
from migrations_sync.models import Source, WebhookDelivery
from migrations_sync.sync import counts, one

log = logging.getLogger(__name__)


@csrf_exempt
@login_not_required
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """Answer 204 to a genuine delivery, new or repeated; 400 to a forged one; 404 where no secret is set."""
    if not settings.MIGRATIONS_WEBHOOK_SECRET:
        return JsonResponse({"error": "webhooks are not configured here"}, status=404)
    length = request.headers.get("Content-Length", "")
    if length.isascii() and length.isdigit() and int(length) > webhooks.MAX_BODY:
        counts.tally("webhook_refused", "too large")
        return JsonResponse({"error": f"a delivery may have {webhooks.MAX_BODY} bytes"}, status=413)
    try:
        event = webhooks.read(request.headers, request.body, settings.MIGRATIONS_WEBHOOK_SECRET)
    except webhooks.BadDelivery as error:
        counts.tally("webhook_refused", str(error))
        return JsonResponse({"error": str(error)}, status=400)
    _record(event, request.body)
    return HttpResponse(status=204)


@transaction.atomic
def _record(event: webhooks.Event, body: bytes) -> None:
    source, now = Source.default(), timezone.now()
    waiting = WebhookDelivery.Outcome.WAITING if event.api_id else WebhookDelivery.Outcome.IGNORED
    _, is_new = WebhookDelivery.objects.get_or_create(
        message_id=event.message_id,
        defaults={
            "source": source,
            "event_id": event.event_id,
            "event_type": event.type,
            "event_created": event.created,
            "api_id": event.api_id,
            "error_message": event.error_message,
            "body": body.decode("utf-8", "replace").replace("\0", "\ufffd"),
            "received_at": now,
            "handled_at": None if event.api_id else now,
            "outcome": waiting,
        },
    )
    if not is_new:
        WebhookDelivery.objects.filter(message_id=event.message_id).update(repeats=F("repeats") + 1)
        return
    source.touch()
    # Only the first hint calls the worker: those that follow are answered by the same look-up.
    if event.api_id and one.request_fetch(source, event.api_id):
        transaction.on_commit(_call_worker, robust=True)


def _call_worker() -> None:
    """Without a broker nothing is lost: the request stays, and the next sync asks for it."""
    tasks.fetch_requested.apply_async(retry=False)
