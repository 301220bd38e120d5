"""The logs of tasks: each line names its task, and the request that asked for it."""

from typing import Any

from celery import signals
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars


# Receivers live as long as the module: dispatch ids keep a second import from connecting them twice.
@signals.setup_logging.connect(dispatch_uid="logs", weak=False)
def _keep_our_logging(**_: Any) -> None:
    """Celery leaves logging alone where somebody answers this signal; Django has already set it up."""


@signals.before_task_publish.connect(dispatch_uid="logs", weak=False)
def _send_request_id(headers: dict[str, Any] | None = None, **_: Any) -> None:
    if headers is not None and (ids := get_contextvars()).get("request"):
        headers["request"] = ids["request"]


@signals.task_prerun.connect(dispatch_uid="logs", weak=False)
def _name_task(task_id: str = "", task: Any = None, **_: Any) -> None:
    clear_contextvars()
    bind_contextvars(task=task_id, task_name=getattr(task, "name", ""))
    asked_by = getattr(getattr(task, "request", None), "request", None)
    if asked_by:
        bind_contextvars(request=asked_by)


@signals.task_postrun.connect(dispatch_uid="logs", weak=False)
def _forget_task(**_: Any) -> None:
    clear_contextvars()
