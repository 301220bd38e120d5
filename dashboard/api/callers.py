"""Who asks the API, what they may read, and how often."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest

from dashboard import current, throttle
from dashboard.addresses import client_address
from dashboard.api import tokens
from dashboard.api.problems import Problem
from dashboard.models import ApiToken
from dashboard.throttle import Allowance

MINUTE = 60
# Wrong tokens a minute from one address: nobody guesses 256 bits, but nobody has to be let try either.
WRONG_TOKENS = 60
_REALM = 'Bearer realm="migrations"'


@dataclass(frozen=True, slots=True)
class Caller:
    """``key`` is who is counted; ``user`` is whose name it is in."""

    key: str
    user: int
    scopes: frozenset[str]

    def require(self, scope: str, why: str, *, parameter: str = "") -> None:
        if scope not in self.scopes:
            header = f'{_REALM}, error="insufficient_scope", scope="{scope}"'
            detail = f"{why} takes a token with the scope “{scope}”."
            raise Problem(403, detail, parameter=parameter, headers={"WWW-Authenticate": header})


def identify(request: HttpRequest) -> Caller:
    """The caller by their token, else by their login. Raises ``Problem`` (401, 429) for anybody else."""
    header = request.headers.get("Authorization", "")
    if not header:
        if request.user.is_authenticated and request.user.pk:
            return Caller(f"user-{request.user.pk}", request.user.pk, frozenset(ApiToken.Scope.values))
        raise Problem(401, "Send an API token as “Authorization: Bearer …”.", headers={"WWW-Authenticate": _REALM})
    scheme, _, text = header.partition(" ")
    token = tokens.find(text.strip(), current.now(request)) if scheme.lower() == "bearer" else None
    if token:
        return Caller(f"token-{token.pk}", token.user_id, frozenset(token.scopes.split()))
    tries = throttle.take(f"api-wrong:{client_address(request)}", limit=WRONG_TOKENS, window=MINUTE)
    if not tries.allowed:
        raise Problem(429, "Too many wrong tokens from this address.", headers={"Retry-After": str(tries.reset)})
    header = f'{_REALM}, error="invalid_token"'
    raise Problem(401, "This token opens nothing: unknown, revoked or expired.", headers={"WWW-Authenticate": header})


def count(caller: Caller) -> Allowance:
    """Count one request of ``caller``."""
    return throttle.take(f"api:{caller.key}", limit=settings.API_RATE_LIMIT, window=MINUTE)


def headers(allowance: Allowance) -> dict[str, str]:
    """How many requests are left, and in how many seconds there are all of them again."""
    return {
        "RateLimit-Limit": str(allowance.limit),
        "RateLimit-Remaining": str(allowance.left),
        "RateLimit-Reset": str(allowance.reset),
    }
