from typing import Any

from django.contrib.sessions.backends import db
from django.core.cache import cache

from dashboard.sessions.lifetime import Lifetime

# A session that ended while the cache could not be told lives on there no longer than this.
SECONDS = 60


class _Cached(db.SessionStore):
    """In the database, with a short-lived copy in the shared cache."""

    def load(self) -> dict[str, Any]:
        known: dict[str, Any] | None = cache.get(f"session:{self.session_key}")
        if known is None:
            known = super().load()
            if known:
                cache.set(f"session:{self.session_key}", known, SECONDS)
        return known

    def save(self, must_create: bool = False) -> None:
        super().save(must_create)
        cache.set(f"session:{self.session_key}", dict(self.items()), SECONDS)

    def delete(self, session_key: str | None = None) -> None:
        super().delete(session_key)
        cache.delete(f"session:{session_key or self.session_key}")


class SessionStore(Lifetime, _Cached):
    pass
