import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.test import RequestFactory

from dashboard import audit
from dashboard.models import AuditEntry
from migrations_sync.models import Source
from tests import factories

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
    migration, before = factories.migration(), Source.default().version

    audit.record(a_request(), "check", migration=migration.api_id)

    assert Source.default().version == before + 1
    assert [e.act for e in AuditEntry.objects.for_migration(migration.api_id)] == ["check"]
