from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from dashboard import backup


class Command(BaseCommand):
    help = "Writes everything the product knows to a file, while it runs. The file holds secrets of alert channels."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--portable", action="store_true", help="a form that any database can take")

    def handle(self, *, file: Path, portable: bool, **_: Any) -> None:
        try:
            form = backup.backup(file, anywhere=portable)
        except backup.BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{file}: {form}, {file.stat().st_size:,} bytes")
