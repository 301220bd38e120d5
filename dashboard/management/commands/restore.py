from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from dashboard import backup


class Command(BaseCommand):
    help = "Puts the database back to what a backup holds. Stop the worker and the beat first."
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--replace", action="store_true", help="lose what the database holds now")

    def handle(self, *, file: Path, replace: bool, verbosity: int, **_: Any) -> None:
        try:
            if backup.form_of(file) == "portable":
                _upgrade()
            form = backup.restore(file, replace=replace)
        except backup.BackupError as error:
            raise CommandError(str(error)) from error
        _upgrade()  # a backup may be older than this version
        backup.settle()
        self.stdout.write(f"Restored from {file} ({form}). Everybody has to sign in again.")


def _upgrade() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0)
