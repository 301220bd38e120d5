from datetime import datetime
from typing import Self

from django.contrib.auth.models import User
from django.db import models

from migrations_sync.models import Migration


class BadgeQuerySet(models.QuerySet):
    def usable(self, now: datetime) -> Self:
        return self.filter(revoked_at__isnull=True, expires_at__gt=now)


class Badge(models.Model):
    """A picture of one migration's status that anybody with its address may see, until it ends. Times are UTC."""

    id = models.BigAutoField(primary_key=True)
    migration = models.ForeignKey(Migration, on_delete=models.PROTECT, related_name="badges", db_index=False)
    made_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = BadgeQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["migration", "id"], name="badge_migration")]

    def __str__(self) -> str:
        return f"badge {self.pk}"
