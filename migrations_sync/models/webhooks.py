from django.db import models

from migrations_sync.models.fields import ApiText
from migrations_sync.models.source import Source


class WebhookDelivery(models.Model):
    """One signed event as it was received, once a message id. A hint, never the truth."""

    class Outcome(models.TextChoices):
        WAITING = "waiting", "waiting to be looked up"
        FETCHED = "fetched", "looked up"
        UNKNOWN_MIGRATION = "unknown_migration", "the API does not know that migration"
        IGNORED = "ignored", "names no migration"

    id = models.BigAutoField(primary_key=True)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, db_index=False)
    message_id = models.CharField(max_length=255, unique=True)
    event_id = models.CharField(max_length=255, blank=True, default="")
    event_type = models.CharField(max_length=128, blank=True, default="")
    event_created = models.DateTimeField(null=True, blank=True)  # the API's clock
    api_id = ApiText(max_length=255, blank=True, default="")  # the migration it speaks of
    error_message = models.TextField(blank=True, default="")  # the only failure reason the API ever gives
    body = models.TextField()
    received_at = models.DateTimeField()
    handled_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=24, choices=Outcome, default=Outcome.WAITING)
    repeats = models.PositiveIntegerField(default=0)  # times the same message came again

    class Meta:
        indexes = [
            models.Index(fields=["received_at", "id"], name="webhookdelivery_received"),
            models.Index(fields=["api_id", "received_at"], name="webhookdelivery_migration"),
        ]

    def __str__(self) -> str:
        return self.message_id


class FetchRequest(models.Model):
    """A migration that is to be asked for by id soon. Many hints for one migration are one row, so one request."""

    id = models.BigAutoField(primary_key=True)
    source = models.ForeignKey(Source, on_delete=models.CASCADE, db_index=False)
    api_id = ApiText(max_length=255)
    requested_at = models.DateTimeField()  # newest hint; a fetch that began before it does not answer it
    not_before = models.DateTimeField(null=True, blank=True)  # after a failure: not again until then
    tries = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "api_id"], name="fetchrequest_once")]

    def __str__(self) -> str:
        return self.api_id
