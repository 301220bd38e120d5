"""What the doctor says of a mirror in several states."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from migrations_sync import doctor
from migrations_sync.models import Lease, QuarantinedRow, Source
from migrations_sync.sync.passes import Intervals, run_pass
from tests.list_api import ListApi, row, rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> ListApi:
    api = ListApi(rows(3))
    monkeypatch.setattr(doctor, "client_from_settings", api)
    return api


def findings() -> dict[str, tuple[str, str]]:
    return {f.what.split(":")[0]: (f.level, f.what) for f in doctor.examine()}


def sweep(api: ListApi) -> None:
    run_pass(api, mode="full", intervals=Intervals(60, 3600), trigger="command")


def test_a_healthy_mirror_has_nothing_wrong(api: ListApi, capsys: Any):
    sweep(api)

    with pytest.raises(SystemExit) as ended:
        call_command("doctor")

    assert ended.value.code == 0
    assert "mirror: fresh" in capsys.readouterr().out or findings()["lease"] == ("ok", "lease: free")


def test_a_mirror_that_was_never_read_is_wrong(api: ListApi, capsys: Any):
    with pytest.raises(SystemExit) as ended:
        call_command("doctor")

    assert ended.value.code == 1
    out = capsys.readouterr().out
    assert "never" in out
    assert "beat" in out


def test_a_missing_key_is_named(settings: Any):
    settings.MIGRATIONS_API_KEY = ""

    assert findings()["API"][0] == "wrong"
    assert "MIGRATIONS_API_KEY" in findings()["API"][1]


def test_what_a_person_should_look_at_is_listed(api: ListApi):
    api.rows.append(row("x", created="yesterday"))
    sweep(api)
    Lease.objects.update(owner="dead:1", expires_at=timezone.now() - timedelta(minutes=5))

    found = findings()

    assert QuarantinedRow.objects.count() == 1
    assert found["quarantine"][0] == "look"
    assert "dead:1 died" in found["lease"][1]


def test_an_old_mirror_is_wrong(api: ListApi):
    sweep(api)
    Source.objects.update(succeeded_at=timezone.now() - timedelta(hours=1))

    stale = [f for f in doctor.examine() if f.what.startswith("mirror: stale")]
    assert [f.level for f in stale] == ["wrong"]
