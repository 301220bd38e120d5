import re
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.core.management import CommandError, call_command
from django.core.signing import Signer
from django.template.loader import render_to_string
from django.utils import timezone

from dashboard import badges
from dashboard.models import AuditEntry, Badge
from migrations_sync.models import Migration, Source
from tests import factories
from tests.people import browser, person

pytestmark = pytest.mark.django_db

NOW = timezone.now().replace(microsecond=0)


@pytest.fixture(autouse=True)
def fresh_mirror(time_machine):
    time_machine.move_to(NOW, tick=False)
    Source.default()
    Source.objects.update(succeeded_at=NOW, attempted_at=NOW, swept_at=NOW, open_checked_at=NOW)


@pytest.fixture
def migration() -> Migration:
    return factories.migration(
        "8f3a21c0-0000-4000-8000-000000000001",
        status="FAILED",
        company_id="Northwind",
        created_by_user_id="ann@example.org",
    )


@pytest.fixture
def address(migration) -> str:
    return f"/badge/{badges.token(make(migration))}"


def make(migration) -> Badge:
    return Badge.objects.create(migration=migration, made_at=NOW, expires_at=NOW + timedelta(days=30))


def seen(answer) -> str:
    """The words of the picture, which has to be well-formed."""
    return " | ".join(t.text for t in ElementTree.fromstring(answer.content).iter("{http://www.w3.org/2000/svg}text"))  # noqa: S314


def test_a_badge_shows_the_status_and_as_of_when_without_a_login(client, address):
    picture = client.get(address + ".svg")

    assert picture["Content-Type"] == "image/svg+xml"
    assert seen(picture) == f"8f3a21c0 | Failed | as of {NOW:%Y-%m-%d %H:%M} UTC"
    assert badges.COLOURS["failed"] in picture.content.decode()
    assert client.get(address + ".json").json() == {
        "migration": "8f3a21c0",
        "status": "FAILED",
        "label": "Failed",
        "as_of": f"{NOW:%Y-%m-%dT%H:%M:%SZ}",
        "trusted": True,
        "expires_at": f"{NOW + timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}",
    }


def test_a_badge_names_neither_company_nor_user(client, address):
    for kind in (".svg", ".json"):
        shown = client.get(address + kind).content.decode()
        assert "Northwind" not in shown
        assert "ann@" not in shown


def test_a_badge_is_kept_no_longer_than_a_minute_and_sets_no_cookie(client, address):
    picture = client.get(address + ".svg")

    assert picture["Cache-Control"] == "public, max-age=60"
    assert not picture.cookies
    assert client.get(address + ".svg", headers={"If-None-Match": picture["ETag"]}).status_code == 304


@pytest.mark.parametrize(
    "mirror", [{"succeeded_at": NOW - timedelta(hours=1)}, {"failures": 3}, {"succeeded_at": None}]
)
def test_a_badge_is_grey_while_the_mirror_can_t_be_trusted(client, address, mirror):
    Source.objects.update(**mirror)

    picture = client.get(address + ".svg")

    assert "last seen Failed" in seen(picture)
    assert badges.COLOURS["failed"] not in picture.content.decode()
    assert client.get(address + ".json").json()["trusted"] is False


@pytest.mark.parametrize("changes", [{"status": "REVERTED<b>\x07"}, {"gone_at": NOW}])
def test_a_badge_of_what_nobody_knows_is_grey(client, address, migration, changes):
    Migration.objects.update(**changes)

    colours = set(re.findall(r'fill="(#\w{6})"', client.get(address + ".svg").content.decode()))

    assert colours == {badges.GREY, badges.DARK}
    assert ("REVERTED<b>" if "status" in changes else "gone") in seen(client.get(address + ".svg"))


def test_a_badge_ends(client, address, time_machine):
    time_machine.shift(timedelta(days=31))

    for kind in (".svg", ".json"):
        assert client.get(address + kind).status_code == 410
    assert seen(client.get(address + ".svg")) == "badge expired"


def test_a_revoked_badge_shows_nothing(client, address):
    browser("triager").post(f"/badges/{Badge.objects.get().pk}/revoke/")

    assert client.get(address + ".svg").status_code == 410
    assert seen(client.get(address + ".svg")) == "badge revoked"
    assert "FAILED" not in client.get(address + ".json").content.decode()
    assert AuditEntry.objects.get(act="badge.revoked").migration.startswith("8f3a21c0")


@pytest.mark.parametrize(
    "forge",
    [
        lambda t: t[:-1], lambda t: t + "A", lambda t: "2" + t[1:], lambda t: t.partition(".")[0],
        lambda t: ".", lambda t: "1.", lambda t: "%00", lambda t: "²" + t[1:], lambda t: "9" * 400 + t,
        lambda t: t.replace(".", ":"),
    ],
)  # fmt: skip
def test_a_forged_badge_is_no_badge(client, address, forge):
    token = address.removeprefix("/badge/")

    for kind in (".svg", ".json"):
        assert client.get(f"/badge/{forge(token)}{kind}").status_code == 404


def test_a_badge_that_was_signed_elsewhere_is_no_badge(client, address):
    foreign = Signer(sep=".", salt="dashboard.badge", key="another" * 10).sign(address[7:].partition(".")[0])

    assert client.get(f"/badge/{foreign}.svg").status_code == 404


def test_a_triager_makes_a_badge_on_the_migration_s_page(client, migration):
    triager = browser("triager")

    landed = triager.post("/badges/", {"migration": migration.api_id, "days": 7})

    assert landed["Location"] == f"/migrations/{migration.api_id}/#badges"
    badge = Badge.objects.get()
    assert (badge.made_by.username, badge.expires_at - badge.made_at) == ("a-triager", timedelta(days=7))
    assert client.get(f"/badge/{badges.token(badge)}.svg").status_code == 200
    assert badges.token(badge) in triager.get("/badges/").content.decode()
    assert AuditEntry.objects.get(act="badge.made").migration == migration.api_id


@pytest.mark.parametrize(
    "sent", [{}, {"migration": "nobody", "days": 7}, {"days": 7}, {"migration": "\x00", "days": 7}]
)
def test_a_badge_of_nothing_is_refused(sent):
    assert browser("triager").post("/badges/", sent).status_code in (400, 404)
    assert not Badge.objects.exists()


def test_the_panel_of_a_migration_shows_its_badges_and_forms_to_those_who_may(rf, migration):
    request = rf.get("/")
    request.user = person("triager")
    badge = make(migration)

    shown = render_to_string("dashboard/_badges.html", badges.panel(request, migration, may=True), request)
    assert badges.token(badge) in shown
    assert "Make a badge" in shown
    read_only = render_to_string("dashboard/_badges.html", badges.panel(request, migration, may=False), request)
    assert "<form" not in read_only


def test_badges_are_listed_and_revoked_by_command(capsys, client, address):
    call_command("badge", "list")
    number = capsys.readouterr().out.split()[0]

    call_command("badge", "revoke", number)

    assert client.get(address + ".svg").status_code == 410
    with pytest.raises(CommandError, match="no badge"):
        call_command("badge", "revoke", number)
