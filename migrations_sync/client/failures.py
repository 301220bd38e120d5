"""One try that failed: what it was, in words without addresses or secrets, and what follows from it."""

import os
import ssl
from collections.abc import Iterator
from typing import TypeVar

from urllib3 import exceptions as urllib3_errors

from migrations_sync.client.retry import LONGEST_HOLD
from migrations_sync.exceptions import APIError, InvalidPage, RateLimitError

E = TypeVar("E", bound=BaseException)


class Failure(Exception):
    """``kind``: the error it becomes when no further try is made.

    ``retries``: how many more tries it is worth, ``None`` for as many as are configured.
    ``shared``: the API as a whole wants fewer requests, so all of them wait. ``retry_after``: seconds it named.
    ``excerpt``: the beginning of the answer, scrubbed.
    """

    def __init__(
        self,
        kind: type[APIError],
        text: str,
        *,
        retries: int | None = 0,
        shared: bool = False,
        retry_after: float | None = None,
        excerpt: str = "",
    ) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text
        self.retries = retries
        self.shared = shared
        self.retry_after = retry_after
        self.excerpt = excerpt

    def error(self, request: str, tries: int) -> APIError:
        """What is raised in the end: ``GET /migrations?page=7: 503 after 6 tries``."""
        message = f"{request}: {self.text}" + (f" after {tries} tries" if tries > 1 else "")
        if self.retry_after is not None and self.retry_after > LONGEST_HOLD:
            message += f", and the API wants no requests for {self.retry_after:.0f} s"
            return RateLimitError(message, self.retry_after)
        if self.kind is RateLimitError:
            return RateLimitError(message, self.retry_after)
        if self.kind is InvalidPage:
            return InvalidPage(message, self.excerpt)
        return self.kind(message)


def in_words(error: BaseException, timeout: float) -> str:
    """What went wrong on the wire. Never ``str(error)``: that may quote a proxy's password or an answer.

    The order matters: TLS errors are operating system errors too, and bring a meaningless number along.
    """
    causes = list(_causes(error))
    if _first(urllib3_errors.NameResolutionError, causes):
        return "the host name is not known"
    if certificate := _first(ssl.SSLCertVerificationError, causes):
        return f"the certificate is not accepted: {certificate.verify_message}"
    if tls := _first(ssl.SSLError, causes):
        return f"TLS failed: {tls.reason or 'no reason given'}"
    if _first(urllib3_errors.ProxyError, causes):
        return "the proxy does not pass the request on"
    if (system := _first(OSError, causes)) and system.errno:
        return os.strerror(system.errno).lower()
    if _first(urllib3_errors.EmptyPoolError, causes):
        return "every connection stayed busy"
    if _first(urllib3_errors.TimeoutError, causes):
        return f"no complete answer in time (MIGRATIONS_API_TIMEOUT is {timeout:g} s)"
    return "the answer was cut off or garbled"


def _first(kind: type[E], causes: list[BaseException]) -> E | None:
    return next((cause for cause in causes if isinstance(cause, kind)), None)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what led to it, from the outside in; urllib3 wraps as it raises."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
