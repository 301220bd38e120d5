"""What every request needs of the database, in one statement: session, account and the state of the mirror.

Asked one by one, these take longer than a page that has not changed needs altogether. They are as of the beginning of
the request, and each is handed out once: whoever asks again reads what the database holds by then.
"""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse

from dashboard.postgresql import planned
from migrations_sync import freshness
from migrations_sync.database import as_time

Row = tuple[Any, ...]
ACCOUNT = [field.attname for field in User._meta.concrete_fields]
_SESSION = ("session_data", "expire_date")
# Whatever is not there is null: a new database has no mirror, a stranger no session.
_STATEMENT = f"""\
SELECT {", ".join(f"z.{name}" for name in _SESSION)}, {", ".join(f"u.{name}" for name in ACCOUNT)},
        {freshness.COLUMNS}
    FROM (SELECT 1) AS one LEFT JOIN {Session._meta.db_table} z ON z.session_key = %s
    LEFT JOIN {User._meta.db_table} u ON u.id = %s LEFT JOIN {freshness.TABLES} ON s.name = 'default'
"""  # noqa: S608  (names of our own)
_MOST = 4096  # sessions whose accounts a process remembers
_accounts: dict[str, int] = {}  # by the session's key; only says what to ask for: the answer counts


@dataclass(slots=True)
class Visit:
    """One request. ``key``: the session that its cookie names, whether there is one or not. ``looks``: it changes
    nothing, so that the mirror's version stays the one that it began with."""

    key: str
    looks: bool = True
    _session: Row | None = None
    _account: Row | None = None
    _mirror: Row | None = None
    _asked: bool = False

    def session(self) -> Row | None:
        """The session's data as they are stored, and when it ends (UTC), both ``None`` for one that never was."""
        self._ask()
        row, self._session = self._session, None
        return row and (row[0], as_time(row[1]))

    def belongs_to(self, data: Mapping[str, Any]) -> None:
        """Note whose session it is by its decoded ``data``: from now on the account comes along."""
        if SESSION_KEY in data:
            if len(_accounts) >= _MOST:
                _accounts.clear()
            _accounts[self.key] = int(data[SESSION_KEY])

    def account(self, user_id: int) -> Row | None:
        """The values of ``ACCOUNT`` if they came along."""
        row, self._account = self._account, None
        return row if row and row[0] == user_id else None

    def mirror(self) -> Row | None:
        """What ``freshness.of_row`` makes a state of, if it came along."""
        row, self._mirror = self._mirror, None
        return row if self.looks else None

    def _ask(self) -> None:
        if self._asked:
            return
        self._asked = True
        (row,) = planned.rows(_STATEMENT, [self.key, _accounts.get(self.key, 0)])
        here, there = len(_SESSION), len(_SESSION) + len(ACCOUNT)
        self._session, self._account, self._mirror = row[:here], row[here:there], row[there:]


_current: ContextVar[Visit | None] = ContextVar("visit", default=None)


def current() -> Visit | None:
    """That of the request which is being answered."""
    return _current.get()


class VisitMiddleware:
    """Begins a visit for each request; before whatever reads the session."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        looks = request.method in ("GET", "HEAD")
        token = _current.set(Visit(request.COOKIES.get(settings.SESSION_COOKIE_NAME, ""), looks))
        try:
            return self.get_response(request)
        finally:
            _current.reset(token)
