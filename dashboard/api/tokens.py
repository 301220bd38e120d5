"""Making, finding and revoking API tokens."""

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from hashlib import sha256

from django.contrib.auth.models import User
from django.utils import timezone

from dashboard.models import ApiToken

PREFIX = "mdt_"
LONGEST = 366  # days
# Written at most so often for each token: reading must not cost a write.
USE_NOTED_EVERY = timedelta(hours=1)


def make(user: User, *, name: str, scopes: Collection[str], days: int) -> tuple[ApiToken, str]:
    """A new token and its text, which is shown now and never again."""
    text = PREFIX + secrets.token_urlsafe(32)
    now = timezone.now()
    token = ApiToken.objects.create(
        user=user,
        name=name,
        start=text[:10],
        digest=_digest(text),
        scopes=" ".join(scope for scope in ApiToken.Scope.values if scope in scopes),
        created_at=now,
        expires_at=now + timedelta(days=min(days, LONGEST)),
    )
    return token, text


def find(text: str, now: datetime) -> ApiToken | None:
    """The token whose text this is, if it opens anything at ``now``; notes that it was used."""
    if not text.startswith(PREFIX):
        return None
    token = ApiToken.objects.usable(now).select_related("user").filter(digest=_digest(text)).first()
    if token and (token.used_at is None or now - token.used_at > USE_NOTED_EVERY):
        ApiToken.objects.filter(pk=token.pk).update(used_at=now)
    return token


def revoke(token: ApiToken) -> bool:
    """End ``token`` for ever; whether it had not ended by then."""
    return bool(ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=timezone.now()))


def _digest(text: str) -> str:
    return sha256(text.encode(errors="replace")).hexdigest()
