"""What a Django project does first: ``bulk_create`` of each page with conflicts updated, or a row at a time.

``rows``: ``update_or_create`` per row. The table has the same four indexes as the floor.
"""

import json
import sys
from typing import Any

import dj_database_url
import django
import requests
from django.conf import settings

from benchmarks.contenders import PAGE_SIZE, task

wanted = task()
settings.configure(DATABASES={"default": dict(dj_database_url.parse(wanted.database))}, USE_TZ=True)
django.setup()

from django.db import connection, models  # noqa: E402  (the settings come first)


class Migration(models.Model):
    id = models.CharField(primary_key=True, max_length=255)
    created = models.DateTimeField()
    status = models.CharField(max_length=64)
    company_id = models.CharField(max_length=255, null=True)
    created_by_user_id = models.CharField(max_length=255, null=True)

    class Meta:
        app_label = "naive"
        db_table = "migration"
        indexes = [
            models.Index(fields=["created", "id"], name="by_created"),
            models.Index(fields=["status", "created", "id"], name="by_status"),
            models.Index(fields=["company_id", "created", "id"], name="by_company"),
            models.Index(fields=["company_id", "status", "created", "id"], name="by_company_status"),
        ]


FIELDS = ["created", "status", "company_id", "created_by_user_id"]


def main(how: str) -> None:
    with connection.schema_editor() as editor:
        editor.create_model(Migration)
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {wanted.key}"
    page = rows = 0
    more = True
    while more:
        page += 1
        at = {"page": str(page), "page_size": str(PAGE_SIZE)}
        answer = session.get(f"{wanted.url}/migrations", params=at, timeout=10).json()
        save_rows(answer["data"]) if how == "rows" else save_page(answer["data"])
        rows += len(answer["data"])
        more = answer["has_more"]
    print(json.dumps({"rows": rows, "requests": page}))


def save_page(found: list[dict[str, Any]]) -> None:
    objects = [Migration(id=row["id"], **_fields(row)) for row in found]
    Migration.objects.bulk_create(objects, update_conflicts=True, unique_fields=["id"], update_fields=FIELDS)


def save_rows(found: list[dict[str, Any]]) -> None:
    for row in found:
        Migration.objects.update_or_create(id=row["id"], defaults=_fields(row))


def _fields(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in FIELDS} | {"created": row["created"] + "Z"}


if __name__ == "__main__":
    main(sys.argv[1])
