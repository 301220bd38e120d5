"""Every fault of the API and the network, against a real server: what is raised, said and sent, and no key in it."""

import contextlib
import datetime
import ipaddress
import logging
import re
import ssl
import traceback
import tracemalloc

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from migrations_sync.exceptions import (
    APIConnectionError,
    APIError,
    AuthenticationError,
    InvalidPage,
    NotFoundError,
    RateLimitError,
    RequestRefused,
    ServerError,
)
from tests import api_server
from tests.api_server import KEY, Reply, echo_key, redirect, row, rows

pytestmark = pytest.mark.once

HTML = Reply(200, b"<!DOCTYPE html>\n<title>Sign in</title>")
TRUNCATED_JSON = Reply(200, b'[{"object": "migration", "id": "m-1", "sta')
NOT_GZIP = Reply(200, b"[]", {"Content-Encoding": "gzip"})
TOO_DEEP = Reply(200, b"[" * 100_000)
NOT_A_LIST = [None, {}, {"detail": "Not ready"}, {"data": None}, "[]", Reply(200, 7), {"data": {"id": "m-1"}}]


@contextlib.contextmanager
def fails(kind, message=None):
    """The block raises exactly this error, in one line, and nothing in it or below it shows the key."""
    with pytest.raises(kind, match=message) as told:
        yield told
    error = told.value
    assert type(error) is kind
    assert "\n" not in str(error)
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    everything = "".join(shown.format()) + repr(error) + repr(vars(error))
    for secret in (KEY, *re.split(r"\W", KEY)[:1]):
        assert secret not in everything


def read(client):
    """The numbers of the pages that come before the error, then the error."""
    numbers = []
    try:
        numbers.extend(page.number for page in client.iter_pages())
    except APIError as error:
        return numbers, error
    return numbers, None


# What may pass


@pytest.mark.parametrize(
    "accident",
    [
        429,
        500,
        502,
        503,
        504,
        599,
        api_server.reset,
        api_server.cut_off,
        api_server.cut_off_in_chunks,
        api_server.no_http,
        HTML,
        TRUNCATED_JSON,
        NOT_GZIP,
        Reply(200, b""),
        Reply(204),
        None,
        {"detail": "Not ready"},
    ],
    ids=lambda accident: getattr(accident, "__name__", None),
)
def test_an_accident_is_tried_again_and_passes(api, api_client, clock, accident):
    api.rows = rows(25)
    api.will_answer_page(2, accident, accident)

    assert read(api_client) == ([1, 2, 3], None)
    assert api.pages_asked.count(2) == 3
    assert api_client.stats.retries == 2
    assert len(clock.slept) >= 2


