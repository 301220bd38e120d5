"""Serve a Migrations API on loopback, with a population that moves."""

import os
import signal
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from migrations_sync.simulator import ORDERS, SHAPES, Simulator


class Command(BaseCommand):
    help = (
        "Serves a Migrations API on loopback, with a population that moves, until it is interrupted. "
        "It wants the key in MIGRATIONS_API_KEY or SIMULATOR_KEY of the environment; any, without one. "
        "Events for --webhook-url are signed with SIMULATOR_WEBHOOK_SECRET."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--port", type=int, required=True, help="0: a free one")
        add("--host", default="127.0.0.1")
        add("--count", type=int, default=1_200, help="migrations at the start (default %(default)s)")
        add("--seed", type=int, default=1, help="the same population for the same seed and time")
        add("--until", type=_time, metavar="ISO", help="when this world begins (now); a restart with it goes on")
        add("--page-size-max", type=int, default=100, help="a larger page_size is cut (default %(default)s)")
        add("--latency", type=float, default=0.0, metavar="MS", help="milliseconds before each answer")
        add("--rate-limit", type=float, metavar="R", help="requests a second; 429 with Retry-After beyond")
        add("--shape", choices=SHAPES, default="data", help="the envelope of the list (default %(default)s)")
        add("--order", choices=ORDERS, default="newest-first", help="of the list (default %(default)s)")
        add("--still", action="store_true", help="nothing moves")
        add("--speed", type=float, default=1.0, metavar="X", help="life goes X times as fast")
        add("--webhook-url", metavar="URL", help="deliver events here")
        add("--control", action="store_true", help="let POST /_control/… change what is served")

    def handle(self, *args: Any, **options: Any) -> None:
        simulator = self._simulator(options)
        # Blocked before the thread starts, so that only sigwait below gets them.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            simulator.start()
        except OSError as error:
            place = f"{simulator.host}:{simulator.port}"
            reason = str(error.strerror).partition(" (")[0]  # Python repeats the address there
            advice = "free it, or choose another --port (0: a free one)"
            raise CommandError(f"can't serve at {place}: {reason}; {advice}", returncode=2) from None
        self.stdout.write(f"Migrations API simulator with {len(simulator):,} migrations at {simulator.url}")
        self.stdout.flush()
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
        simulator.stop()

    def _simulator(self, options: dict[str, Any]) -> Simulator:
        try:
            return Simulator(
                options["count"],
                seed=options["seed"],
                until=options["until"],
                host=options["host"],
                port=options["port"],
                page_size_max=options["page_size_max"],
                latency=options["latency"],
                rate_limit=options["rate_limit"],
                shape=options["shape"],
                order=options["order"],
                key=os.environ.get("MIGRATIONS_API_KEY") or os.environ.get("SIMULATOR_KEY") or None,
                life=not options["still"],
                speed=options["speed"],
                webhook_url=options["webhook_url"],
                webhook_secret=os.environ.get("SIMULATOR_WEBHOOK_SECRET"),
                control=options["control"],
            )
        except ValueError as error:
            raise CommandError(str(error), returncode=2) from None


def _time(text: str) -> datetime:
    """An ISO time; UTC where it names no zone."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
