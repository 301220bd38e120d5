"""Error pages and reports of exceptions that show no secret, also with ``DEBUG`` on."""

from collections.abc import ItemsView
from pprint import pformat
from typing import Any

from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

from dashboard.redaction import scrub


class _Shown:
    """A value as text that is finished: Django would otherwise print it, and cut it in the middle of a secret."""

    def __init__(self, value: object) -> None:
        try:
            self.text = scrub(pformat(value))
        except Exception as error:
            self.text = f"<no repr: {type(error).__name__}>"

    def __repr__(self) -> str:
        return self.text


class ScrubbingFilter(SafeExceptionReporterFilter):
    """Hides the values of local variables and settings wherever they hold a secret."""

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: Any) -> ItemsView[str, Any]:
        return {
            name: _Shown(value) for name, value in super().get_traceback_frame_variables(request, tb_frame)
        }.items()


class ScrubbingReporter(ExceptionReporter):
    """The debug page, without the secrets that messages, headers and source lines may quote."""

    def get_traceback_html(self) -> SafeString:
        return mark_safe(scrub(super().get_traceback_html()))  # noqa: S308  (Django's own page, made shorter)

    def get_traceback_text(self) -> SafeString:
        return mark_safe(scrub(super().get_traceback_text()))  # noqa: S308
