"""What people add to the mirror. Each module is one part of it."""

from dashboard.models.alerts import Alert, AlertChannel, AlertDelivery, AlertRule, Mute
from dashboard.models.audit import AuditEntry
from dashboard.models.badges import Badge
from dashboard.models.identities import Identity
from dashboard.models.permissions import Acts
from dashboard.models.tokens import ApiToken
from dashboard.models.triage import TriageAct, TriageState
from dashboard.models.views import SavedView

__all__ = [
    "Acts",
    "Alert",
    "AlertChannel",
    "AlertDelivery",
    "AlertRule",
    "ApiToken",
    "AuditEntry",
    "Badge",
    "Identity",
    "Mute",
    "SavedView",
    "TriageAct",
    "TriageState",
]