@pytest.mark.parametrize(
    ("fault", "kind", "message", "tries"),
    [
        (500, ServerError, "500 after 6 tries", 6),
        (503, ServerError, "503 after 6 tries", 6),
        (api_server.reset, APIConnectionError, "connection reset by peer after 6 tries", 6),
        (api_server.cut_off, APIConnectionError, "the answer was cut off or garbled after 6 tries", 6),
        (api_server.cut_off_in_chunks, APIConnectionError, "the answer was cut off or garbled after 6 tries", 6),
        (api_server.no_http, APIConnectionError, "the answer was cut off or garbled after 6 tries", 6),
        (NOT_GZIP, APIConnectionError, "the answer was cut off or garbled after 6 tries", 6),
        (HTML, InvalidPage, r"not JSON \(text/html\) after 3 tries", 3),
        (TRUNCATED_JSON, InvalidPage, r"not JSON \(application/json\) after 3 tries", 3),
        (TOO_DEEP, InvalidPage, r"not JSON \(application/json\) after 3 tries", 3),
        (Reply(200, b""), InvalidPage, "an empty answer after 3 tries", 3),
        (None, InvalidPage, "null instead of a list after 3 tries", 3),
        ({"data": [], "has_more": True}, InvalidPage, "an empty page that says more pages follow after 3 tries", 3),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_page_that_stays_bad_fails_by_number_after_all_before_it_were_read(
    api, api_client, fault, kind, message, tries
):
    api.rows = rows(95)
    api.always_answer_page(7, fault)
    pages = api_client.iter_pages()

    assert [next(pages).number for _ in range(6)] == [1, 2, 3, 4, 5, 6]
    with fails(kind, rf"^GET /migrations\?page=7: {message}$"):
        next(pages)
    assert api.pages_asked.count(7) == tries


def test_a_number_of_retries_is_obeyed(api, make_client):
    api.always_answer(500)

    with fails(ServerError, r"^GET /migrations\?page=1: 500$"):
        make_client(max_retries=0).get_page(1)
    assert len(api.requests) == 1


def test_waits_grow_and_are_jittered(api, api_client, clock):
    api.always_answer(500)

    with fails(ServerError):
        api_client.get_page(1)

    for slept, longest in zip(clock.slept, [0.5, 1, 2, 4, 8], strict=True):
        assert longest / 2 <= slept <= longest


# Being told to wait


@pytest.mark.parametrize("status", [429, 503, 500])
@pytest.mark.parametrize(
    "header",
    [
        {"Retry-After": "7"},
        {"Retry-After": "Fri, 20 Nov 2026 12:00:07 GMT", "Date": "Fri, 20 Nov 2026 12:00:00 GMT"},
    ],
)
def test_retry_after_is_obeyed_in_both_forms(api, api_client, clock, status, header):
    api.rows = rows(5)
    api.will_answer(Reply(status, b"", header))

    assert api_client.get_page(1).rows == api.rows
    assert clock.slept == [7.0]
    assert api_client.stats.waited == 7.0


@pytest.mark.parametrize("header", [{}, {"Retry-After": "soon"}])
def test_without_a_readable_retry_after_the_usual_wait_is_kept(api, api_client, clock, header):
    api.rows = rows(5)
    api.will_answer(Reply(429, b"", header))

    api_client.get_page(1)

    assert 0.25 <= clock.slept[0] <= 0.5


@pytest.mark.parametrize("status", [429, 503])
def test_a_long_retry_after_is_raised_at_once_and_holds_every_request(api, api_client, clock, status):
    api.rows = rows(50)
    api.will_answer_page(3, Reply(status, b"", {"Retry-After": "3600"}))

    numbers, error = read(api_client)

    assert numbers == [1, 2]
    assert type(error) is RateLimitError
    assert str(error) == f"GET /migrations?page=3: {status}, and the API wants no requests for 3600 s"
    assert error.retry_after == 3600.0
    asked = len(api.requests)
    with fails(RateLimitError, "not sent"):
        api_client.get_migration("m-000001")
    assert len(api.requests) == asked
    assert clock.slept == []


def test_the_last_wait_asked_for_is_told_when_tries_run_out(api, api_client):
    api.always_answer(Reply(429, b"", {"Retry-After": "9"}))

    with fails(RateLimitError, r"^GET /migrations\?page=1: 429 after 6 tries$") as told:
        api_client.get_page(1)
    assert told.value.retry_after == 9.0


def test_all_tries_together_end_after_minutes(api, make_client, clock):
    api.always_answer(Reply(503, b"", {"Retry-After": "50"}))

    with fails(ServerError, "503 after 7 tries"):
        make_client(max_retries=1000).get_page(1)
    assert clock.now() <= 300


# No answer


def test_a_refused_connection_is_told_in_words(api, api_client):
    api.stop()

    with fails(APIConnectionError, r"^GET /migrations\?page=1: connection refused after 6 tries$"):
        api_client.get_page(1)


def test_an_unknown_host_is_told_in_words(make_client):
    client = make_client(base_url="http://host.invalid/api/v1", max_retries=0)

    with fails(APIConnectionError, "the host name is not known"):
        client.get_page(1)


@pytest.mark.parametrize(
    "fault", [api_server.stall, api_server.drip_headers, api_server.drip_body, api_server.drip_chunks]
)
def test_a_server_that_stalls_or_drips_does_not_hold_a_worker(api, make_client, fault):
    api.always_answer(fault)
    client = make_client(timeout=0.1, max_retries=1)

    with fails(APIConnectionError, r"no complete answer in time \(MIGRATIONS_API_TIMEOUT is 0.1 s\) after 2 tries"):
        client.get_page(1)


def test_connections_with_a_broken_answer_are_not_used_again(api, make_client):
    api.rows = rows(5)
    api.will_answer(api_server.drip_body, api_server.cut_off, Reply(429, b"", {"Retry-After": "1"}))
    client = make_client(timeout=0.1, concurrency=1)

    assert client.get_page(1).rows == api.rows
    assert client.get_page(1).rows == api.rows
    assert api.connections == 3


# Answers that are not what was asked for


@pytest.mark.parametrize("answer", NOT_A_LIST)
def test_an_answer_that_is_no_list_is_never_taken_for_an_empty_one(api, api_client, answer):
    api.always_answer(answer)

    with fails(InvalidPage, "instead of a list|no list in it") as told:
        list(api_client.iter_pages())
    assert told.value.excerpt == (answer if isinstance(answer, Reply) else Reply(200, answer)).content.decode()


def test_the_excerpt_is_cut(api, api_client):
    api.always_answer(Reply(200, b"<p>\0\xff" + b"x" * 10_000))

    with fails(InvalidPage) as told:
        api_client.get_page(1)
    assert told.value.excerpt == "<p>␀\N{REPLACEMENT CHARACTER}" + "x" * 1995


@pytest.mark.parametrize("fault", [api_server.huge, api_server.gzip_bomb, Reply(200, b"[]" + b" " * 1_100_000)])
def test_a_huge_body_is_cut_off_before_it_fills_the_memory(api, make_client, fault):
    api.always_answer(fault)
    client = make_client(max_body=1_000_000, max_retries=0)

    tracemalloc.start()
    with fails(InvalidPage, "longer than 1000000 bytes"):
        client.get_page(1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 12_000_000


@pytest.mark.parametrize(
    ("status", "advice"), [(401, "check MIGRATIONS_API_KEY"), (403, "what its organization may see")]
)
def test_a_refused_key_ends_it_at_once_and_says_what_to_do(api, api_client, status, advice):
    api.always_answer(status)

    with fails(AuthenticationError, f"{status}, .*{advice}"):
        list(api_client.iter_pages())
    assert len(api.requests) == 1


def test_a_wrong_key_is_refused_by_a_server_that_checks(api, make_client):
    with fails(AuthenticationError, "does not accept the key"):
        make_client(key="anon_wrong").get_page(1)


def test_a_key_that_is_revoked_while_the_list_is_read_ends_it_after_what_was_read(api, api_client):
    api.rows = rows(1000)
    api.before_answer = lambda request: request.page == 20 and api.always_answer(401)

    numbers, error = read(api_client)

    assert numbers == list(range(1, len(numbers) + 1))
    assert type(error) is AuthenticationError
    assert max(api.pages_asked) <= 20 + 8


@pytest.mark.parametrize("status", [400, 408, 418, 422])
def test_another_refusal_is_not_tried_again_and_quotes_the_answer_in_one_line(api, api_client, status):
    api.always_answer(Reply(status, b'{"detail":\n  "page_size is at most 50"}'))

    with fails(RequestRefused, rf'^GET /migrations\?page=1: {status} {{"detail": "page_size is at most 50"}}$'):
        api_client.get_page(1)
    assert len(api.requests) == 1


@pytest.mark.parametrize("status", [404, 410])
def test_an_unknown_migration_is_not_asked_for_again(api, api_client, status):
    api.always_answer(status)

    with fails(NotFoundError, f"^GET /migrations/m-1: {status}$"):
        api_client.get_migration("m-1")
    assert len(api.requests) == 1


@pytest.mark.parametrize("answer", [[], None, "m-1", {"detail": "?"}, [row("m-1")]])
def test_an_answer_without_the_migration_is_no_404(api, api_client, answer):
    api.always_answer(answer)

    with fails(InvalidPage, r"^GET /migrations/m-1: .* without a migration in it after 3 tries$"):
        api_client.get_migration("m-1")


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_key_follows_no_redirect_to_another_place(api, other_api, api_client, status):
    api.always_answer(redirect(f"{other_api.url}/migrations?page=1", status))

    with fails(RequestRefused, "redirected to another place.*check MIGRATIONS_API_URL"):
        api_client.get_page(1)
    assert other_api.requests == []
    assert len(api.requests) == 1


@pytest.mark.parametrize(
    "location",
    [
        "http://localhost:{port}/",
        "https://127.0.0.1:{port}/",
        "//127.0.0.1:{other}/",
        "http://127.0.0.1:{other}\\@127.0.0.1:{port}/",
        "http://127.0.0.1:{port}@127.0.0.1:{other}/",
        "http://[::1/",
        "http://127.0.0.1:port/",
        "ftp://127.0.0.1/",
        "",
    ],
)
def test_no_spelling_of_a_redirect_leads_elsewhere(api, other_api, make_client, location):
    port, other = (server.url.split(":")[2].split("/")[0] for server in (api, other_api))
    api.always_answer(redirect(location.format(port=port, other=other)))

    with fails(RequestRefused):
        make_client().get_page(1)
    assert other_api.requests == []


@pytest.mark.parametrize("location", ["/api/v1/migrations/?page=1&page_size=10", "?page=1&page_size=10&again=1"])
def test_a_redirect_within_the_api_is_followed_with_the_key(api, api_client, location):
    api.rows = rows(3)
    api.will_answer(redirect(location), redirect(f"{api.url}/migrations?page=1&page_size=10"))

    assert api_client.get_page(1).rows == api.rows
    assert {request.headers["Authorization"] for request in api.requests} == {f"Bearer {KEY}"}
    assert api_client.stats.requests == len(api.requests) == 3


def test_redirects_in_a_circle_end(api, api_client):
    api.always_answer(redirect("/api/v1/migrations?page=1"))

    with fails(RequestRefused, "more than 3 redirects"):
        api_client.get_page(1)
    assert len(api.requests) == 4


# The key


@pytest.mark.parametrize("status", [200, 400, 401, 404, 429, 500])
def test_a_server_that_echoes_the_key_does_not_bring_it_into_an_error(api, make_client, caplog, status):
    caplog.set_level(logging.DEBUG)
    api.always_answer(echo_key(status))

    with fails(APIError if status == 0 else _kind(status)) as told:
        make_client(max_retries=1).get_page(1)
    assert KEY not in caplog.text
    if status == 200:
        assert "Authorization: Bearer (key)" in told.value.excerpt


def _kind(status):
    return {
        200: InvalidPage,
        400: RequestRefused,
        401: AuthenticationError,
        404: NotFoundError,
        429: RateLimitError,
        500: ServerError,
    }[status]


def test_the_key_is_sent_to_no_server_with_an_unknown_certificate(api, make_client, tmp_path, monkeypatch):
    certificate = _serve_over_tls(api, tmp_path)
    address = api.url.replace("http://", "https://")
    api.rows = rows(3)

    with fails(APIConnectionError, "the certificate is not accepted: self-signed certificate"):
        make_client(base_url=address, max_retries=0).get_page(1)
    assert api.requests == []

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert make_client(base_url=address).get_page(1).rows == api.rows

    api.always_answer(api_server.drip_body)
    with fails(APIConnectionError, "no complete answer in time"):
        make_client(base_url=address, timeout=0.2, max_retries=0).get_page(1)


def _serve_over_tls(api, folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    with_key = folder / "server-with-key.pem"
    with_key.write_bytes(
        path.read_bytes()
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(with_key)
    api.serve_over(context)
    return path
