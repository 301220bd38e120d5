"""Says what is wrong with the mirror and what to do."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from migrations_sync.doctor import examine


class Command(BaseCommand):
    help = "Look at database, broker, API and mirror. Exit status: 0 nothing is wrong, 1 something is."

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = False
        styles = {"ok": self.style.SUCCESS, "look": self.style.WARNING, "wrong": self.style.ERROR}
        for finding in examine():
            wrong |= finding.level == "wrong"
            self.stdout.write(f"{styles[finding.level](finding.level.ljust(5))}  {finding.what}")
            if finding.todo:
                self.stdout.write(f"       → {finding.todo}")
        sys.exit(1 if wrong else 0)
