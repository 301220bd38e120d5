from copy import deepcopy
from functools import lru_cache
from typing import Any

from django.contrib.sessions.backends import db
from django.utils import timezone

from dashboard import visit
from dashboard.sessions.lifetime import Lifetime


class _Stored(db.SessionStore):
    """Django's, in the database, read by the statement that a request needs anyway."""

    def load(self) -> dict[str, Any]:
        found = visit.current()
        stored = found.session() if found and found.key == self.session_key else None
        if not found or not stored:
            data: dict[str, Any] = super().load()
            return data
        text, ends = stored
        if ends is None or ends <= timezone.now():
            self._session_key = None
            return {}
        data = deepcopy(_decoded(text))
        found.belongs_to(data)
        return data


class SessionStore(Lifetime, _Stored):
    """In the database alone, so that a logout holds everywhere at once."""


@lru_cache(1024)
def _decoded(text: str) -> dict[str, Any]:
    """What ``text`` holds if its signature is ours; of a session in use the same text comes again and again."""
    data: dict[str, Any] = db.SessionStore().decode(text)
    return data
