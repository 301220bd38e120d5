"""What people add to a migration: every act for ever, and what stands now."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from migrations_sync.models import Migration, StatusChange
from migrations_sync.models.fields import ApiText


class TriageAct(models.Model):
    """Something a person did about a migration. Only ever added, so that the timeline can tell it.

    ``who`` is a copy of the user name and outlives the account. ``text``: the note, the ticket's reference, the
    reason, or the name of whom it was assigned to. ``status`` and ``change``: what the person answered; a
    migration that the first sweep found has no change. Times are UTC.
    """

    class Kind(models.TextChoices):
        NOTE = "note", "note"
        TICKET = "ticket", "ticket"
        ACKNOWLEDGE = "acknowledge", "acknowledged"
        SNOOZE = "snooze", "snoozed"
        REOPEN = "reopen", "raised again"
        ASSIGN = "assign", "assigned"
        RELEASE = "release", "released"

    id = models.BigAutoField(primary_key=True)
    migration = models.ForeignKey(Migration, on_delete=models.PROTECT, related_name="triage_acts", db_index=False)
    kind = models.CharField(max_length=16, choices=Kind)
    who = models.CharField(max_length=150)
    at = models.DateTimeField()
    text = models.TextField(blank=True, default="")
    until = models.DateTimeField(null=True, blank=True)  # of a snooze with an end
    status = ApiText(max_length=64)
    change = models.ForeignKey(StatusChange, null=True, blank=True, on_delete=models.PROTECT, db_index=False)

    class Meta:
        indexes = [
            models.Index(fields=["migration", "at", "id"], name="triageact_timeline"),
            models.Index(fields=["text"], name="triageact_ticket", condition=Q(kind="ticket")),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} by {self.who}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("triage acts are only ever added")
        super().save(*args, **kwargs)


class TriageState(models.Model):
    """Where the triage of one migration stands. No row: nobody has taken it up.

    While ``quiet`` (an acknowledgement or a snooze) holds, the migration does not ask for attention: until
    something happens to it after ``quiet_through``, and no longer than ``quiet_until`` where that is given.
    """

    migration = models.OneToOneField(Migration, on_delete=models.PROTECT, primary_key=True, related_name="triage")
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    quiet = models.ForeignKey(TriageAct, null=True, blank=True, on_delete=models.PROTECT, db_index=False)
    quiet_through = models.DateTimeField(null=True, blank=True)
    quiet_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(quiet__isnull=True) | Q(quiet_through__isnull=False), name="triagestate_quiet_bounded"
            )
        ]

    def __str__(self) -> str:
        return f"triage of {self.migration_id}"
