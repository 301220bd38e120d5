import re
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from dashboard.api import tokens
from dashboard.models import ApiToken, AuditEntry
from tests.people import browser, person

pytestmark = pytest.mark.django_db

PAGE = "/account/tokens/"
API = "/api/migrations/"


def make(client, **changes):
    return client.post(PAGE, {"name": "ticket system", "scopes": ["migrations"], "days": 30} | changes)


def text_on(page) -> str:
    return re.search(r"mdt_[\w-]{43}", page.content.decode())[0]


def opens(client, text) -> bool:
    return client.get(API, headers={"Authorization": f"Bearer {text}"}).status_code == 200


def test_a_token_is_shown_once_and_kept_only_as_a_hash(client):
    ann = browser("viewer")
    page = make(ann)
    text = text_on(page)

    assert opens(client, text)
    assert "no-store" in page["Cache-Control"]
    assert text not in ann.get(PAGE).content.decode()
    assert text[:10] in ann.get(PAGE).content.decode()
    stored = ApiToken.objects.values().get()
    assert not [value for value in stored.values() if value and text[10:] in str(value)]


def test_a_revoked_token_opens_nothing(client):
    ann = browser("viewer")
    text = text_on(make(ann))

    ann.post(f"{PAGE}{ApiToken.objects.get().pk}/revoke/")

    assert not opens(client, text)
    assert list(AuditEntry.objects.filter(act__startswith="token").order_by("id").values_list("act", "who")) == [
        ("token.made", "a-viewer"),
        ("token.revoked", "a-viewer"),
    ]
    assert text[10:] not in str(list(AuditEntry.objects.values()))


def test_a_token_runs_out(client, time_machine):
    time_machine.move_to(timezone.now())
    text = text_on(make(browser("viewer")))

    time_machine.shift(timedelta(days=31))

    assert not opens(client, text)


def test_a_token_ends_with_its_account(client):
    ann = person("viewer")
    _, text = tokens.make(ann, name="n", scopes=["migrations"], days=30)
    ann.is_active = False
    ann.save()

    assert not opens(client, text)


def test_only_admins_revoke_what_is_not_theirs(client):
    token, text = tokens.make(person("operator"), name="n", scopes=["migrations"], days=30)

    assert browser("triager").post(f"{PAGE}{token.pk}/revoke/").status_code == 404
    assert opens(client, text)
    admin = browser("admin")
    assert "a-operator" in admin.get(PAGE).content.decode()
    admin.post(f"{PAGE}{token.pk}/revoke/")
    assert not opens(client, text)


@pytest.mark.parametrize(
    "changes",
    [{"name": ""}, {"name": "x" * 101}, {"name": "\x00"}, {"scopes": []}, {"scopes": ["all"]}, {"days": 9999}],
)
def test_a_form_with_a_mistake_makes_nothing(changes):
    page = make(browser("viewer"), **changes)

    assert page.status_code == 400
    assert 'class="error"' in page.content.decode()
    assert not ApiToken.objects.exists()


def test_one_person_holds_no_more_than_so_many():
    ann = browser("viewer")
    for number in range(20):
        tokens.make(person("viewer"), name=str(number), scopes=["migrations"], days=30)

    assert "revoke one first" in make(ann).content.decode()
    assert ApiToken.objects.count() == 20


def test_use_is_noted_but_not_at_every_request(client, django_assert_num_queries):
    _, text = tokens.make(person("viewer"), name="n", scopes=["migrations"], days=30)
    assert opens(client, text)
    first = ApiToken.objects.get().used_at
    assert first

    assert opens(client, text)
    assert ApiToken.objects.get().used_at == first


@pytest.mark.parametrize(
    "cut", [lambda t: t[:-1], lambda t: t + "x", lambda t: t.upper(), lambda t: t[4:], lambda t: "mdt_"]
)
def test_a_token_that_was_cut_or_changed_opens_nothing(client, cut):
    _, text = tokens.make(person("viewer"), name="n", scopes=["migrations"], days=30)

    assert not opens(client, cut(text))


def test_a_token_is_made_listed_and_revoked_by_command(client, capsys):
    person("viewer", "ann")
    call_command("api_token", "make", "ann", "--name", "nightly", "--days", "7", "--scope", "migrations")
    text = capsys.readouterr().out.strip()
    assert opens(client, text)

    call_command("api_token", "list")
    assert f"{text[:10]}…  ann  migrations" in capsys.readouterr().out
    call_command("api_token", "revoke", text[:10])
    assert not opens(client, text)
    with pytest.raises(CommandError, match="0 tokens"):
        call_command("api_token", "revoke", text[:10])


def test_a_command_says_when_there_is_no_such_account():
    with pytest.raises(CommandError, match="There is no account called 'nobody'"):
        call_command("api_token", "make", "nobody")
    with pytest.raises(CommandError, match="There is no account called 'nobody'"):
        call_command("set_role", "nobody", "admin")


def test_the_first_admin_is_made_by_command(capsys):
    ann = person("viewer", "ann")
    call_command("set_role", "ann", "admin")

    ann.refresh_from_db()
    assert ann.is_staff
    assert AuditEntry.objects.get(act="role.changed").detail == "admin, by command"
