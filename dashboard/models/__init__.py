"""What people add to the mirror. Each module is one part of it."""

from dashboard.models.alerts import Alert, AlertChannel, AlertDelivery, AlertRule, Mute
from dashboard.models.audit import AuditEntry
from dashboard.models.identities import Identity
from dashboard.models.permissions import Acts
from dashboard.models.triage import TriageAct, TriageState

__all__ = [
    "Acts",
    "Alert",
    "AlertChannel",
    "AlertDelivery",
    "AlertRule",
    "AuditEntry",
    "Identity",
    "Mute",
    "TriageAct",
    "TriageState",
]
