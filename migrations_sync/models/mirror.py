import json
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from migrations_sync import statuses
from migrations_sync.models.fields import ApiText
from migrations_sync.models.source import Source
from migrations_sync.querysets import MigrationQuerySet

# Neither open nor in need of a person: nearly all rows, and never what anybody waits for.
SETTLED = tuple(code for code in statuses.FINISHED if code in statuses.CALM)


class Migration(models.Model):
    """The vendor's object as last seen. Times are UTC; ``created`` is the API's clock, all others are ours.

    ``id`` is ours, a short number that orders and joins cheaply; ``api_id`` is the API's word for it.
    """

    id = models.BigAutoField(primary_key=True)
    # Without a constraint in the database, whose check of each new row takes a quarter of the time to add it.
    source = models.ForeignKey(Source, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    api_id = ApiText(max_length=255)
    created = models.DateTimeField()
    created_raw = models.CharField(max_length=64)  # as it came; without an offset it was read as UTC
    status = ApiText(max_length=64)
    company_id = ApiText(max_length=255, null=True, blank=True)
    created_by_user_id = ApiText(max_length=255, null=True, blank=True)  # may be an e-mail address
    # JSON text as received; empty when the row had exactly the documented fields, so that they say it all.
    payload = models.TextField(blank=True, default="")
    fingerprint = models.BigIntegerField()  # of the row as received: equal means nothing changed
    first_seen_at = models.DateTimeField()
    # The status was first seen at ``status_changed_at`` and can't have begun before ``status_not_before``.
    status_changed_at = models.DateTimeField()
    status_not_before = models.DateTimeField()
    changed_at = models.DateTimeField()  # anything changed: status, another field, gone, back
    checked_at = models.DateTimeField()  # last written or asked for by id; see ``last_checked_at``
    gone_at = models.DateTimeField(null=True, blank=True)  # the API said 404 then …
    gone_not_before = models.DateTimeField(null=True, blank=True)  # … and still knew it then

    objects = MigrationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "api_id"], name="migration_identity"),
            models.CheckConstraint(
                condition=Q(status_not_before__lte=models.F("status_changed_at")),
                name="migration_status_interval",
            ),
        ]
        # Ascending, read backwards: one index serves both directions, and the id breaks ties.
        indexes = [
            models.Index(fields=["created", "id"], name="migration_created"),
            models.Index(fields=["status", "created", "id"], name="migration_status"),
            models.Index(fields=["company_id", "created", "id"], name="migration_company"),
            models.Index(fields=["company_id", "status", "created", "id"], name="migration_company_status"),
            models.Index(fields=["created_by_user_id", "created", "id"], name="migration_user"),
            models.Index(fields=["changed_at", "id"], name="migration_changed"),
            models.Index(
                fields=["status", "status_changed_at", "id"], name="migration_unsettled",
                condition=~Q(status__in=SETTLED),
            ),
            models.Index(fields=["gone_at", "id"], name="migration_gone", condition=Q(gone_at__isnull=False)),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.api_id

    def last_checked_at(self, source: Source) -> datetime:
        """When the API last confirmed what this row says: asked for by id, or met by a pass that missed nobody.

        Derived from the source's clocks, so that checking a million unchanged rows writes none of them.
        """
        if self.gone_at:
            return self.checked_at
        clocks = [self.checked_at, source.swept_at]
        if self.status not in statuses.FINISHED:
            clocks.append(source.open_checked_at)
        return max(clock for clock in clocks if clock)

    @property
    def raw(self) -> str:
        """The row as the API sent it, as JSON text."""
        return self.payload or json.dumps(
            {
                "object": "migration",
                "id": self.api_id,
                "created": self.created_raw,
                "status": self.status,
                "created_by_user_id": self.created_by_user_id,
                "company_id": self.company_id,
            }
        )


class StatusChange(models.Model):
    """Something the mirror observed to have happened to a migration. Only ever added, never changed.

    It happened after ``not_before`` and no later than ``observed_at``. ``old`` is empty where nothing was
    known before. What the first complete sweep finds leaves no such row: it is not news.
    """

    class Kind(models.TextChoices):
        FIRST_SEEN = "first_seen", "first seen"
        STATUS = "status", "status"
        GONE = "gone", "gone"
        RETURNED = "returned", "back again"

    class Via(models.TextChoices):
        SWEEP = "sweep", "full sweep"
        QUICK = "quick", "quick sync"
        WEBHOOK = "webhook", "webhook"
        LINK = "link", "opened link"
        CHECK = "check", "check by a person"

    id = models.BigAutoField(primary_key=True)
    migration = models.ForeignKey(Migration, on_delete=models.PROTECT, related_name="changes", db_index=False)
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.STATUS)
    old = ApiText(max_length=64, blank=True)
    new = ApiText(max_length=64)
    not_before = models.DateTimeField()
    observed_at = models.DateTimeField()
    via = models.CharField(max_length=16, choices=Via)
    run = models.ForeignKey("SyncRun", null=True, blank=True, on_delete=models.SET_NULL, db_index=False)
    # Whoever tells people of changes sets this once; a row without it is the queue.
    announced_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(not_before__lte=models.F("observed_at")), name="statuschange_interval")
        ]
        indexes = [
            models.Index(fields=["migration", "observed_at", "id"], name="statuschange_timeline"),
            models.Index(fields=["run", "id"], name="statuschange_run"),
            models.Index(fields=["observed_at", "id"], name="statuschange_observed"),
            models.Index(fields=["id"], name="statuschange_unannounced", condition=Q(announced_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.old or '?'} → {self.new}"


class PayloadVersion(models.Model):
    """What a migration's row was before it changed, as JSON text; valid until ``replaced_at``."""

    id = models.BigAutoField(primary_key=True)
    migration = models.ForeignKey(Migration, on_delete=models.CASCADE, related_name="versions", db_index=False)
    payload = models.TextField()
    replaced_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["migration", "replaced_at", "id"], name="payloadversion_migration"),
            models.Index(fields=["replaced_at"], name="payloadversion_replaced"),
        ]

    def __str__(self) -> str:
        return f"until {self.replaced_at:%Y-%m-%d %H:%M:%S}"
