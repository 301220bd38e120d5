"""How a session came about. The account's permissions are Django's own."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpRequest

from dashboard import visit
from migrations_sync.database import as_time

_MOMENTS = {"last_login", "date_joined"}
# Where it did not come along with the session; Django takes longer to write this than a database to answer it.
_ACCOUNT = f"SELECT {', '.join(visit.ACCOUNT)} FROM {User._meta.db_table} WHERE id = %s"  # noqa: S608  (its own names)


class Password(ModelBackend):
    """Django's own, with a quicker look at whose session it is."""

    def get_user(self, user_id: int) -> User | None:
        known = (visiting := visit.current()) and visiting.account(user_id)
        row = known or _asked(user_id)
        if row is None:
            return None
        values = [
            as_time(value) if name in _MOMENTS else value for name, value in zip(visit.ACCOUNT, row, strict=True)
        ]
        user = User.from_db(connection.alias, visit.ACCOUNT, values)
        return user if self.user_can_authenticate(user) else None


def _asked(user_id: int) -> visit.Row | None:
    with connection.cursor() as cursor:
        cursor.execute(_ACCOUNT, [user_id])
        row: visit.Row | None = cursor.fetchone()
        return row


class VouchedFor(Password):
    """Knows accounts and permissions, but lets nobody in by itself: whoever calls ``login`` has checked already."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> None:
        return None


class SingleSignOn(VouchedFor):
    path = "dashboard.backends.SingleSignOn"


class ProxyHeader(VouchedFor):
    path = "dashboard.backends.ProxyHeader"
