"""What makes the counters of companies dear in a first load, which adds and changes most of them batch after batch.

Without room on its page, a row that changes moves and needs new entries in each index; and a constraint on the
source is checked for each new row.
"""

import django.db.models.deletion
from django.db import migrations, models

from migrations_sync.schema import SetStorage

COUNTERS = ("CompanyCount", "CompanyStatusCount")


class Migration(migrations.Migration):
    dependencies = [
        ("migrations_sync", "0005_storage"),
    ]

    operations = [
        *(SetStorage(counter, fillfactor=70) for counter in COUNTERS),
        *(
            migrations.AlterField(
                model_name=counter,
                name="source",
                field=models.ForeignKey(
                    db_constraint=False,
                    db_index=False,
                    on_delete=django.db.models.deletion.CASCADE,
                    to="migrations_sync.source",
                ),
            )
            for counter in COUNTERS
        ),
    ]
