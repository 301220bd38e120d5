from datetime import timedelta
from urllib.parse import quote

import pytest
from django.utils import timezone

from dashboard.api import tokens
from migrations_sync.models import Source, StatusCount
from tests import factories
from tests.api_server import KEY, row
from tests.factories import T0
from tests.people import browser, person

pytestmark = pytest.mark.django_db

LIST = "/api/migrations/"


@pytest.fixture
def ask(client):
    """Ask as a script does, with a token that may read everything."""
    _, text = tokens.make(person("viewer"), name="script", scopes=["migrations", "users"], days=30)

    def get(address=LIST, *, token=text, **more):
        return client.get(address, headers={"Authorization": f"Bearer {token}"} | more.pop("headers", {}), **more)

    return get


def known(**counts) -> None:
    for status, n in counts.items():
        StatusCount.objects.create(source=Source.default(), status=status, n=n)


def ids(answer) -> list[str]:
    return [one["id"] for one in answer.json()["migrations"]]


def test_every_answer_says_as_of_when_it_is_true(ask):
    factories.migration("m-1")
    Source.objects.update(succeeded_at=T0, attempted_at=T0 + timedelta(minutes=1), swept_at=T0)

    for address in (LIST, f"{LIST}m-1/"):
        told = ask(address).json()
        assert told["as_of"] == "2026-11-20T12:00:00Z"
        assert (told["freshness"]["level"], told["freshness"]["trusted"]) == ("stale", False)


def test_a_migration_is_told_with_its_history_as_intervals(ask):
    one = factories.migration(
        "m-1", status="FAILED", company_id=None, created=T0, status_changed_at=T0 + timedelta(minutes=9),
        status_not_before=T0 + timedelta(minutes=8),
    )  # fmt: skip
    factories.change(one, "FAILED", old="WORKING", at=T0 + timedelta(minutes=9), not_before=T0 + timedelta(minutes=8))

    told = ask(f"{LIST}m-1/").json()

    assert told["migration"] | {"checked_at": None} == {
        "id": "m-1",
        "url": "http://testserver/migrations/m-1/",
        "status": "FAILED",
        "label": "Failed",
        "open": False,
        "needs_attention": True,
        "company_id": None,
        "created": "2026-11-20T12:00:00Z",
        "first_seen_at": "2026-11-20T12:00:00Z",
        "in_status_since": {"not_before": "2026-11-20T12:08:00Z", "observed_at": "2026-11-20T12:09:00Z"},
        "changed_at": "2026-11-20T12:09:00Z",
        "checked_at": None,
        "gone": None,
        "created_by_user_id": "user-1",
    }
    assert told["history_complete"] is True
    assert told["history"] == [
        {
            "kind": "status", "from": "WORKING", "to": "FAILED", "via": "quick",
            "not_before": "2026-11-20T12:08:00Z", "observed_at": "2026-11-20T12:09:00Z",
        }
    ]  # fmt: skip


@pytest.mark.parametrize("api_id", ["a/b/c", "ä ö", "x" * 255, "..", "%", "a?b#c", "<b>"])
def test_any_id_that_the_mirror_holds_can_be_asked_for(ask, api_id):
    factories.migration(api_id)

    assert ask(f"{LIST}{quote(api_id, safe='')}/").json()["migration"]["id"] == api_id


@pytest.mark.parametrize("api_id", ["%00", "x" * 5000])
def test_an_id_that_cannot_be_is_not_found(ask, api_id):
    answer = ask(f"{LIST}{api_id}/")

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"


def test_an_id_that_the_mirror_has_not_met_is_asked_of_the_vendor_once(ask, api, settings):
    settings.MIGRATIONS_API_URL, settings.MIGRATIONS_API_KEY = api.url, KEY
    api.rows = [row("m-1", status="WORKING")]

    assert ask(f"{LIST}m-1/").json()["migration"]["status"] == "WORKING"
    assert ask(f"{LIST}nobody/").status_code == 404
    assert (
        ask(f"{LIST}nobody/").json()["detail"].startswith("There is no migration with this id; the API was asked at")
    )
    assert len(api.requests) == 2


def test_an_id_that_can_t_be_asked_for_is_not_said_to_be_missing(ask, settings):
    settings.MIGRATIONS_API_KEY = KEY

    answer = ask(f"{LIST}nobody/")

    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert "could not be asked" in answer.json()["detail"]


def test_the_table_s_parameters_narrow_and_sort(ask):
    known(FAILED=2, COMPLETE=1)
    factories.migration("m-1", status="FAILED", company_id="c-1")
    factories.migration("m-2", status="FAILED", company_id="c-2")
    factories.migration("m-3", status="COMPLETE", company_id="c-1")

    assert ids(ask()) == ["m-3", "m-2", "m-1"]
    assert ids(ask(f"{LIST}?status=FAILED&sort=created")) == ["m-1", "m-2"]
    assert ids(ask(f"{LIST}?status=FAILED&status=COMPLETE&company=c-1")) == ["m-3", "m-1"]
    assert ids(ask(f"{LIST}?attention=1&company=c-2")) == ["m-2"]
    assert ids(ask(f"{LIST}?q=m-2")) == ["m-2"]


