from ipaddress import ip_network

import pytest
from django.contrib.auth.models import User
from django.test import Client

from dashboard.models import AuditEntry

pytestmark = pytest.mark.django_db

PAGE = "/preferences/"
PROXY, ELSEWHERE = "10.0.0.1", "10.0.1.1"


@pytest.fixture
def through(settings):
    """Ask as the proxy does, naming somebody."""
    settings.TRUSTED_PROXY_HEADER = "X-Forwarded-User"
    settings.TRUSTED_PROXY_ADDRESSES = [ip_network("10.0.0.0/24")]
    client = Client()

    def ask(name, *, address=PROXY):
        headers = {"X-Forwarded-User": name} if name is not None else {}
        return client.get(PAGE, headers=headers, REMOTE_ADDR=address)

    return ask


def test_whom_the_proxy_names_is_signed_in(through):
    assert through("ann@example.org").status_code == 200

    assert User.objects.get().username == "ann@example.org"
    assert AuditEntry.objects.get().detail == "by the proxy's header, as viewer"
    assert through("ann@example.org").status_code == 200
    assert AuditEntry.objects.count() == 1


def test_the_header_means_nothing_from_elsewhere(through):
    assert through("ann", address=ELSEWHERE).status_code == 302
    assert not User.objects.exists()


def test_the_header_means_nothing_unless_it_was_chosen(settings, client):
    settings.TRUSTED_PROXY_ADDRESSES = [ip_network("10.0.0.0/24")]

    assert client.get(PAGE, headers={"X-Forwarded-User": "ann"}, REMOTE_ADDR=PROXY).status_code == 302


def test_a_session_of_the_proxy_ends_past_it(through):
    through("ann")

    assert through("ann", address=ELSEWHERE).status_code == 302
    assert through(None).status_code == 302


def test_another_name_is_another_session(through):
    through("ann")

    assert "Signed in as <strong>bob</strong>" in through("bob").content.decode()


def test_an_account_that_was_switched_off_stays_out(through):
    User.objects.create_user("ann", is_active=False)

    assert through("ann").status_code == 403


@pytest.mark.parametrize("name", ["", " ", "\x00", "x" * 1000, "é", "<script>"])
def test_no_name_ends_in_a_server_error(through, name):
    assert through(name).status_code in (200, 302)
