"""How long pages take, counted where they are answered and told together.

The web server's processes each count in a file of a folder that they share; whichever is asked adds them up.
A process alone, as in tests, counts in memory.
"""

import os

from django.http import HttpRequest
from prometheus_client import CollectorRegistry, Histogram, disable_created_metrics
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # where prometheus_client looks for it
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
disable_created_metrics()  # type: ignore[no-untyped-call]  # when counting began is nothing to draw
PAGES = Histogram(
    "migrations_page_seconds", "Until a page is ready.", ("page", "status"), buckets=SECONDS, registry=None
)


def record(request: HttpRequest, status: int, seconds: float) -> None:
    """Count one answer, by the name of its page, never its address, and the kind of its status (``2xx``)."""
    match = request.resolver_match
    PAGES.labels(match.view_name if match and match.view_name else "none", f"{status // 100}xx").observe(seconds)


def tell(registry: CollectorRegistry) -> None:
    """Have ``registry`` tell what all processes have counted."""
    if FOLDER in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(PAGES)
