"""What people add to the mirror. Each module is one part of it."""

from dashboard.models.audit import AuditEntry
from dashboard.models.identities import Identity
from dashboard.models.permissions import Acts
from dashboard.models.triage import TriageAct, TriageState

__all__ = [
    "Acts",
    "AuditEntry",
    "Identity",
    "TriageAct",
    "TriageState",
]
