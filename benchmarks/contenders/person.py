"""Makes the product's superuser for the benchmark and signs them in; prints the keys of two sessions."""

import json
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
django.setup()

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402

from dashboard.sessions import lifetime  # noqa: E402
from dashboard.sessions.database import SessionStore  # noqa: E402


def main() -> None:
    user = User.objects.create_superuser("bench", password="x" * 20)
    backends = {"product": "dashboard.backends.Password", "others": "django.contrib.auth.backends.ModelBackend"}
    print(json.dumps({whose: _sign_in(user, backend) for whose, backend in backends.items()}))


def _sign_in(user: User, backend: str) -> str | None:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = backend
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    lifetime.begin(session)
    session.save()
    return session.session_key


if __name__ == "__main__":
    main()
