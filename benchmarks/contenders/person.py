"""Makes the product's superuser for the benchmark and signs them in; prints the session's key."""

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
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    lifetime.begin(session)
    session.save()
    print(json.dumps({"session": session.session_key}))


if __name__ == "__main__":
    main()
