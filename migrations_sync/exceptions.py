"""Everything that can go wrong between the API and the mirror: one class per reaction of the caller."""


class SyncError(Exception):
    """A pass over the API could not be finished. The message is one line and holds no secret."""


class APIError(SyncError):
    """The Migrations API did not give what was asked for."""


class AuthenticationError(APIError):
    """401 or 403: trying again will not help, a person must look at the key."""


class RateLimitError(APIError):
    """Still 429 after the last try, or told to wait longer than a worker should sleep.

    ``retry_after``: seconds from now before which no further request is wanted, or ``None``.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ServerError(APIError):
    """Still a 5xx after the last try."""


class APIConnectionError(APIError):
    """No usable answer: refused, reset, timed out or cut off, after the last try."""


class NotFoundError(APIError):
    """404 or 410: the API knows no such thing."""


class RequestRefused(APIError):
    """Another 4xx, or a redirect that would carry the key to another place."""


class InvalidPage(APIError):
    """An answer that is not what the API promises, in any known shape.

    ``excerpt``: the beginning of the answer, scrubbed and cut, for a person to look at.
    """

    def __init__(self, message: str, excerpt: str = "") -> None:
        super().__init__(message)
        self.excerpt = excerpt


class InvalidRecord(SyncError):
    """One row of a page can't be read; the message is the reason. The rest of the page can."""


class LeaseLost(SyncError):
    """Another pass took over; this one must stop writing."""
