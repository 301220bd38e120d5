from ipaddress import ip_network

import pytest
from django.core.exceptions import ImproperlyConfigured

from dashboard.env import Env

ROLES = ("viewer", "admin")


def test_networks_are_read_as_addresses_and_ranges():
    env = Env({"PROXIES": "10.0.0.7, 10.1.0.0/16 ::1"})

    assert env.networks("PROXIES") == [ip_network("10.0.0.7"), ip_network("10.1.0.0/16"), ip_network("::1")]
    assert Env({}).networks("PROXIES") == []


def test_pairs_may_have_spaces_and_equals_signs_in_their_names():
    env = Env({"GROUPS": "night shift=viewer, cn=ops=admin,,"})

    assert env.pairs("GROUPS", ROLES) == {"night shift": "viewer", "cn=ops": "admin"}
    assert Env({}).pairs("GROUPS", ROLES) == {}


@pytest.mark.parametrize("value", ["the-proxy", "10.0.0.1/8", "10.0.0.300"])
def test_a_network_that_is_none_is_named(value):
    with pytest.raises(ImproperlyConfigured, match=r"^PROXIES: .*use addresses or networks"):
        Env({"PROXIES": value}).networks("PROXIES")


@pytest.mark.parametrize("value", ["support", "support=boss", "=viewer", "support="])
def test_a_pair_that_is_none_is_named(value):
    with pytest.raises(ImproperlyConfigured, match=r"^GROUPS: .* use name=value with one of viewer, admin"):
        Env({"GROUPS": value}).pairs("GROUPS", ROLES)
