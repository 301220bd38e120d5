"""The start of a shift: is something wrong, where, since when, and as of when is that known?"""

import html
import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from dashboard import triage
from migrations_sync.models import Migration, Source, StatusChange, SyncRun
from migrations_sync.sync.counts import recount
from tests import factories
from tests.factories import T0

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
NOW = T0 + timedelta(seconds=10)


@pytest.fixture
def person(client):
    client.force_login(User.objects.create_user("ann"))
    with time_machine.travel(NOW, tick=False):
        yield client


def mirror(age: timedelta = timedelta(seconds=10), **fields) -> Source:
    """A mirror whose last sync began ``age`` ago, with its counters in step."""
    source = Source.default()
    at = NOW - age
    Source.objects.update(attempted_at=at, succeeded_at=at, swept_at=at, baseline_at=at, **fields)
    recount(source)
    return source


def failed(company: str = "company-1", *, for_: timedelta = HOUR) -> Migration:
    began = NOW - for_
    return factories.migration(status="FAILED", company_id=company, created=began, status_changed_at=began)


def shown(person: Client, path: str = "/") -> str:
    answer = person.get(path)
    assert answer.status_code == 200
    return answer.text


def heading(page: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", page, re.S)
    assert found
    return html.unescape(re.sub(r"<[^>]+>", "", found[1]).strip())


def test_the_heading_says_how_many_need_a_person_and_so_does_the_title(person):
    failed(), failed()
    mirror()
    page = shown(person)

    assert heading(page) == "2 migrations need a person"
    assert "<title>2 migrations need a person · Migrations overview</title>" in page
    assert '<span class="pill">2<span class="visually-hidden"> need a person</span></span>' in page


def test_none_is_said_only_while_it_may_be_believed(person):
    factories.migration(status="COMPLETE")
    mirror()
    assert heading(shown(person)) == "No migration needs a person"

    mirror(age=HOUR)
    page = shown(person)
    assert heading(page) == "Whether a migration needs a person can't be said now"
    assert "Nothing does now" not in page
    assert "No company has" not in page
    assert "This data is old." in page


def test_an_old_mirror_speaks_of_the_past(person):
    failed()
    mirror(age=HOUR)

    assert heading(shown(person)) == "1 migration needed a person at 11:00:10 UTC"


def test_a_mirror_that_was_never_filled_shows_no_zeros(person):
    page = shown(person)

    assert heading(page) == "Nothing is known yet"
    assert "The mirror is still empty" in page
    assert 'class="tile"' not in page


def test_every_tile_is_a_list_and_says_what_is_behind_it(person):
    failed()
    factories.migration(status="COMPLETE")
    mirror()
    tiles = dict(re.findall(r'<a class="tile" data-status="(\w+)" href="([^"]+)"', shown(person)))

    assert next(iter(tiles)) == "FAILED"
    assert tiles["FAILED"] == "/migrations/?status=FAILED&amp;gone=0"
    rows = re.findall(r"data-migration-id", shown(person, tiles["FAILED"].replace("&amp;", "&")))
    assert len(rows) == 1


def test_an_unknown_status_has_its_tile_and_the_row_stays_one_row(person):
    factories.migration(status="PAUSED")
    mirror()
    tiles = re.findall(r'<a class="tile" data-status="(\w+)"', shown(person))

    assert len(tiles) == 8
    assert tiles.index("PAUSED") == 4  # behind what needs a person


def test_each_reason_tells_its_longest(person):
    failed()
    oldest = failed(for_=timedelta(days=3, hours=4))
    mirror()
    page = shown(person)

    assert f'href="/migrations/{oldest.api_id}/"' in page
    assert "3 d 4 h" in page
    assert 'href="/attention/?reason=failed"' in page


def test_how_long_it_lasts_is_not_said_more_exactly_than_it_is_known(person):
    factories.migration(
        status="FAILED", created=NOW - timedelta(days=9), first_seen_at=NOW - HOUR, status_changed_at=NOW - HOUR
    )
    mirror()
    part = shown(person).partition('id="needs"')[2].partition("</section>")[0]

    assert "at least 1 h 0 min" in part


def test_whoever_waits_longest_for_the_user_comes_first_and_who_is_seen_to_is_left_out(person, rf):
    for hours in (2, 30, 5):
        began = NOW - hours * HOUR
        one = factories.migration(
            f"waits-{hours}", status="PENDING_USER_INPUT", created=began, status_changed_at=began
        )
    request = rf.post("/")
    request.user = User.objects.get(username="ann")
    triage.snooze(request, [one], until=NOW + HOUR)
    mirror()
    waiting = shown(person).partition('id="waiting"')[2].partition("</section>")[0]

    assert re.findall(r'data-migration-id="([^"]+)"', waiting) == ["waits-30", "waits-2"]


def test_companies_with_most_to_do_come_first_and_lead_to_their_page(person):
    failed("few"), failed("many"), failed("many"), failed("with/slash")
    factories.migration(status="COMPLETE", company_id="none")
    mirror()
    part = shown(person).partition('id="companies"')[2].partition("</section>")[0]

    assert re.findall(r'href="/companies/([^"]+)/"', part)[:1] == ["many"]
    assert "with%2Fslash" in part
    assert "/companies/none/" not in part


def test_every_mark_of_the_charts_leads_to_as_many_as_it_says(person):
    for day in (0, 0, 3):
        one = failed(for_=timedelta(days=day, hours=1))
        at = one.status_changed_at
        factories.change(one, "FAILED", old="WORKING", at=at, not_before=at - timedelta(minutes=1))
    mirror()
    page = shown(person)
    marks = re.findall(r'<a href="([^"]+)" tabindex="-1"><path [^>]*><title>[^<]*: (\d+) failed</title>', page)

    assert [int(n) for _, n in marks] == [1, 2, 1, 2]  # created by day, then ended by day
    for href, n in marks:
        listed = shown(person, href.replace("&amp;", "&"))
        rows = re.findall(r'<th scope="row"[^>]*><a ', listed)
        assert len(rows) == int(n)


def test_the_table_beside_a_chart_says_the_same(person):
    failed(), failed(for_=timedelta(days=3))
    mirror()
    table = shown(person).partition("Show as a table")[2].partition("</details>")[0]
    rows = dict(re.findall(r'<th scope="row">([\d-]+)</th><td class="number">(\d+)</td>', table))

    assert len(rows) == 30
    assert (rows["2026-11-20"], rows["2026-11-17"], rows["2026-11-18"]) == ("1", "1", "0")


def test_the_last_sync_and_the_last_sweep_are_told(person):
    source = mirror(age=timedelta(minutes=1))
    SyncRun.objects.create(
        source=source, mode="quick", outcome="failed", started_at=NOW - timedelta(seconds=40),
        finished_at=NOW - timedelta(seconds=38), requests=6, error="GET /migrations?page=1: 503 after 6 tries",
    )  # fmt: skip
    failed()
    mirror(age=timedelta(minutes=1))
    part = shown(person).partition('id="health"')[2]

    assert "GET /migrations?page=1: 503 after 6 tries" in part
    assert "40 s ago" in part
    assert "1 min ago" in part


def test_what_the_api_sends_is_text_never_markup(person):
    evil = "<img src=x>&\"'"
    factories.migration(evil, status=evil, company_id=evil, created=NOW - HOUR, status_changed_at=NOW - HOUR)
    mirror()

    assert "<img" not in shown(person)


def test_the_page_asks_as_little_of_three_as_of_three_hundred(person, django_assert_max_num_queries):
    def measure(n: int) -> None:
        for number in range(n):
            one = failed(f"company-{number}", for_=timedelta(days=number % 30, hours=1))
            at = one.status_changed_at
            factories.change(one, "FAILED", old="WORKING", at=at, not_before=at - HOUR)
        mirror()
        person.get("/live/")  # session, and what is usual
        with django_assert_max_num_queries(12):
            shown(person)
        Source.default().touch()
        cached = cache.get("durations")
        cache.clear()
        cache.set("durations", cached)

    measure(3)
    measure(300)


def test_the_next_reader_costs_one_statement(person, django_assert_num_queries):
    failed()
    mirror()
    shown(person)
    with django_assert_num_queries(1):
        shown(person, "/?again")


def test_the_content_follows_every_change_of_the_mirror(person):
    failed()
    mirror()
    shown(person)
    Migration.objects.update(status="COMPLETE")
    mirror()
    StatusChange.objects.all().delete()

    assert heading(shown(person)) == "No migration needs a person"
    assert "Nothing does now." in shown(person)


def test_the_page_stays_light_with_all_thirty_days_full(person):
    for day in range(30):
        for code in ("FAILED", "COMPLETE", "WORKING", "PENDING_USER_INPUT", "LOGIN_ABANDONED", "NOT_STARTED"):
            at = NOW - timedelta(days=day)
            one = factories.migration(status=code, created=at, status_changed_at=at)
            factories.change(one, code, old="NOT_READY", at=at, not_before=at)
    mirror()

    assert len(shown(person).encode()) < 150_000
