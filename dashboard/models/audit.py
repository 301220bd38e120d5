from typing import Any, Self

from django.db import models
from django.utils import timezone

from migrations_sync.models.fields import ApiText


class AuditQuerySet(models.QuerySet):
    def for_migration(self, api_id: str) -> Self:
        """What people did with one migration, newest first."""
        return self.filter(migration=api_id).order_by("-at", "-id")

    def update(self, **fields: Any) -> int:
        raise TypeError("audit entries are only ever added")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise TypeError("audit entries are only ever added")


class AuditEntry(models.Model):
    """One act of a person. Only ever added; PostgreSQL itself refuses to change or delete one.

    ``who`` is a copy of the user name, so that the entry outlives the account. ``at`` is UTC.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(default=timezone.now)
    who = models.CharField(max_length=150, blank=True, default="")  # empty: nobody we know
    user_id = models.BigIntegerField(null=True, blank=True)
    act = models.CharField(max_length=64)  # a key of ``dashboard.audit.ACTS``
    migration = ApiText(max_length=255, blank=True, default="")  # the API's id, where it touched one
    target = models.CharField(max_length=255, blank=True, default="")  # what else it touched
    detail = models.CharField(max_length=500, blank=True, default="")
    address = models.GenericIPAddressField(null=True, blank=True)
    request_id = models.CharField(max_length=64, blank=True, default="")

    objects = AuditQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "audit entries"
        # Ascending, read backwards: the newest come first on every page.
        indexes = [
            models.Index(fields=["at", "id"], name="auditentry_at"),
            models.Index(fields=["who", "at", "id"], name="auditentry_who"),
            models.Index(fields=["act", "at", "id"], name="auditentry_act"),
            models.Index(fields=["migration", "at", "id"], name="auditentry_migration"),
        ]

    def __str__(self) -> str:
        return f"{self.who or 'somebody'}: {self.act}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("audit entries are only ever added")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError("audit entries are only ever added")
