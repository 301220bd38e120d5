from datetime import datetime
from typing import Self

from django.contrib.auth.models import User
from django.db import models


class TokenQuerySet(models.QuerySet):
    def usable(self, now: datetime) -> Self:
        """Those that open something at ``now``: not revoked, not run out, and their account not switched off."""
        return self.filter(revoked_at__isnull=True, expires_at__gt=now, user__is_active=True)


class ApiToken(models.Model):
    """What a script shows to read the JSON API in somebody's name. Only a hash of it is kept. Times are UTC."""

    class Scope(models.TextChoices):
        MIGRATIONS = "migrations", "read migrations and their history"
        USERS = "users", "read who created them, too"

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    start = models.CharField(max_length=12)  # its first characters, by which a person tells tokens apart
    digest = models.CharField(max_length=64, unique=True)  # SHA-256, hexadecimal; 256 random bits need no salt
    scopes = models.CharField(max_length=100)  # words
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)  # to within an hour
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = TokenQuerySet.as_manager()

    class Meta:
        verbose_name = "API token"
        indexes = [models.Index(fields=["user", "id"], name="apitoken_user")]

    def __str__(self) -> str:
        return f"{self.start}… “{self.name}”"
