"""Accounts of people whom somebody else vouches for: an OpenID Connect provider or the proxy in front."""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from dashboard import roles
from dashboard.models import Identity
from dashboard.permissions import ROLES


def of_claims(claims: Mapping[str, Any]) -> User:
    """The account of whoever an ID token speaks of, made at their first sign-in, with the role of their groups.

    They are known by issuer and subject alone: an account of the same name that was here before is another one.
    Raises ``PermissionDenied`` where the account is switched off, or no role is left for it.
    """
    role = role_for(claims.get(settings.OIDC_GROUPS_CLAIM))
    key = {"issuer": str(claims["iss"])[:255], "subject": str(claims["sub"])[:255]}
    found = Identity.objects.select_related("user").filter(**key).first()
    if not found and role == "none":
        raise PermissionDenied("Your account is in none of the groups that may use this dashboard.")
    user = found.user if found else _introduce(key, claims)
    if not user.is_active:
        raise PermissionDenied("This account has been switched off.")
    if role == "none":
        raise PermissionDenied("Your account is no longer in any of the groups that may use this dashboard.")
    _update(user, claims)
    if settings.OIDC_GROUP_ROLES and roles.of(user) != role:
        roles.assign(user, role)
    return user


def of_name(name: str) -> User:
    """The account called ``name``, made where there is none. Raises ``PermissionDenied`` if it is switched off."""
    user, _ = User.objects.get_or_create(username=name, defaults={"password": make_password(None)})
    if not user.is_active:
        raise PermissionDenied("This account has been switched off.")
    return user


def role_for(groups: object) -> str:
    """The highest role that the provider's ``groups`` give, else the default one; ``none``: no entry."""
    given = [groups] if isinstance(groups, str) else groups if isinstance(groups, Iterable) else []
    held = {settings.OIDC_GROUP_ROLES.get(str(group)) for group in given}
    return next((role for role in reversed(ROLES) if role in held), settings.DEFAULT_ROLE)


def _introduce(key: dict[str, str], claims: Mapping[str, Any]) -> User:
    try:
        with transaction.atomic():
            name = printable(claims.get("preferred_username") or claims.get("email") or claims["sub"])
            user = User.objects.create(username=_free(name), password=make_password(None))
            Identity.objects.create(user=user, **key)
    except IntegrityError:  # two first sign-ins at once
        found = Identity.objects.filter(**key).first()
        return found.user if found else _introduce(key, claims)
    return user


def _free(name: str) -> str:
    """``name``, or ``name-2`` and so on where it is taken."""
    taken = set(User.objects.filter(username__startswith=name).values_list("username", flat=True))
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name}-{number}"
    return candidate


def _update(user: User, claims: Mapping[str, Any]) -> None:
    now = {
        "email": printable(claims.get("email", ""))[:254],
        "first_name": printable(claims.get("given_name", ""))[:150],
        "last_name": printable(claims.get("family_name", ""))[:150],
    }
    changed = [name for name, value in now.items() if value and getattr(user, name) != value]
    for name in changed:
        setattr(user, name, now[name])
    if changed:
        user.save(update_fields=changed)


def printable(value: object) -> str:
    """``value`` as a name: without control characters, of a length that every column takes."""
    return "".join(c for c in str(value) if unicodedata.category(c)[0] != "C").strip()[:140]
