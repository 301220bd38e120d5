import re

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.test import RequestFactory

from dashboard import audit
from dashboard.models import AuditEntry
from migrations_sync.models import Source
from tests import factories
from tests.people import browser, person
from tests.reading import link

pytestmark = pytest.mark.django_db


def a_request(**meta):
    request = RequestFactory().get("/", **meta)
    request.user = User.objects.create_user("ann")
    request.request_id = "req-12345678"
    return request


def test_an_entry_says_who_did_what_from_where_in_which_request():
    request = a_request(REMOTE_ADDR="192.0.2.7")

    audit.record(request, "check", migration="m-1", detail="by hand")

    entry = AuditEntry.objects.get()
    assert (entry.who, entry.user_id) == ("ann", request.user.pk)
    assert (entry.act, entry.migration, entry.detail) == ("check", "m-1", "by hand")
    assert (entry.address, entry.request_id) == ("192.0.2.7", "req-12345678")


def test_an_entry_outlives_the_account():
    request = a_request()
    audit.record(request, "login")

    request.user.delete()

    assert AuditEntry.objects.get().who == "ann"


def test_entries_are_only_ever_added():
    entry = audit.record(a_request(), "login")

    with pytest.raises(TypeError):
        entry.delete()
    with pytest.raises(TypeError):
        entry.save()
    with pytest.raises(TypeError):
        AuditEntry.objects.all().delete()
    with pytest.raises(TypeError):
        AuditEntry.objects.update(who="bob")


def test_postgresql_itself_refuses_to_change_an_entry():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one user, who may do anything to the file")
    audit.record(a_request(), "login")

    for statement in ("UPDATE dashboard_auditentry SET who = 'bob'", "DELETE FROM dashboard_auditentry"):
        with pytest.raises(DatabaseError, match="only ever added"), transaction.atomic(), connection.cursor() as c:
            c.execute(statement)


def test_an_act_on_a_migration_makes_its_page_new():
    migration, request = factories.migration(), a_request()
    before = Source.default().version

    audit.record(request, "check", migration=migration.api_id)

    assert Source.default().version == before + 1
    assert [e.act for e in AuditEntry.objects.for_migration(migration.api_id)] == ["check"]


PAGE = "/audit/"


def shown(page) -> list[str]:
    """The act and whom it was done by, of each entry on ``page``."""
    rows = re.findall(r'</th><td class="nowrap">(.*?)</td><td>(.*?)</td>', page.content.decode())
    return [" ".join(row) for row in rows]


@pytest.fixture
def entries():
    for who, act, migration in (("ann", "export", ""), ("bob", "check", "m-1"), ("ann", "check", "m-2")):
        AuditEntry.objects.create(who=who, act=act, migration=migration, request_id=f"req-{who}-{migration}")


def test_operators_read_who_did_what(entries):
    page = browser("operator").get(PAGE)

    assert shown(page)[1:] == [  # after the operator's own sign-in
        "ann " + audit.ACTS["check"],
        "bob " + audit.ACTS["check"],
        "ann " + audit.ACTS["export"],
    ]
    assert 'href="/migrations/m-2/"' in page.content.decode()


@pytest.mark.parametrize("role", ["viewer", "triager"])
def test_others_do_not(role):
    refused = browser(role).get(PAGE)

    assert refused.status_code == 403
    assert "you need the role “operator”" in refused.content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("who=bob", ["bob check"]), ("act=export", ["ann export"]), ("migration=m-2", ["ann check"]),
        ("request=req-bob-m-1", ["bob check"]), ("who=ann&act=check", ["ann check"]), ("until=now-1h", []),
        ("who=nobody", []),
    ],
)  # fmt: skip
def test_entries_are_narrowed(entries, query, found):
    page = browser("operator").get(f"{PAGE}?{query}")

    assert shown(page) == [f"{who} {audit.ACTS[act]}" for who, act in (one.split() for one in found)]


@pytest.mark.parametrize(
    "query",
    ["act=x", "since=soon", "who=%00", "migration=" + "x" * 10_000, "before=x", "before=99999999999999999999"],
)
def test_a_value_that_can_t_be_used_lists_nothing(entries, query):
    page = browser("operator").get(f"{PAGE}?{query}")

    assert page.status_code == 200
    assert shown(page) == []
    assert "could not be used" in page.content.decode()


def test_older_entries_follow_without_a_gap():
    AuditEntry.objects.bulk_create(AuditEntry(who=f"p-{n}", act="export") for n in range(205))
    operator = browser("operator")

    seen, address = [], f"{PAGE}?act=export"
    while address:
        page = operator.get(address)
        seen += [entry.split()[0] for entry in shown(page)]
        address = link(page, "Next") if 'rel="next"' in page.text else ""

    assert seen == [f"p-{n}" for n in reversed(range(205))]


def test_what_an_admin_changes_on_the_administration_pages_is_written_down():
    admin = browser("admin")
    bob = person("viewer", "bob")

    admin.post(f"/admin/auth/user/{bob.pk}/delete/", {"post": "yes"}, REMOTE_ADDR="192.0.2.7")

    entry = AuditEntry.objects.get(act="admin.delete")
    assert (entry.who, entry.target, entry.address) == ("a-admin", "user bob", "192.0.2.7")
    assert entry.request_id


def test_an_act_is_written_down_whatever_was_sent():
    entry = audit.record(a_request(), "check", migration="a\0b" + "x" * 999, detail="\0" * 10_000)

    entry.refresh_from_db()
    assert len(entry.migration) == 255
    assert "\0" not in entry.migration + entry.detail
