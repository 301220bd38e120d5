"""Accounts for tests of who may do what."""

from django.contrib.auth.models import User
from django.test import Client

from dashboard import roles


def person(role: str, name: str = "") -> User:
    """Somebody with ``role``, called after it unless ``name`` is given."""
    user, _ = User.objects.get_or_create(username=name or f"a-{role}")
    roles.assign(user, role)
    return User.objects.get(pk=user.pk)


def browser(role: str, name: str = "") -> Client:
    """The browser of such a person, signed in."""
    client = Client()
    client.force_login(person(role, name), backend="dashboard.backends.Password")
    return client
