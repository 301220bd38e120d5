"""What every address of the API has in common."""

from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_cache_control, patch_vary_headers

from dashboard import current
from dashboard.api import callers
from dashboard.api.callers import Caller
from dashboard.api.problems import Problem
from dashboard.release import release

View = Callable[..., dict[str, Any]]


def endpoint(view: View) -> Callable[..., HttpResponseBase]:
    """Make an address of the API of ``view(request, caller, …)``, which gives what is to be sent.

    Reading only, for known callers, so many a minute, 304 while nothing changed; a ``Problem`` is its own answer.
    """

    @login_not_required  # it is refused below, in JSON
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        limits: dict[str, str] = {}
        try:
            if request.method not in ("GET", "HEAD"):
                raise Problem(405, "This API only reads.", headers={"Allow": "GET, HEAD"})
            caller = callers.identify(request)
            allowance = callers.count(caller)
            limits = callers.headers(allowance)
            if not allowance.allowed:
                detail = f"More than {allowance.limit} requests within a minute."
                raise Problem(429, detail, headers={"Retry-After": str(allowance.reset)})
            response = _conditional(request, caller, lambda: view(request, caller, *args, **kwargs))
        except Problem as problem:
            response = problem.response()
        for name, value in limits.items():
            response.headers[name] = value
        patch_cache_control(response, private=True, no_cache=True)
        patch_vary_headers(response, ["Authorization", "Cookie"])
        return response

    return answer


def _conditional(request: HttpRequest, caller: Caller, make: Callable[[], dict[str, Any]]) -> HttpResponseBase:
    etag = _tag(request, caller)
    known = get_conditional_response(request, etag=etag)
    response: HttpResponseBase = known if known is not None else JsonResponse(make())
    if isinstance(response, HttpResponse) and response.status_code in (200, 304):
        response.headers["ETag"] = etag
    return response


def _tag(request: HttpRequest, caller: Caller) -> str:
    """Differs whenever the answer may. The minute is in it because a list may be asked for by relative times."""
    parts = (
        release(),
        current.source(request).version,
        current.freshness(request),
        sorted(caller.scopes),
        request.build_absolute_uri(),
        f"{current.now(request):%Y%m%d%H%M}",
    )
    return f'"{sha256(repr(parts).encode()).hexdigest()[:32]}"'
