"""HTTPS behind a proxy is right by default, and nobody on the machine itself is locked out by it."""

from typing import Any

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db
OUTSIDE = {"REMOTE_ADDR": "203.0.113.7"}


@pytest.fixture(autouse=True)
def production(settings: Any) -> None:
    settings.HTTPS = settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.ALLOWED_HOSTS = ["dashboard.example.com", "127.0.0.1", "localhost"]


def get(client: Client, path: str, host: str, **extra: str) -> Any:
    return client.get(path, headers={"host": host}, **extra)


def test_a_plain_request_from_outside_is_sent_to_https_with_its_query(client: Client):
    answer = get(client, "/migrations/?status=FAILED", "dashboard.example.com", **OUTSIDE)

    assert (answer.status_code, answer["Location"]) == (
        301,
        "https://dashboard.example.com/migrations/?status=FAILED",
    )


def test_a_loopback_host_named_from_outside_opens_nothing(client: Client):
    assert get(client, "/accounts/login/", "127.0.0.1", **OUTSIDE).status_code == 301


def test_a_proxy_on_the_same_machine_is_no_local_person(client: Client):
    assert get(client, "/accounts/login/", "dashboard.example.com").status_code == 301


def test_behind_a_proxy_that_ends_tls_cookies_are_secure(client: Client):
    answer = get(client, "/accounts/login/", "dashboard.example.com", HTTP_X_FORWARDED_PROTO="https")

    assert answer.status_code == 200
    assert answer.cookies["csrftoken"]["secure"] is True


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000"])
def test_on_the_machine_itself_plain_http_works_and_so_do_its_cookies(client: Client, host: str):
    answer = get(client, "/accounts/login/", host)

    assert answer.status_code == 200
    assert answer.cookies["csrftoken"]["secure"] == ""


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_speak_plain_http(client: Client, path: str):
    assert get(client, path, "dashboard.example.com", **OUTSIDE).status_code in (200, 503)
