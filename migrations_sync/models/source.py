from typing import Self

from django.db import models
from django.db.models import F


class Source(models.Model):
    """One API account and what the mirror knows about reading it. There is one, ``default``, unless more are added.

    The three clocks (UTC): ``attempted_at`` a pass last began; ``succeeded_at`` the last pass that came
    through began, so the mirror is true as of then; ``swept_at`` the last complete sweep began.
    """

    class Order(models.TextChoices):
        UNKNOWN = "", "not seen yet"
        NEWEST_FIRST = "newest_first", "newest first"
        OLDEST_FIRST = "oldest_first", "oldest first"
        NONE = "none", "no order"

    id = models.SmallAutoField(primary_key=True)
    name = models.CharField(max_length=64, unique=True)
    # Bumped in every transaction that changed something a page shows: pages make their ETag of it.
    version = models.BigIntegerField(default=0)
    attempted_at = models.DateTimeField(null=True, blank=True)
    succeeded_at = models.DateTimeField(null=True, blank=True)
    swept_at = models.DateTimeField(null=True, blank=True)
    # Began the last pass that asked for every open migration: none of them was last known before that.
    open_checked_at = models.DateTimeField(null=True, blank=True)
    # Ended the first complete sweep. What it found was there before us: no news, no alerts.
    baseline_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)  # passes that failed since one succeeded
    last_error = models.CharField(max_length=500, blank=True, default="")
    # Why the last full sweep was only partial, so that a person must look; empty once one is complete.
    doubt = models.CharField(max_length=500, blank=True, default="", db_default="")
    # The API asked for silence until then; no pass starts before.
    hold_until = models.DateTimeField(null=True, blank=True)
    list_order = models.CharField(max_length=16, choices=Order, blank=True, default=Order.UNKNOWN)
    list_shape = models.CharField(max_length=32, blank=True, default="")  # envelope of the list, as last seen
    page_rows = models.PositiveIntegerField(default=0)  # rows of the fullest page lately seen; 0: none yet

    def __str__(self) -> str:
        return self.name

    @classmethod
    def default(cls) -> Self:
        """The one source that every mirror has; made when the database is new."""
        return cls.objects.get_or_create(name="default")[0]

    def touch(self) -> None:
        """Say that something visible changed. Call it inside the transaction that changes it."""
        type(self).objects.filter(pk=self.pk).update(version=F("version") + 1)
