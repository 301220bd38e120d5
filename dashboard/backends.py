"""How a session came about. The account's permissions are Django's own."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpRequest

from migrations_sync.database import as_time

_NAMES = [field.attname for field in User._meta.concrete_fields]
_MOMENTS = {"last_login", "date_joined"}
# Asked for by every page of somebody signed in; Django takes longer to write this than a database to answer it.
_ACCOUNT = f"SELECT {', '.join(_NAMES)} FROM {User._meta.db_table} WHERE id = %s"  # noqa: S608  (its own names)


class Password(ModelBackend):
    """Django's own, with a quicker look at whose session it is."""

    def get_user(self, user_id: int) -> User | None:
        with connection.cursor() as cursor:
            cursor.execute(_ACCOUNT, [user_id])
            row = cursor.fetchone()
        if row is None:
            return None
        values = [as_time(value) if name in _MOMENTS else value for name, value in zip(_NAMES, row, strict=True)]
        user = User.from_db(connection.alias, _NAMES, values)
        return user if self.user_can_authenticate(user) else None


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
