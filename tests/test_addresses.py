from ipaddress import ip_network

import pytest
from django.test import RequestFactory

from dashboard.addresses import client_address


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.7", "", "192.0.2.7"),
        ("192.0.2.7", "203.0.113.9", "192.0.2.7"),  # a stranger's word
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),  # the first was invented by the client
        ("10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"),  # two proxies of ours
        ("10.0.0.1", "nonsense", None),
        ("10.0.0.1", "", "10.0.0.1"),
        ("", "203.0.113.9", None),
    ],
)
def test_the_client_is_the_last_hop_that_is_no_proxy_of_ours(settings, peer, forwarded, address):
    settings.TRUSTED_PROXY_ADDRESSES = [ip_network("10.0.0.0/24")]
    headers = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}

    assert client_address(RequestFactory().get("/", REMOTE_ADDR=peer, **headers)) == address
