"""Operations of schema migrations that leave a large, live table usable."""

from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddIndex
from django.db.migrations.operations.base import Operation


class AddIndexConcurrently(AddIndex):
    """Builds an index while others write to the table; the migration needs ``atomic = False``.

    A build that was interrupted leaves an invalid index behind, which another try replaces. SQLite, with its one
    writer, builds it as ever.
    """

    atomic = False

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        if not schema_editor.collect_sql:
            if schema_editor.connection.in_atomic_block:
                raise RuntimeError(f"the migration that adds {self.index.name} needs atomic = False")
            schema_editor.execute(_drop(schema_editor, self.index))
        model = to_state.apps.get_model(app_label, self.model_name)
        schema_editor.execute(self.index.create_sql(model, schema_editor, concurrently=True), params=None)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)
            return
        schema_editor.execute(_drop(schema_editor, self.index))


def _drop(schema_editor: BaseDatabaseSchemaEditor, index: models.Index) -> str:
    return f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(index.name)}"


class SetStorage(Operation):
    """Sets how PostgreSQL keeps and cleans a table: ``fillfactor``, ``autovacuum_…``. Holds up neither readers nor
    writers, and rewrites nothing.
    """

    reversible = True

    def __init__(self, model_name: str, **parameters: float) -> None:
        self.model_name, self.parameters = model_name, parameters

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Nothing that a model would show."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        values = ", ".join(f"{name} = {value}" for name, value in self.parameters.items())
        self._alter(schema_editor, to_state.apps.get_model(app_label, self.model_name), f"SET ({values})")

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        names = ", ".join(self.parameters)
        self._alter(schema_editor, from_state.apps.get_model(app_label, self.model_name), f"RESET ({names})")

    def describe(self) -> str:
        return f"Set how the table of {self.model_name} is kept"

    def _alter(self, schema_editor: BaseDatabaseSchemaEditor, model: type[models.Model], action: str) -> None:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"ALTER TABLE {schema_editor.quote_name(model._meta.db_table)} {action}")
