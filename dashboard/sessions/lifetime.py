import re
import time
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase

BEGAN, SEEN = "began", "seen"  # seconds since the epoch
# How finely use is noted: a session in use is written again once in this part of its idle time.
_STEPS = 12
_KEY = re.compile(r"[a-z0-9]{32}")


class Lifetime(SessionBase):
    """Refuses a signed-in session that is too old or was not used for too long, and keeps note of its use."""

    def load(self) -> dict[str, Any]:
        if not _possible(self.session_key):
            self._session_key = None
            return {}
        data: dict[str, Any] = super().load()
        if SESSION_KEY not in data:
            return data
        now = time.time()
        age, idle = now - data.get(BEGAN, 0), now - data.get(SEEN, 0)
        if age > settings.SESSION_COOKIE_AGE or idle > settings.SESSION_IDLE_AGE:
            self.delete(self.session_key)
            self._session_key = None
            return {}
        if idle > settings.SESSION_IDLE_AGE / _STEPS:
            data[SEEN] = int(now)
            self.modified = True
        return data


def begin(session: SessionBase) -> None:
    """Start the clocks of a session that somebody just signed in with."""
    session[BEGAN] = session[SEEN] = int(time.time())


def _possible(key: str | None) -> bool:
    """Whether ``key`` can be one of ours. A cookie can spell any byte, NUL too, which PostgreSQL refuses."""
    return bool(_KEY.fullmatch(key or ""))
