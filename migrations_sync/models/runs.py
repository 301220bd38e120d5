from django.db import models
from django.db.models import Q

from migrations_sync.models.source import Source


class SyncRun(models.Model):
    """One recorded pass over the API. Times are UTC; ``finished_at`` is empty while it runs."""

    class Mode(models.TextChoices):
        FULL = "full", "full sweep"
        QUICK = "quick", "quick sync"

    class Outcome(models.TextChoices):
        RUNNING = "running", "running"
        COMPLETE = "complete", "complete"
        PARTIAL = "partial", "partial"
        FAILED = "failed", "failed"
        INTERRUPTED = "interrupted", "interrupted"

    id = models.BigAutoField(primary_key=True)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, db_index=False)
    mode = models.CharField(max_length=8, choices=Mode)
    trigger = models.CharField(max_length=16, default="beat")  # beat, command or person
    outcome = models.CharField(max_length=16, choices=Outcome, default=Outcome.RUNNING)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    progress_at = models.DateTimeField(null=True, blank=True)  # counts were last written
    pages = models.PositiveIntegerField(default=0)
    requests = models.PositiveIntegerField(default=0)
    retries = models.PositiveIntegerField(default=0)
    waited = models.FloatField(default=0)  # seconds held back because the API asked for it
    seen = models.PositiveIntegerField(default=0)  # different migrations
    seen_twice = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    missing = models.PositiveIntegerField(default=0)  # not in the list, though the mirror holds them
    recovered = models.PositiveIntegerField(default=0)  # of these, still there when asked for by id
    disappeared = models.PositiveIntegerField(default=0)  # of these, refused by id: gone
    returned = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    list_order = models.CharField(max_length=16, choices=Source.Order, blank=True, default="")
    plan = models.JSONField(default=dict, blank=True)  # what it set out to ask, and why
    notes = models.JSONField(default=list, blank=True)  # oddities that did not stop it, a line each
    error = models.CharField(max_length=500, blank=True, default="")
    excerpt = models.TextField(blank=True, default="")  # beginning of an answer that could not be read

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["started_at"], name="syncrun_started"),
            models.Index(fields=["source", "outcome", "id"], name="syncrun_outcome"),
        ]

    def __str__(self) -> str:
        return f"{self.get_mode_display()} {self.pk}"


class SweepPart(models.Model):
    """A range of pages of a sweep that several workers read. Whoever owns it may lose it by not renewing.

    What came of it is stored with its rows, in one transaction; all parts go when their run ends.
    """

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(SyncRun, on_delete=models.CASCADE, related_name="parts", db_index=False)
    first = models.PositiveIntegerField()
    last = models.PositiveIntegerField()
    owner = models.CharField(max_length=128)
    renewed_at = models.DateTimeField()  # by the database's clock; empty owner: given back
    done = models.BooleanField(default=False)
    list_end = models.PositiveIntegerField(null=True, blank=True)  # the page that brought nothing, if one did
    seen = models.TextField(blank=True, default="")  # whom it met, see ``sync.seen``
    found = models.JSONField(default=dict, blank=True)  # counts and oddities

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "first"], name="sweeppart_once")]

    def __str__(self) -> str:
        return f"pages {self.first} to {self.last}"


class Lease(models.Model):
    """The right to run a pass over one source. One row a source; a holder that dies lets it expire."""

    source = models.OneToOneField(Source, on_delete=models.CASCADE, primary_key=True)
    owner = models.CharField(max_length=128, blank=True, default="")  # empty: free
    run = models.ForeignKey(SyncRun, null=True, blank=True, on_delete=models.SET_NULL, db_index=False)
    renewed_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    conflicts = models.PositiveBigIntegerField(default=0)  # passes that found it held, ever

    def __str__(self) -> str:
        return self.owner or "free"


class QuarantinedRow(models.Model):
    """A row of the list that can't be read, kept as it came. The same row seen again is counted, not repeated."""

    id = models.BigAutoField(primary_key=True)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, db_index=False)
    digest = models.CharField(max_length=32)  # of ``raw``
    raw = models.TextField()  # JSON text with everything beyond ASCII escaped
    reason = models.CharField(max_length=500)
    api_id = models.CharField(max_length=255, blank=True, default="", db_index=True)  # where it could be read
    page = models.PositiveIntegerField(null=True, blank=True)
    run = models.ForeignKey(SyncRun, null=True, blank=True, on_delete=models.SET_NULL, db_index=False)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "digest"], name="quarantinedrow_once")]
        indexes = [models.Index(fields=["last_seen_at", "id"], name="quarantinedrow_seen")]

    def __str__(self) -> str:
        return self.reason


class BlindSpot(models.Model):
    """An interval in which the mirror could not see. ``ended_at`` is empty while it still can't."""

    class Cause(models.TextChoices):
        NO_SYNC = "no_sync", "no sync ran: the beat or the worker was down"
        UNREACHABLE = "unreachable", "the API could not be reached"
        REFUSED = "refused", "the API refused the key"
        QUOTA = "quota", "the API asked us to wait"
        UNREADABLE = "unreadable", "the API's answer could not be read"
        INTERNAL = "internal", "the dashboard itself failed"

    id = models.BigAutoField(primary_key=True)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, db_index=False)
    cause = models.CharField(max_length=16, choices=Cause)
    detail = models.CharField(max_length=500, blank=True, default="")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    run = models.ForeignKey(SyncRun, null=True, blank=True, on_delete=models.SET_NULL, db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source"], condition=Q(ended_at__isnull=True), name="blindspot_one_open")
        ]
        indexes = [models.Index(fields=["source", "started_at"], name="blindspot_started")]

    def __str__(self) -> str:
        return self.get_cause_display()


class Drift(models.Model):
    """A difference between what the API is documented to send and what it sent; with its first sight."""

    class Kind(models.TextChoices):
        FIELD = "field", "field"
        STATUS = "status", "status"
        SHAPE = "shape", "shape of the list"
        PAGE_SIZE = "page_size", "rows per page"
        ORDER = "order", "order of the list"
        LIST_END = "list_end", "end of the list"

    id = models.BigAutoField(primary_key=True)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, db_index=False)
    kind = models.CharField(max_length=16, choices=Kind)
    name = models.CharField(max_length=255)
    example = models.TextField(blank=True, default="")
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)  # passes that met it

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "kind", "name"], name="drift_once")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.name}"
