"""Who is told what, and what was told. An unannounced ``StatusChange`` is the first queue of it all.

From there on every step is a row that is claimed by a conditional update: a change becomes alerts, alerts
become deliveries, deliveries are sent. Times are UTC.
"""

import uuid
from typing import Self

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from migrations_sync.models import Migration, StatusChange
from migrations_sync.models.fields import ApiText

WEEK = 7 * 24 * 60  # minutes


class AlertChannel(models.Model):
    """A way to reach people. ``address`` and ``secret`` are secrets: pages take them and never show them."""

    class Kind(models.TextChoices):
        EMAIL = "email", "e-mail"
        SLACK = "slack", "Slack-compatible webhook"
        WEBHOOK = "webhook", "signed webhook"

    name = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=8, choices=Kind)
    address = models.TextField()  # e-mail: addresses, separated by commas; otherwise a URL
    secret = models.CharField(max_length=255, blank=True, default="")  # whsec_…, signs a signed webhook
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["name"]
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class AlertRule(models.Model):
    """When to tell whom. What each kind watches is said in ``dashboard.alerts.rules``."""

    class Kind(models.TextChoices):
        STATUS = "status", "a migration changes to a status"
        COMPANY = "company", "anything happens in a company"
        UNKNOWN = "unknown", "a status nobody has documented"
        GONE = "gone", "a migration is gone"
        RUNNING = "running", "a migration runs long"
        WAITING = "waiting", "a migration waits long for a person"
        MIRROR = "mirror", "the mirror is stale or blind"
        REFUSED = "refused", "the API refuses the key"
        QUARANTINE = "quarantine", "rows that can't be read"

    name = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=16, choices=Kind)
    enabled = models.BooleanField(default=True)
    channels = models.ManyToManyField(AlertChannel, blank=True, related_name="rules")
    statuses = models.JSONField(default=list, blank=True)  # codes; empty: the usual ones of the kind
    company_id = ApiText(max_length=255, blank=True, default="")  # empty: every company
    after_minutes = models.PositiveIntegerField(default=0)  # it has to be so for that long
    at_least = models.PositiveIntegerField(default=1, validators=[MinValueValidator(1)])  # that many at once
    clear_minutes = models.PositiveIntegerField(default=0)  # over only when away for that long
    cap = models.PositiveIntegerField(default=20, validators=[MinValueValidator(1), MaxValueValidator(200)])
    digest_minutes = models.PositiveIntegerField(default=0, validators=[MaxValueValidator(WEEK)])
    remind_minutes = models.PositiveIntegerField(default=0)  # 0: never
    tell_cleared = models.BooleanField(default=False)
    reminded_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["name"]
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class AlertQuerySet(models.QuerySet):
    def open(self) -> Self:
        return self.filter(cleared_at__isnull=True)

    def bad(self) -> Self:
        """Open, and nothing says that it has passed."""
        return self.open().filter(good_since__isnull=True)


class Alert(models.Model):
    """One thing that one rule minds: a migration, or the mirror itself. ``told_at`` empty: not told yet.

    While open there is one for each ``key``, so that a repeat is no news. ``news`` is told once and never open.
    """

    id = models.BigAutoField(primary_key=True)
    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE, related_name="alerts", db_index=False)
    key = models.CharField(max_length=64)
    migration = models.ForeignKey(Migration, null=True, blank=True, on_delete=models.CASCADE)
    change = models.ForeignKey(StatusChange, null=True, blank=True, on_delete=models.CASCADE, db_index=False)
    detail = models.CharField(max_length=500, blank=True, default="")
    news = models.BooleanField(default=False)
    since = models.DateTimeField()
    opened_at = models.DateTimeField()
    good_since = models.DateTimeField(null=True, blank=True)
    cleared_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)
    clear_told = models.BooleanField(default=False)

    objects = AlertQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "key"], condition=Q(cleared_at__isnull=True), name="alert_one_open_per_key"
            )
        ]
        indexes = [
            models.Index(fields=["rule", "id"], name="alert_untold", condition=Q(told_at__isnull=True)),
            models.Index(fields=["rule", "cleared_at"], name="alert_cleared"),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.key}"


def message_id() -> str:
    return f"msg_{uuid.uuid4().hex}"


class AlertDelivery(models.Model):
    """One message to one channel, until it has arrived or was given up.

    ``message_id`` stays the same over all tries, so that a receiver can drop what it already has. Without a
    channel it goes where settings say: to the ticket system's webhook, or as a ping to the watchman.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        SENT = "sent", "sent"
        FAILED = "failed", "given up"

    class Event(models.TextChoices):
        FIRED = "fired", "alert"
        REMINDER = "reminder", "reminder"
        CLEARED = "cleared", "all clear"
        TEST = "test", "test"
        TICKETS = "tickets", "ticket digest"
        PING = "ping", "ping to the watchman"

    id = models.BigAutoField(primary_key=True)
    channel = models.ForeignKey(AlertChannel, null=True, blank=True, on_delete=models.CASCADE)
    rule = models.ForeignKey(AlertRule, null=True, blank=True, on_delete=models.SET_NULL)
    message_id = models.CharField(max_length=64, unique=True, default=message_id)
    event = models.CharField(max_length=16, choices=Event)
    message = models.JSONField()
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    created_at = models.DateTimeField(default=timezone.now)
    tries = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(default=timezone.now)
    claimed_until = models.DateTimeField(null=True, blank=True)  # a sender works on it until then
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        default_permissions = ()
        verbose_name_plural = "alert deliveries"
        indexes = [
            models.Index(fields=["next_try_at", "id"], name="alertdelivery_due", condition=Q(state="waiting")),
            models.Index(fields=["created_at", "id"], name="alertdelivery_created"),
        ]

    def __str__(self) -> str:
        return self.message_id


class MuteQuerySet(models.QuerySet):
    def active(self, at: object) -> Self:
        return self.filter(starts_at__lte=at, ends_at__gt=at)


class Mute(models.Model):
    """A time in which nobody is told: of one rule, of one company, or of anything at all (maintenance).

    What is still bad when it ends is told then; what came and went meanwhile is not.
    """

    rule = models.ForeignKey(AlertRule, null=True, blank=True, on_delete=models.CASCADE)
    company_id = ApiText(max_length=255, blank=True, default="")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(db_index=True)
    reason = models.CharField(max_length=255)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)

    objects = MuteQuerySet.as_manager()

    class Meta:
        ordering = ["-ends_at", "-id"]
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="mute_ends_after_start"),
            models.CheckConstraint(condition=Q(rule__isnull=True) | Q(company_id=""), name="mute_of_one_thing"),
        ]

    def __str__(self) -> str:
        return self.reason
