from django.db import models


class Acts(models.Model):  # noqa: DJ008  (there is never a row to name)
    """Names what a person may do beside reading. Holds no rows: Django hangs permissions on a model."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = [
            ("triage", "write notes and tickets, acknowledge, snooze, assign, make badges"),
            ("check_now", "ask the API for one migration now"),
            ("sync_now", "start a sync now"),
            ("override_lease", "take the sync lease from its holder"),
            ("change_alerts", "change alert rules, channels and mutes"),
            ("view_audit", "read who did what"),
            ("manage_tokens", "see and revoke everybody's API tokens and badges"),
        ]
