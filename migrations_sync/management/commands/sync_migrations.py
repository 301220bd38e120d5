"""One pass in the foreground, without a broker."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from migrations_sync.conf import client_from_settings, intervals_from_settings, split_from_settings
from migrations_sync.models import SyncRun
from migrations_sync.sync.passes import Report, run_pass

EXIT_STATUS = {"complete": 0, "failed": 1, "partial": 3, "skipped": 4}


class Command(BaseCommand):
    help = "Mirror the Migrations API once. Exit status: 0 complete, 1 failed, 2 usage, 3 partial, 4 skipped."
    # They import every page of the dashboard, which takes longer than a quick sync; servers and CI run them.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        mode = parser.add_mutually_exclusive_group()
        mode.add_argument("--full", action="store_const", dest="mode", const="full", help="read the whole list")
        mode.add_argument(
            "--quick", action="store_const", dest="mode", const="quick", help="ask what can have changed"
        )
        parser.set_defaults(mode="full")
        parser.add_argument("--json", action="store_true", help="end with the summary as one line of JSON")
        parser.add_argument(
            "--accept-missing", action="store_true",
            help="believe that many migrations are gone at once, if the API refuses each by id",
        )  # fmt: skip

    def handle(self, *args: Any, mode: str, json: bool, accept_missing: bool, **options: Any) -> None:
        if not settings.MIGRATIONS_API_KEY:
            raise CommandError(
                "MIGRATIONS_API_KEY is not set: give the API's key, or its file in MIGRATIONS_API_KEY_FILE",
                returncode=2,
            )
        with _progress() as show:
            report = run_pass(
                client_from_settings,
                mode="quick" if mode == "quick" else "full",
                intervals=intervals_from_settings(),
                trigger="command",
                accept_missing=accept_missing,
                split=split_from_settings(_call_for_help),
                progress=show,
            )
        self._tell(report, as_json=json)
        sys.exit(EXIT_STATUS[report.outcome])

    def _tell(self, report: Report, *, as_json: bool) -> None:
        summary = report.as_json()
        if as_json:
            self.stdout.write(json.dumps(summary))
            return
        counts = ", ".join(
            f"{summary[name]} {name}" for name in ("seen", "created", "changed", "disappeared", "rejected")
        )
        self.stdout.write(f"{summary['mode']} {summary['outcome']}: {counts} in {summary['seconds']} s")
        if report.error:
            self.stderr.write(report.error)


def _call_for_help(run: SyncRun) -> None:
    from migrations_sync.tasks import call_for_help  # Celery takes as long to import as Django

    call_for_help(run)


@contextmanager
def _progress() -> Iterator[Callable[[SyncRun], None]]:
    """A progress bar on standard error, and only if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda run: None
        return
    from rich.console import Console  # as slow to import as Django's models
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Reading the list", total=None)
        yield lambda run: bar.update(
            task, completed=run.seen, description=f"{run.pages} pages, {run.changed} changed"
        )
