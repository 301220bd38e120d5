"""How PostgreSQL cleans the tables that grow to millions of rows, and those whose rows change all the time.

By default a table is cleaned once a fifth of it has died: for a million rows that is 200,000, by which time counts
and index-only scans have long slowed down. Room on each page lets a row that changes in no indexed column stay on
its page (a HOT update), so that its indexes are left alone.
"""

from django.db import migrations

from migrations_sync.schema import SetStorage

GROWING = {
    "autovacuum_vacuum_scale_factor": 0.02,
    "autovacuum_vacuum_insert_scale_factor": 0.05,
    "autovacuum_analyze_scale_factor": 0.02,
}
COUNTING = {"autovacuum_vacuum_scale_factor": 0.05, "autovacuum_analyze_scale_factor": 0.1}


class Migration(migrations.Migration):
    dependencies = [
        ("migrations_sync", "0004_sweep_parts"),
    ]

    operations = [
        SetStorage("Migration", **GROWING),
        SetStorage("StatusChange", **GROWING),
        SetStorage("PayloadVersion", **GROWING),
        SetStorage("WebhookDelivery", **GROWING),
        SetStorage("CompanyCount", **COUNTING),
        SetStorage("CompanyStatusCount", **COUNTING),
        SetStorage("DayCount", **COUNTING, fillfactor=70),
        SetStorage("StatusCount", fillfactor=50),
        SetStorage("SyncRun", fillfactor=80),
        SetStorage("SweepPart", fillfactor=50),
    ]
