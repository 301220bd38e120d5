"""Structured logs: one line an event, JSON in production, with the ids that tie lines together, without secrets.

``request``, ``task`` and ``run`` ids are context variables, so they stand on every line written meanwhile,
by whichever library; ``dashboard.task_logs`` sees to those of tasks.
"""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import structlog
from structlog.contextvars import get_contextvars
from structlog.typing import EventDict, Processor, WrappedLogger

from dashboard.redaction import scrub

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
FORMATS = ("json", "console")
# Every line of ours goes through these, whether structlog or the standard library began it.
_shared: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.format_exc_info,
]


def configuration(level: str, style: str) -> dict[str, Any]:
    """Django's ``LOGGING``: everything to standard error at ``level``; gunicorn and Celery speak the same way."""
    quiet = {"handlers": ["stderr"], "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": Formatter, "style": style}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "propagate": True},
            # Replaced by one line of ours for each request.
            "django.server": {"handlers": [], "propagate": False},
            "django.request": {"level": "ERROR"},
            "gunicorn.error": quiet | {"level": "INFO"},
            # Statements at DEBUG would drown everything else and hold personal data.
            "django.db.backends": {"level": "INFO"},
            "django.template": {"level": "INFO"},
            # Several lines for each sign-in; the audit has one.
            "axes": {"level": "WARNING"},
        },
    }


class Formatter(structlog.stdlib.ProcessorFormatter):
    """Of every handler; the last step takes the secrets out of the finished line."""

    def __init__(self, style: str) -> None:
        self._finish = _scrubbed(_renderer(style))
        super().__init__(
            foreign_pre_chain=[*_shared[:-2], structlog.stdlib.ExtraAdder(), _only_request_id, _shared[-1]],
            processors=[self.remove_processors_meta, self._finish],
        )

    def format(self, record: logging.LogRecord) -> str:
        """Of a line that ``structlog`` began nothing is left to do but that last step: each request writes one."""
        if isinstance(record.msg, dict) and hasattr(record, "_name"):
            return str(self._finish(None, record.levelname, record.msg.copy()))
        return super().format(record)


def _only_request_id(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Django hands the whole request over as ``request``; its query would be written out, and its id lost."""
    if not isinstance(event.get("request", ""), str):
        event["request"] = get_contextvars().get("request", "")
    return event


def _renderer(style: str) -> Callable[[WrappedLogger, str, EventDict], str]:
    if style == "console":
        return structlog.dev.ConsoleRenderer(colors=False)
    encoder = json.JSONEncoder(default=str, ensure_ascii=False)
    return lambda logger, method, event: encoder.encode(event)


def _scrubbed(render: Callable[[WrappedLogger, str, EventDict], str]) -> Processor:
    def finished(logger: WrappedLogger, method: str, event: EventDict) -> str:
        return scrub(render(logger, method, event))

    return finished


# No line says where in the program it was written, or by which thread: to find that out costs as much as the line.
# Source: "Optimization" in Python's guide to logging.
logging._srcfile = None
logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_shared,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)


def note(logger: logging.Logger, event: str, **values: Any) -> None:
    """One line at INFO without a message to format or an exception to tell: as ``structlog`` would make it, by a
    shorter way, because each request writes one."""
    if logger.isEnabledFor(logging.INFO):
        line = values | {"event": event, **get_contextvars(), "level": "info", "logger": logger.name, "at": _now()}
        record = logging.LogRecord(logger.name, logging.INFO, "", 0, line, None, None)
        record._name = "info"
        logger.handle(record)


def _now() -> str:
    return f"{datetime.now(UTC).isoformat(timespec='microseconds')[:26]}Z"


def request_id() -> str:
    """The id of the request, or of the task, that is being worked on; empty outside of both."""
    ids = get_contextvars()
    return str(ids.get("request") or ids.get("task") or "")
