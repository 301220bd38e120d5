"""What nobody means well by, on every page: none of it ends in a server error, a leak, or an act."""

import re

import pytest
from django.db import connection
from django.test import Client

from migrations_sync.models import Migration
from tests import factories, pages
from tests.people import browser, person

pytestmark = [pytest.mark.django_db]
ONCE = pytest.mark.once  # a database makes no difference

SCRIPT = "<script>alert(1)</script>"
# Every name that a query or a form of the product knows, and some it does not.
NAMES = (
    "q", "company", "user", "status", "created_after", "created_before", "changed_after", "longer", "attention",
    "unknown", "gone", "sort", "per_page", "after", "before", "at", "ref", "since", "until", "who", "act", "id",
    "ids", "migration", "request", "next", "page", "text", "state", "code", "error", "run", "day", "kind", "_export",
    "view",
)  # fmt: skip
# Of these, what may reach the database as text.
TEXTS = (
    "q",
    "company",
    "user",
    "status",
    "after",
    "before",
    "at",
    "ref",
    "who",
    "migration",
    "request",
    "page",
    "run",
)
HOSTILE = {
    "NUL": "%00",
    "10,000 characters": "x" * 10_000,
    "markup": "%3Cscript%3Ealert(1)%3C/script%3E%22'%26",
    "not UTF-8": "%ff%fe%80",
    "a huge number": "9" * 400,
    "other digits": "%C2%B2%D9%A3-1",
    "a line break": "a%0d%0aSet-Cookie:%20x=1",
}
# Signing out comes last: it would make a stranger of whoever walks.
PAGES = sorted(pages.every(), key=lambda page: page.name == "logout")


@pytest.fixture(autouse=True)
def something_to_see():
    factories.migration(pages.MIGRATION)


@pytest.fixture
def admin():
    """Somebody who gets everywhere, so that every page is reached."""
    return browser("admin")


def holds(answer) -> None:
    """What is true of every answer, whatever was asked."""
    asked = " ".join(answer.request[part][:200] for part in ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING"))
    assert answer.status_code < 500 or answer.status_code == 503, asked
    if "json" not in answer["Content-Type"]:
        assert SCRIPT not in b"".join(answer).decode(errors="replace"), asked
    assert "x" not in answer.cookies, asked
    if "Location" in answer:
        assert re.match(r"/(?![/\\])|\?", answer["Location"]), asked


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_query_breaks_a_page(admin, kind):
    query = "&".join(f"{name}={HOSTILE[kind]}" for name in NAMES)
    for page in PAGES:
        holds(admin.get(f"{page.address}?{query}"))


def test_no_single_nul_breaks_a_page(admin):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite takes a NUL as any other character; the pass on PostgreSQL tries this")
    for page in PAGES:
        if admin.get(page.address).status_code == 200:
            for name in TEXTS:
                holds(admin.get(f"{page.address}?{name}=a%00b"))


@pytest.mark.parametrize("value", [*HOSTILE.values(), "..%2f..%2fetc%2fpasswd", "%2f%2fevil.example", "9" * 20])
def test_no_address_breaks_a_page(admin, value):
    for page in PAGES:
        if page.variable:
            for sample in {pages.MIGRATION, *pages.SAMPLES.values()}:
                if f"/{sample}" in page.address:
                    holds(admin.get(page.address.replace(f"/{sample}", f"/{value}", 1)))


@ONCE
@pytest.mark.parametrize("value", ["\0", "x" * 10_000, SCRIPT, "9" * 400, "", "//evil.example"])
def test_no_form_breaks_a_page(admin, value):
    for page in PAGES:
        if admin.post(page.address).status_code != 405:
            shown = b"".join(admin.get(page.address)).decode(errors="replace")
            fields = set(re.findall(r'\sname="([^"]+)"', shown)) | {"migration", "next"}
            holds(admin.post(page.address, dict.fromkeys(fields - {"csrfmiddlewaretoken"}, value)))


@ONCE
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{", "application/json"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"--x\r\n", "multipart/form-data"),
        (b"--x\r\nContent-Disposition: form-data; name=", "multipart/form-data; boundary=x"),
        (b"a=1&" * 2000, "application/x-www-form-urlencoded"),
        (b"x", "text/plain; charset=no-such-charset"),
    ],
)
def test_no_body_breaks_a_page(admin, body, kind):
    for page in PAGES:
        holds(admin.generic("POST", page.address, body, content_type=kind))


@ONCE
@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "DELETE", "TRACE", "PROPFIND"])
def test_no_method_breaks_a_page(admin, method):
    for page in PAGES:
        holds(admin.generic(method, page.address))


@ONCE
@pytest.mark.parametrize("cookie", ["sessionid", "csrftoken", "messages", "preferences"])
def test_no_cookie_breaks_a_page(cookie):
    for value in ('"\\000\\377"', "x" * 4000, SCRIPT, "W10:1:x", "%00", "é" * 40, "theme=%00&zone=../etc&per_page=²"):
        for address in ("/accounts/login/", "/preferences/", "/migrations/"):
            holds(Client().get(address, headers={"cookie": f"{cookie}={value}"}))


@ONCE
def test_nothing_is_taken_from_a_form_of_another_site():
    client = Client(enforce_csrf_checks=True)
    client.force_login(person("admin"), "dashboard.backends.Password")
    for page in PAGES:
        if page.name != "webhook-intake":  # signed instead
            answer = client.post(page.address, headers={"Origin": "https://evil.example"})
            assert answer.status_code in (403, 405), page.name


@ONCE
def test_every_answer_forbids_frames_scripts_and_guessing(admin):
    for page in PAGES:
        answer = admin.get(page.address)
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy, page.name
        assert "unsafe" not in policy, page.name
        assert answer["X-Frame-Options"] == "DENY", page.name
        assert answer["X-Content-Type-Options"] == "nosniff", page.name
        assert answer["Referrer-Policy"] == "same-origin", page.name


@ONCE
@pytest.mark.parametrize(
    "host", ["evil.example", "testserver@evil.example", "testserver.evil.example", "testserver\0"]
)
def test_another_host_s_name_is_refused(host):
    for page in PAGES:
        answer = Client().get(page.address, headers={"host": host})
        holds(answer)
        assert answer.status_code == 400 or page.name in ("healthz", "readyz"), page.name


@ONCE
def test_a_host_that_was_forwarded_is_not_believed():
    for page in PAGES:
        answer = Client().get(page.address, headers={"x-forwarded-host": "evil.example"})
        assert "evil.example" not in answer.content.decode(errors="replace") + str(answer.headers), page.name


@ONCE
def test_markup_in_the_api_s_fields_is_shown_as_text(admin):
    factories.migration(
        SCRIPT, status="X" + SCRIPT, company_id=SCRIPT, created_by_user_id=SCRIPT, payload=f'{{"a": "{SCRIPT}"}}'
    )
    for page in PAGES:
        holds(admin.get(page.address))
        holds(admin.get(page.address.replace(pages.MIGRATION, "%3Cscript%3Ealert(1)%3C%2Fscript%3E")))


@ONCE
@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_quote_in_the_api_s_fields_ends_no_attribute(admin, quote):
    evil = f"{quote} onfocus={quote}x"
    Migration.objects.update(status="FAILED", company_id=evil, created_by_user_id=evil)
    factories.migration(evil, status=evil, company_id=evil)
    for page in PAGES:
        answer = admin.get(page.address)
        if answer.get("Content-Type", "").startswith("text/html"):
            assert f"{quote} onfocus=" not in answer.text
