"""What the mirror holds. Each module is one part of it."""

from migrations_sync.models.counts import CompanyCount, CompanyStatusCount, DailyTally, DayCount, StatusCount
from migrations_sync.models.mirror import Migration, PayloadVersion, StatusChange
from migrations_sync.models.runs import BlindSpot, Drift, Lease, QuarantinedRow, SweepPart, SyncRun
from migrations_sync.models.source import Source
from migrations_sync.models.webhooks import FetchRequest, WebhookDelivery

__all__ = [
    "BlindSpot",
    "CompanyCount",
    "CompanyStatusCount",
    "DailyTally",
    "DayCount",
    "Drift",
    "FetchRequest",
    "Lease",
    "Migration",
    "PayloadVersion",
    "QuarantinedRow",
    "Source",
    "StatusChange",
    "StatusCount",
    "SweepPart",
    "SyncRun",
    "WebhookDelivery",
]
