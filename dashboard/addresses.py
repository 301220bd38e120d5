"""Where a request comes from."""

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def is_trusted_proxy(address: str) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in settings.TRUSTED_PROXY_ADDRESSES)


def client_address(request: HttpRequest) -> str | None:
    """The address of whoever asks: the last hop that is no proxy of ours; ``None`` where it can't be known.

    ``X-Forwarded-For`` counts only as far back as trusted proxies wrote it; the rest anybody can invent.
    """
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").replace(",", " ").split()
    address = request.META.get("REMOTE_ADDR", "")
    while hops and is_trusted_proxy(address):
        address = hops.pop()
    try:
        return str(ip_address(address))
    except ValueError:
        return None
