"""The one search box: straight to what can only be meant, a table of everything else."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard import roles
from migrations_sync.models import CompanyCount, Migration
from migrations_sync.sync.counts import recount
from tests import factories
from tests.api_server import KEY, ApiServer, row
from tests.reading import link, text, words

pytestmark = pytest.mark.django_db
UUIDS = [f"8f3a21c0-1b1e-4f5c-9d2e-{n:012d}" for n in range(40)]


@pytest.fixture(autouse=True)
def configured(settings: Any, api: ApiServer) -> None:
    settings.MIGRATIONS_API_URL = api.url
    settings.MIGRATIONS_API_KEY = KEY


@pytest.fixture
def person(client: Client) -> Client:
    user = User.objects.create_user("robin")
    roles.assign(user, "triager")
    client.force_login(user)
    return client


def find(person: Client, q: str) -> Any:
    return person.get("/search/", {"q": q})


def stored(api_id: str, **fields: Any) -> Migration:
    one = factories.migration(api_id, **fields)
    recount(one.source)
    return one


def table(page: Any) -> list[str]:
    body = re.search(r"<tbody>(.*)</tbody>", page.content.decode(), re.S)
    return [words(line) for line in re.findall(r"<tr.*?</tr>", body[1], re.S)] if body else []


@pytest.mark.parametrize(
    "q",
    [
        UUIDS[7],
        f"  {UUIDS[7].upper()} ",
        UUIDS[7][:20],
        f"https://dashboard.example/m/{UUIDS[7]}?at=2026-11-25T10:16:05Z",
        f"https://elsewhere.example/migrations/{UUIDS[7]}/",
        f"The customer says ({UUIDS[7]}) does not move.",
    ],
)
def test_what_means_one_migration_leads_there(person: Client, q: str, api: ApiServer) -> None:
    stored(UUIDS[7])

    assert find(person, q).headers["Location"] == f"/migrations/{UUIDS[7]}/"
    assert api.requests == []


def test_ids_with_spaces_and_slashes_are_found_too(person: Client) -> None:
    stored("legacy file/7")

    assert find(person, "legacy file/7").headers["Location"] == "/migrations/legacy%20file%2F7/"
    assert find(person, "https://host/m/legacy%20file%2F7.").headers["Location"] == "/migrations/legacy%20file%2F7/"


def test_a_company_a_user_and_a_ticket_lead_to_their_pages(person: Client) -> None:
    stored("one", company_id="acme & co", created_by_user_id="maria@example.com")
    person.post("/triage/ticket/", {"migration": "one", "text": "T-17"})

    assert find(person, "acme & co").headers["Location"] == "/companies/acme%20%26%20co/"
    assert find(person, "maria@example.com").headers["Location"] == "/migrations/?user=maria%40example.com"
    assert find(person, "T-17").headers["Location"] == "/tickets/T-17/"


def test_the_beginning_of_several_ids_lists_them(person: Client) -> None:
    for api_id in UUIDS[:3]:
        stored(api_id)
    stored("other")

    page = find(person, "8f3a21c0")

    assert page.status_code == 200
    assert len(table(page)) == 3
    assert re.findall(r'<a class="id" href="([^"]*)"', page.content.decode()) == [
        f"/migrations/{api_id}/" for api_id in UUIDS[:3]
    ]


def test_a_ticket_text_becomes_a_table_of_found_fetched_gone_and_unknown(person: Client, api: ApiServer) -> None:
    stored(UUIDS[0], status="FAILED", company_id="acme")
    stored(UUIDS[1], gone_at=timezone.now(), gone_not_before=timezone.now() - timedelta(hours=1))
    api.rows = [row(UUIDS[2], status="WORKING")]

    page = find(person, f"Hi, at acme these hang:\n- {UUIDS[0]}\n- {UUIDS[1]},\n- {UUIDS[2]}\n- {UUIDS[3]}\nThanks!")

    lines = table(page)
    assert re.match(r"Failed 8f3a21c0 .* found", lines[0])
    assert re.match(r"Complete 8f3a21c0 .* gone", lines[1])
    assert re.match(r"Working 8f3a21c0 .* fetched now", lines[2])
    assert re.match(r"unknown 8f3a21c0 \S+ 0003 The API does not know it: asked at \d\d:", lines[3])
    assert len(lines) == 4
    assert "Company acme" in text(page)
    assert "3 migrations known here, of 4 that were looked for." in text(page)
    assert f'<tr data-migration-id="{UUIDS[0]}" data-status="FAILED">' in page.content.decode()
    assert len(api.requests) == 2


def test_a_long_ticket_gets_an_address_that_can_be_shared(person: Client, api: ApiServer) -> None:
    for api_id in UUIDS[:30]:
        factories.migration(api_id)
    chatter = "We are sorry to hear that your migration does not go on and will look into it. " * 100
    ticket = chatter.join(f"\n{api_id}: stuck\n" for api_id in UUIDS[:30])

    answer = person.post("/search/", {"q": ticket})

    address = answer.headers["Location"]
    assert answer.status_code == 302
    assert len(address) < 2000
    assert len(table(person.get(address))) == 30
    assert api.requests == []


def test_a_user_is_found_below_many_lines(person: Client, api: ApiServer) -> None:
    for api_id in UUIDS[:30]:
        factories.migration(api_id, created_by_user_id="maria@example.com")
    ticket = "".join(f"please look at this one too: {api_id}\n" for api_id in UUIDS[:30])

    page = find(person, f"{ticket}Thanks, maria@example.com")

    assert link(page, "User maria@example.com") == "/migrations/?user=maria%40example.com"


def test_only_spaces_are_nothing_to_look_for(person: Client) -> None:
    assert "<h1>Find anything</h1>" in find(person, "  ").content.decode()


def test_pasting_one_id_into_the_large_box_leads_there_as_well(person: Client) -> None:
    stored(UUIDS[0])

    page = person.post("/search/", {"q": f"{UUIDS[0]}\n"}, follow=True)

    assert page.redirect_chain[-1][0] == f"/migrations/{UUIDS[0]}/"


def test_one_unknown_id_is_asked_for_and_leads_there_if_the_api_knows_it(person: Client, api: ApiServer) -> None:
    api.rows = [row(UUIDS[5])]

    assert find(person, UUIDS[5]).headers["Location"] == f"/migrations/{UUIDS[5]}/"
    assert table(find(person, UUIDS[6]))[0].startswith("unknown")


def test_plain_words_are_not_asked_for(person: Client, api: ApiServer) -> None:
    page = find(person, "acme")

    assert "Nothing here is called “acme”" in text(page)
    assert link(page, "Ask the API for a migration of this id") == "/migrations/acme/"
    assert api.requests == []


def test_an_api_that_cannot_be_asked_is_asked_only_once(person: Client, api: ApiServer) -> None:
    api.always_answer(503)

    lines = table(find(person, " ".join(UUIDS[:5])))

    assert len(api.requests) == 1
    assert lines[0].startswith("not known yet")
    assert lines[4].startswith("not asked for")


@pytest.mark.parametrize("q", ["", "   ", "%", "a\0b", "'; DROP TABLE", "<script>alert(1)</script>", "x" * 3000, "…"])
def test_anything_can_be_pasted(person: Client, q: str) -> None:
    page = find(person, q)

    assert page.status_code == 200
    assert "<script>alert" not in page.content.decode()
    assert person.post("/search/", {"q": q}).status_code == 302


def test_a_beginning_of_very_many_ids_is_cut_and_says_so(person: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr("dashboard.search.MOST", 3)
    for api_id in UUIDS[:5]:
        stored(api_id)

    page = find(person, "8f3a21c0")

    assert len(table(page)) == 3
    assert "There is more than is listed here." in text(page)


def test_a_text_costs_the_same_few_queries_whatever_is_in_it(person: Client, api: ApiServer) -> None:
    for api_id in UUIDS[:30]:
        factories.migration(api_id)
    CompanyCount.objects.create(source=Migration.objects.first().source, company_id="acme", total=30)

    def queries(q: str) -> int:
        find(person, q)
        with CaptureQueriesContext(connection) as captured:
            assert find(person, q).status_code == 200
        return len(captured)

    assert queries(f"{UUIDS[0]} {UUIDS[1]}") <= queries(" acme ".join(UUIDS[:30])) <= 10
    with CaptureQueriesContext(connection) as captured:
        find(person, " ".join(UUIDS[:30]))
    assert not [query["sql"] for query in captured if re.search(r"\b(INSERT|UPDATE|DELETE)\b", query["sql"])]


def test_the_box_in_the_header_leads_here(person: Client) -> None:
    page = person.get("/migrations/nothing-0001/")

    assert '<form class="find" role="search" action="/search/">' in page.content.decode()
