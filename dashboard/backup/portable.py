"""A backup that any database can take: gzipped JSON lines, written and read as a stream.

The first line says of which schema the rows are; then a line for each row: ``["app.model", [values]]``, in the
order of the model's columns. Values keep their microseconds. The last line counts the rows, so that a file that
was cut off is noticed.
"""

import gzip
import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import groupby, islice
from pathlib import Path
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib.sessions.models import Session
from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.db.migrations.loader import MigrationLoader

FORMAT = 1
_AT_ONCE = 500


class DoesNotFit(Exception):
    """The file can't be taken; the message says why."""


def dump(path: Path) -> None:
    """Write every row to ``path``, as all were at one moment."""
    outermost = not connection.in_atomic_block  # otherwise the moment is already chosen
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=6) as file, transaction.atomic():
        if connection.vendor == "postgresql" and outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        file.write(json.dumps({"format": FORMAT, "schema": _schema()}) + "\n")
        count = 0
        for model in _models():
            for values in model._base_manager.order_by("pk").values_list(*_columns(model)).iterator(2000):
                file.write(json.dumps([model._meta.label_lower, list(values)], default=_plain) + "\n")
                count += 1
        file.write(json.dumps({"rows": count}) + "\n")


def load(path: Path) -> None:
    """Replace every row by those in ``path``: all of them, or none.

    Raises:
        DoesNotFit: another schema, a damaged file, or one that was cut off.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            lines = (json.loads(line) for line in file)
            _check(next(lines, None))
            with transaction.atomic():
                _empty()
                _insert(lines)
    except (EOFError, gzip.BadGzipFile, ValueError, UnicodeDecodeError) as error:
        raise DoesNotFit(f"{path} is damaged: {error}") from error


def _models() -> list[type[models.Model]]:
    every = apps.get_models(include_auto_created=True)
    return [model for model in every if model._meta.managed and not model._meta.proxy and model is not Session]


def _columns(model: type[models.Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


def _schema() -> list[str]:
    """The newest schema migration of each app, as ``app.name``."""
    return sorted(".".join(leaf) for leaf in MigrationLoader(None).graph.leaf_nodes())


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no portable form")


def _check(head: Any) -> None:
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise DoesNotFit("This is no backup of this product, or of a version to come.")
    if head.get("schema") != _schema():
        raise DoesNotFit("It was made by another version: restore it with that version, then upgrade.")


def _empty() -> None:
    tables = [model._meta.db_table for model in _models()] + [Session._meta.db_table]
    connection.ops.execute_sql_flush(
        connection.ops.sql_flush(no_style(), tables, reset_sequences=False, allow_cascade=False)
    )


def _insert(lines: Iterator[Any]) -> None:
    count, end = 0, None
    for label, rows in groupby(lines, key=lambda line: line[0] if isinstance(line, list) else None):
        if label is None:
            end = next(rows)
            break
        model = apps.get_model(label)
        while batch := [values for _, values in islice(rows, _AT_ONCE)]:
            _insert_rows(model, batch)
            count += len(batch)
    if end != {"rows": count}:
        raise DoesNotFit("It was cut off: rows are missing at its end.")
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), _models()):
            cursor.execute(statement)


def _insert_rows(model: type[models.Model], batch: list[list[Any]]) -> None:
    fields = list(model._meta.concrete_fields)
    rows = [
        model(**{f.attname: _read(f, value) for f, value in zip(fields, values, strict=True)}) for values in batch
    ]
    # Raw: no field may put "now" in place of what is stored.
    model._base_manager._insert(rows, fields=fields, using=connection.alias, raw=True)  # type: ignore[attr-defined]


def _read(field: models.Field, value: Any) -> Any:
    if isinstance(field, models.DurationField) and value is not None:
        return timedelta(seconds=value)
    return value if isinstance(field, models.JSONField) else field.to_python(value)
