"""Signing in by OpenID Connect: the provider's side of it, through Authlib."""

import time
from functools import lru_cache
from typing import Any

import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.django_client import OAuth
from django.conf import settings
from django.http import HttpRequest
from joserfc.errors import JoseError

# What the provider publishes (addresses, keys) is read again after so many seconds.
KNOWN_FOR = 600


class Refused(Exception):
    """The answer that came back is forged, stale or not meant for us. ``str()`` is for people."""


class Unreachable(Exception):
    """The provider did not answer."""


def begin(request: HttpRequest, callback: str, onward: str) -> str:
    """The provider's address to go to. ``onward`` is kept in the session, tied to this one try."""
    client = _client()
    try:
        asked = client.create_authorization_url(callback)
    except (requests.RequestException, ValueError) as error:
        raise Unreachable from error
    client.save_authorize_data(request, redirect_uri=callback, onward=onward, **asked)
    return str(asked["url"])


def finish(request: HttpRequest) -> tuple[dict[str, Any], str]:
    """The claims of whoever came back from the provider, and where they wanted to go. Works once for each try."""
    client = _client()
    tried = client.framework.get_state_data(request.session, request.GET.get("state")) or {}
    try:
        token = client.authorize_access_token(request, claims_options=_expected())
        claims = dict(token.get("userinfo") or {})
        if not claims:
            raise Refused("The sign-in service sent no identity.")
        if settings.OIDC_GROUP_ROLES and settings.OIDC_GROUPS_CLAIM not in claims:
            claims = _more(client, token) | claims
    except requests.RequestException as error:
        raise Unreachable from error
    except OAuthError as error:
        raise Refused(_words(error)) from error
    except (JoseError, ValueError, KeyError) as error:
        raise Refused(
            "The answer of the sign-in service does not hold: it may be old, or not meant for us."
        ) from error
    return claims, tried.get("onward", "")


def _more(client: Any, token: dict[str, Any]) -> dict[str, Any]:
    """Claims that some providers give only when asked; they count if they speak of the same person."""
    asked = dict(client.userinfo(token=token))
    return asked if asked.get("sub") == token["userinfo"]["sub"] else {}


def _words(error: OAuthError) -> str:
    if error.error == "access_denied":
        return "The sign-in service did not let you in."
    return "This sign-in was not begun in this browser, or was finished before."


def _expected() -> dict[str, Any]:
    return {
        "iss": {"essential": True, "value": settings.OIDC_ISSUER},
        "aud": {"essential": True, "value": settings.OIDC_CLIENT_ID},
    }


def _client() -> Any:
    return _registered(settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, int(time.time() // KNOWN_FOR))


@lru_cache(maxsize=1)
def _registered(issuer: str, client_id: str, _age: int) -> Any:
    return OAuth().register(
        "sso",
        client_id=client_id,
        client_secret=settings.OIDC_CLIENT_SECRET,
        server_metadata_url=f"{issuer}/.well-known/openid-configuration",
        client_kwargs={"scope": settings.OIDC_SCOPES, "code_challenge_method": "S256", "default_timeout": 10},
    )
