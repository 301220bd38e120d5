"""What a status and a body mean, before anybody looks for migrations in them."""

import json
import re
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from math import isfinite

from migrations_sync.client.failures import Failure
from migrations_sync.client.transport import Response
from migrations_sync.exceptions import (
    AuthenticationError,
    InvalidPage,
    NotFoundError,
    RateLimitError,
    RequestRefused,
    ServerError,
)

MAX_EXCERPT = 2000
# An answer that can't be read may have been an accident on the way, but rarely is one twice.
BAD_ANSWER_RETRIES = 2

_WORDS = {
    401: "the API does not accept the key: check MIGRATIONS_API_KEY",
    403: "the API does not let this key read: check MIGRATIONS_API_KEY, and what its organization may see",
}


def content(response: Response, scrub: Callable[[str], str]) -> object:
    """The JSON value of a good answer. ``scrub`` takes secrets out of what is quoted.

    Raises:
        Failure: any other answer.
    """
    status = response.status
    if 200 <= status < 300:
        return _json(response, scrub)
    wanted = retry_after(response)
    if status == 429:
        raise Failure(RateLimitError, "429", retries=None, shared=True, retry_after=wanted)
    if status >= 500:
        shared = status == 503 or wanted is not None
        raise Failure(ServerError, str(status), retries=None, shared=shared, retry_after=wanted)
    if status in (401, 403):
        raise Failure(AuthenticationError, f"{status}, {_WORDS[status]}")
    if status in (404, 410):
        raise Failure(NotFoundError, str(status))
    raise Failure(RequestRefused, f"{status} {_one_line(excerpt(response, scrub))}".rstrip())


def bad_answer(text: str, response: Response, scrub: Callable[[str], str]) -> Failure:
    """An answer with a good status that is not what the API promises."""
    return Failure(InvalidPage, text, retries=BAD_ANSWER_RETRIES, excerpt=excerpt(response, scrub))


def excerpt(response: Response, scrub: Callable[[str], str]) -> str:
    """The beginning of the answer for a person to look at. Scrubbed before it is cut, so no half secret stays."""
    return scrub(response.body.decode(errors="replace"))[:MAX_EXCERPT].replace("\0", "\N{SYMBOL FOR NULL}")


def retry_after(response: Response) -> float | None:
    """Seconds that the answer asks to wait, in either form of the header; ``None`` if it can't be read.

    A date is measured against the answer's own ``Date``, where there is one: the two clocks may differ.
    """
    value = response.headers.get("Retry-After", "")
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = _timestamp(value) - _timestamp_or_now(response.headers.get("Date", ""))
        except (ValueError, OverflowError):
            return None
    return max(seconds, 0.0) if isfinite(seconds) else None


def _timestamp(text: str) -> float:
    return parsedate_to_datetime(text).timestamp()


def _timestamp_or_now(text: str) -> float:
    try:
        return _timestamp(text)
    except (ValueError, OverflowError):
        return time.time()


def _json(response: Response, scrub: Callable[[str], str]) -> object:
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError):
        kind = response.headers.get("Content-Type", "").partition(";")[0][:40]
    what = "an empty answer" if not response.body else f"not JSON ({kind or 'no content type'})"
    raise bad_answer(what, response, scrub)


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)[:200]
