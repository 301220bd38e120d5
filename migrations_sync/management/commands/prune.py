"""Forgets old runs, deliveries and payload versions as the settings say."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from migrations_sync.retention import prune


class Command(BaseCommand):
    help = "Delete what is older than RETENTION_RUNS, RETENTION_DELIVERIES and RETENTION_VERSIONS days."

    def handle(self, *args: Any, **options: Any) -> None:
        for what, deleted in prune(
            now=timezone.now(),
            runs=settings.RETENTION_RUNS,
            deliveries=settings.RETENTION_DELIVERIES,
            versions=settings.RETENTION_VERSIONS,
        ):
            self.stdout.write(f"{deleted} {what} deleted")
