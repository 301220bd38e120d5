"""Back up, wipe, restore: the same answers. In each form, on whichever database the tests run."""

import gzip
import json
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import RequestFactory

from dashboard import audit
from dashboard.backup import native, portable
from dashboard.models import AlertChannel, AlertRule, AuditEntry
from migrations_sync.models import Lease, Migration, QuarantinedRow, Source, SyncRun
from tests import factories
from tests.factories import T0

pytestmark = pytest.mark.django_db


def fill() -> None:
    """A little of everything, with what is easily lost: microseconds, odd text, links between rows."""
    source = Source.default()
    run = SyncRun.objects.create(source=source, mode="full", started_at=T0, plan={"why": ["first", None, 1.5]})
    odd = factories.migration("a/ü\u202e'\"\\ 🙂", status="FAILED", company_id=None, payload='{"x": "\\u0000"}')
    Migration.objects.filter(pk=odd.pk).update(checked_at=T0 + timedelta(microseconds=123456))
    factories.change(odd, "FAILED", old="WORKING", at=T0, not_before=T0 - timedelta(microseconds=1), run=run)
    QuarantinedRow.objects.create(
        source=source, digest="d", raw="{}", reason="no id", first_seen_at=T0, last_seen_at=T0, run=run
    )
    Lease.objects.create(source=source, owner="a dead process", run=run, expires_at=T0 + timedelta(days=9))
    User.objects.create_user("ann", password="correct horse")
    audit.record(None, "login", who="ann")
    rule = AlertRule.objects.create(name="r", kind="status", statuses=["FAILED"])
    rule.channels.add(AlertChannel.objects.create(name="c", kind="email", address="a@example.com"))
    Session.objects.create(session_key="k" * 32, session_data="x", expire_date=T0)
    settled()


def settled() -> None:
    """PostgreSQL empties no table while checks of its rows are due at the end of the test's own transaction."""
    connection.check_constraints()


def everything() -> dict[str, list[Any]]:
    """Each row of each table, but for what a restore changes on purpose."""
    found = {
        model._meta.label: list(model._base_manager.order_by("pk").values_list()) for model in portable._models()
    }
    found["migrations_sync.Source"] = list(Source.objects.values_list("id", "name", "baseline_at"))
    del found["migrations_sync.Lease"]
    return found


def wipe() -> None:
    portable._empty()
    assert not Migration.objects.exists()
    assert not AuditEntry.objects.exists()


def _back_up_beside_a_writer(file: Path, options: list[str]) -> None:
    """Somebody is in the middle of writing: that must neither be in the backup nor hold it up."""
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            if connection.vendor == "postgresql" or not options:
                cursor.execute("UPDATE migrations_sync_migration SET company_id = 'half written'")
            call_command("backup", file, *options)
    finally:
        other.rollback()
        other.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("options", [[], ["--portable"]], ids=["native", "portable"])
def test_back_up_wipe_restore_and_all_is_as_it_was(tmp_path, client, options):
    fill()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:  # leaves unused pages at the end of the file
            cursor.execute("CREATE TABLE scratch AS SELECT zeroblob(100000) AS hole")
            cursor.execute("DROP TABLE scratch")
    before, version = everything(), Source.default().version
    file = tmp_path / "backup"
    _back_up_beside_a_writer(file, options)
    wipe()
    call_command("restore", file)

    assert everything() == before
    assert not Session.objects.exists(), "whoever found the file must not be signed in by it"
    assert Lease.objects.get().owner == "", "no process from before the backup holds anything"
    assert Source.default().version > version + 1000, "browsers must not mistake it for what they saw since"
    assert client.login(request=RequestFactory().post("/"), username="ann", password="correct horse")
    later = factories.migration()
    assert later.pk > max(row[0] for row in before["migrations_sync.Migration"]), "numbers go on where they were"

    file.write_bytes(file.read_bytes()[:-2000])
    before = everything()
    with pytest.raises(CommandError):
        call_command("restore", file, "--replace")
    assert everything() == before, "a damaged file changes nothing"


def test_a_backup_is_for_its_owner_alone_and_never_half_there(tmp_path, monkeypatch):
    file = tmp_path / "backup"
    call_command("backup", file, "--portable")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    whole = file.read_bytes()

    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(portable, "dump", fail)
    with pytest.raises(CommandError, match="No space left"):
        call_command("backup", file, "--portable")
    assert file.read_bytes() == whole
    assert list(tmp_path.iterdir()) == [file]


def test_data_that_is_there_is_not_overwritten_unless_asked(tmp_path):
    fill()
    file = tmp_path / "backup"
    call_command("backup", file, "--portable")
    added = factories.migration("made after the backup")
    with pytest.raises(CommandError, match="--replace"):
        call_command("restore", file)
    assert Migration.objects.filter(pk=added.pk).exists()
    settled()

    call_command("restore", file, "--replace")
    assert not Migration.objects.filter(pk=added.pk).exists()


def _rewritten(file: Path, change) -> Path:
    lines = gzip.decompress(file.read_bytes()).decode().splitlines()
    file.write_bytes(gzip.compress("\n".join(change(lines)).encode()))
    return file


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda lines: lines[:-2] + lines[-1:], "cut off"),
        (lambda lines: [json.dumps({"format": 99}), *lines[1:]], "no backup of this product"),
        (
            lambda lines: [json.dumps({"format": 1, "schema": ["dashboard.0001_older"]}), *lines[1:]],
            "another version",
        ),
        (lambda lines: [], "no backup of this product"),
    ],
)
def test_a_portable_backup_that_is_not_whole_changes_nothing(tmp_path, change, says):
    fill()
    file = tmp_path / "backup"
    call_command("backup", file, "--portable")
    before = everything()
    with pytest.raises(CommandError, match=says):
        call_command("restore", _rewritten(file, change), "--replace")
    assert everything() == before


@pytest.mark.parametrize("content", [b"", b"something else", b"\x1f\x8bnot really"])
def test_a_file_that_is_no_backup_is_refused(tmp_path, content):
    fill()
    before = everything()
    file = tmp_path / "backup"
    file.write_bytes(content)
    with pytest.raises(CommandError):
        call_command("restore", file, "--replace")
    assert everything() == before


def test_no_password_stands_among_the_arguments_of_a_tool(monkeypatch, tmp_path):
    seen = {}

    def run(arguments, *, env, **_):
        seen.update(arguments=" ".join(map(str, arguments)), env=env)
        raise OSError("enough")

    monkeypatch.setattr(native.subprocess, "run", run)
    monkeypatch.setattr(native.shutil, "which", lambda tool: f"/usr/bin/{tool}")
    monkeypatch.setattr(
        connection, "get_connection_params", lambda: {"dbname": "d", "password": "hunter2"}, raising=False
    )
    with pytest.raises(OSError, match="enough"):
        native._run("pg_dump", "--format=custom")
    assert "hunter2" not in seen["arguments"]
    assert (seen["env"]["PGPASSWORD"], seen["env"]["PGDATABASE"]) == ("hunter2", "d")