def test_pages_follow_one_another_while_rows_come_in(ask):
    made = [factories.migration().api_id for _ in range(60)]

    first = ask(f"{LIST}?per_page=25")
    newer = factories.migration(created=T0 + timedelta(days=1)).api_id
    second = ask(first.json()["next"])
    third = ask(second.json()["next"])

    assert ids(first) + ids(second) + ids(third) == made[::-1]
    assert third.json()["next"] is None
    assert ids(ask(second.json()["previous"])) == ids(first)
    assert newer in ids(ask(f"{LIST}?per_page=25"))


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("status=FAILD", "status"), ("created_after=yesterday", "created_after"), ("sort=age", "sort"),
        ("created_before=2026-13-01", "created_before"), ("per_page=7", "per_page"), ("per_page=x", "per_page"),
        ("after=x", "after"), ("before=%00", "before"), ("q=%00", "q"), ("company=%00", "company"),
        ("company=" + "x" * 10_000, "company"), ("attention=yes", "attention"), ("gone=2", "gone"),
        ("colour=red", "colour"), ("_export=csv", "_export"), ("company=a&company=b", "company"),
        ("longer=soon", "longer"), ("created_after=2026-02-02&created_before=2026-02-01", "created_before"),
        ("%00=1", "\x00"),
    ],
)  # fmt: skip
def test_a_parameter_that_can_t_be_used_is_named(ask, query, parameter):
    answer = ask(f"{LIST}?{query}")

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["parameter"] == parameter
    assert answer.json()["status"] == 400


def test_without_the_scope_nobody_is_told_who_created_what(ask, client):
    factories.migration("m-1", created_by_user_id="ann@example.org")
    _, text = tokens.make(person("viewer"), name="ticket system", scopes=["migrations"], days=30)

    for address in (LIST, f"{LIST}m-1/"):
        assert "ann@example.org" not in ask(address, token=text).content.decode()
    for query in ("user=ann@example.org", "sort=user"):
        refused = ask(f"{LIST}?{query}", token=text)
        assert refused.status_code == 403
        assert 'error="insufficient_scope", scope="users"' in refused["WWW-Authenticate"]
    assert "ann@example.org" in ask().content.decode()


def test_the_pages_of_a_token_without_the_scope_tell_no_user_either(ask):
    for _ in range(30):
        factories.migration(created_by_user_id="ann@example.org")
    _, text = tokens.make(person("viewer"), name="ticket system", scopes=["migrations"], days=30)
    after = ask(f"{LIST}?per_page=25&sort=user").json()["next"]

    assert ask(after, token=text).status_code == 403


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer x", "Basic YTpi", "x", "Bearer mdt_\xff", "Bearer \x00"]
)
def test_a_wrong_token_is_refused_however_it_looks(client, header):
    answer = client.get(LIST, headers={"Authorization": header})

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="migrations", error="invalid_token"'
    assert answer["Content-Type"] == "application/problem+json"


def test_a_stranger_is_told_what_to_send(client):
    answer = client.get(LIST)

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="migrations"'


def test_a_login_reads_too_but_a_wrong_token_beside_it_does_not(ask):
    ann = browser("viewer")

    assert ann.get(LIST).status_code == 200
    assert ann.get(LIST, headers={"Authorization": "Bearer mdt_wrong"}).status_code == 401


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_the_api_only_reads(client, method):
    answer = getattr(client, method)(LIST)

    assert answer.status_code == 405
    assert answer["Allow"] == "GET, HEAD"


def test_requests_are_counted_and_the_headers_say_how_many_are_left(ask, settings, time_machine):
    settings.API_RATE_LIMIT = 2
    time_machine.move_to(timezone.now().replace(second=10, microsecond=0), tick=False)

    answers = [ask(headers={"If-None-Match": "*"}) for _ in range(3)]

    assert [a.status_code for a in answers] == [304, 304, 429]
    assert [a["RateLimit-Remaining"] for a in answers] == ["1", "0", "0"]
    assert {a["RateLimit-Limit"] for a in answers} == {"2"}
    assert answers[2]["Retry-After"] == answers[2]["RateLimit-Reset"] == "50"
    time_machine.shift(50)
    assert ask().status_code == 200


def test_each_token_has_requests_of_its_own(ask, settings):
    settings.API_RATE_LIMIT = 1
    assert [ask().status_code for _ in range(2)] == [200, 429]

    _, other = tokens.make(person("viewer"), name="other", scopes=["migrations"], days=30)
    assert ask(token=other).status_code == 200


def test_guessing_at_tokens_is_held_up(client):
    statuses = [client.get(LIST, headers={"Authorization": "Bearer mdt_x"}).status_code for _ in range(61)]

    assert statuses == [401] * 60 + [429]


def test_nothing_is_sent_again_while_nothing_changed(ask):
    factories.migration("m-1")
    first = ask()

    assert ask(headers={"If-None-Match": first["ETag"]}).status_code == 304
    Source.default().touch()
    assert ask(headers={"If-None-Match": first["ETag"]}).status_code == 200
    assert "private" in first["Cache-Control"]
    assert "Authorization" in first["Vary"]


def test_what_a_token_may_see_is_not_another_s_304(ask):
    factories.migration("m-1")
    _, less = tokens.make(person("viewer"), name="less", scopes=["migrations"], days=30)

    assert ask(headers={"If-None-Match": ask()["ETag"]}, token=less).status_code == 200


def test_a_page_costs_the_same_for_3_rows_and_for_100(ask, django_assert_num_queries):
    for _ in range(3):
        factories.migration()
    ask()  # notes the token's use
    with django_assert_num_queries(3):  # token and account, source, page; the statuses are cached
        ask(f"{LIST}?sort=created")
    for _ in range(97):
        factories.migration()
    with django_assert_num_queries(3):
        assert len(ids(ask(f"{LIST}?per_page=100"))) == 100
