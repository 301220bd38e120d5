"""What alerts may never be posted to, however it is written and whatever its name resolves to."""

import socket

import pytest

from dashboard.alerts import guard
from tests import receiver as receivers

pytestmark = pytest.mark.once

INSIDE = [
    "https://127.0.0.1/",
    "https://[::1]/",
    "https://169.254.169.254/latest/meta-data/",
    "https://2130706433/",  # 127.0.0.1 as one number
    "https://0x7f.1/",
    "https://10.1.2.3:8443/x",
    "https://192.168.0.1/",
    "https://100.64.0.1/",
    "https://0.0.0.0/",
    "https://[::ffff:127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[fd00::1]/",
    "https://[fe80::1]/",
    "https://localhost/",
]
NO_ADDRESS = [
    "http://93.184.216.34/",
    "ftp://93.184.216.34/",
    "https://",
    "https://user:word@93.184.216.34/",
    "https://93.184.216.34:99999/",
    "https://93.184.216.34/\r\nX: y",
    "https://[::1",
    "//93.184.216.34/",
]


@pytest.mark.parametrize("url", INSIDE + NO_ADDRESS)
def test_an_address_inside_or_malformed_is_refused_at_once(url):
    with pytest.raises(guard.AddressRefused):
        guard.check(url, allow_private=False)


def _resolves_to(monkeypatch, *answers: list[str]) -> list[str]:
    """Name resolution answers these one after the other, the last for ever; returns the hosts asked for."""
    left, asked = list(answers), []

    def resolve(host, port, **_):
        asked.append(host)
        addresses = left.pop(0) if len(left) > 1 else left[0]
        family = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(family[":" in a], socket.SOCK_STREAM, 6, "", (a, port)) for a in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


def test_a_public_address_is_allowed(monkeypatch):
    _resolves_to(monkeypatch, ["93.184.216.34", "2606:2800:220:1::1"])
    guard.check("https://hooks.example.com/services/x?y=1", allow_private=False)


@pytest.mark.parametrize("addresses", [["10.0.0.7"], ["93.184.216.34", "127.0.0.1"], ["fd12::1"]])
def test_a_name_that_leads_inside_is_refused(monkeypatch, addresses):
    _resolves_to(monkeypatch, addresses)
    with pytest.raises(guard.AddressRefused, match=r"inside this network.*ALERTS_ALLOW_PRIVATE_URLS"):
        guard.check("https://innocent.example.com/", allow_private=False)


def test_a_name_that_turns_inside_after_the_check_is_refused_at_the_connection(monkeypatch):
    with receivers.running() as receiver:
        port = receiver.url.rpartition(":")[2]
        asked = _resolves_to(monkeypatch, ["93.184.216.34"], ["127.0.0.1"])
        with pytest.raises(guard.AddressRefused):
            guard.send("POST", f"https://rebinding.example.com:{port}/", b"{}", {}, allow_private=False)
    assert asked == ["rebinding.example.com"] * 2
    assert receiver.got == []
