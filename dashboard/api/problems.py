"""What the API answers instead of data: ``application/problem+json`` as RFC 9457 has it."""

from collections.abc import Mapping
from http import HTTPStatus

from django.http import JsonResponse


class Problem(Exception):
    """Ends a request with ``status``. ``detail`` says what was wrong with what, and what to do."""

    def __init__(
        self, status: int, detail: str, *, parameter: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.parameter, self.headers = status, detail, parameter, dict(headers or {})

    def response(self) -> JsonResponse:
        body = {"title": HTTPStatus(self.status).phrase, "status": self.status, "detail": self.detail}
        if self.parameter:
            body["parameter"] = self.parameter
        return JsonResponse(body, status=self.status, headers=self.headers, content_type="application/problem+json")
