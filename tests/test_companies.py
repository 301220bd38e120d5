"""Companies by need of attention, and what one company's migrations come to."""

import html
import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from dashboard import companies, hrefs, kept
from migrations_sync.models import Migration, Source
from migrations_sync.sync.counts import recount
from tests import factories
from tests.factories import T0

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
ODD_IDS = ("with/slash", "a b", "Ünïcode 会社", "100%", "?x=1#y", "a//b", "..", ".", "a/../b", "x" * 255, "trailing/")


@pytest.fixture
def person(client):
    client.force_login(User.objects.create_user("ann"))
    with time_machine.travel(T0, tick=False):
        yield client


def counted() -> None:
    recount(Source.default())
    Source.objects.update(succeeded_at=T0, attempted_at=T0, swept_at=T0)


def one(company: str | None, status: str = "COMPLETE", *, for_: timedelta = HOUR, **fields) -> Migration:
    began = T0 - for_
    return factories.migration(status=status, company_id=company, created=began, status_changed_at=began, **fields)


def shown(person: Client, path: str) -> str:
    answer = person.get(path)
    assert answer.status_code == 200
    return html.unescape(answer.text)


def facts(page: str) -> dict[str, str]:
    return dict(re.findall(r"<dt>([^<]+)</dt><dd><strong>([^<]+)</strong>", page))


def names(page: str) -> list[str]:
    return re.findall(r'class="word" href="[^"]*">([^<]+)<', page)


def test_the_one_with_most_to_do_comes_first(person):
    one("calm"), one("calm"), one("calm")
    one("one", "FAILED")
    one("two", "FAILED"), one("two", "LOGIN_ABANDONED")
    one(None, "FAILED"), one(None)
    counted()

    assert names(shown(person, "/companies/")) == ["two", "without a company", "one", "calm"]


def test_any_number_of_companies_can_be_paged_through_forth_and_back(person):
    for number in range(120):
        one(f"company-{number:03}", "FAILED")
    counted()
    pages, path = [], "/companies/"
    while path:
        page = shown(person, path)
        pages.append(names(page))
        following = re.search(r'rel="next" href="([^"]+)"', page)
        path = following[1] if following else ""
    back = re.search(r'rel="prev" href="([^"]+)"', page)

    assert [len(page) for page in pages] == [50, 50, 20]
    assert len({name for page in pages for name in page}) == 120
    assert back
    assert names(shown(person, back[1])) == pages[1]


def test_a_page_that_no_link_of_ours_names_is_refused(person):
    for word in ("x", "W10", "WzEsMiwzLDRd", "WyJhIiwiYiIsImMiXQ", "é"):
        assert person.get("/companies/", {"after": word}).status_code == 400


@pytest.mark.parametrize("company", ODD_IDS)
def test_any_id_the_api_may_use_has_a_page_that_its_link_finds(person, company):
    one(company)
    counted()
    page = shown(person, hrefs.company(company))

    assert f'{company} <span class="count">1</span>' in page


def test_migrations_without_a_company_have_a_page_too(person):
    one(None, "FAILED"), one("")
    one("other")
    counted()
    page = shown(person, hrefs.company(None))

    assert "Without a company" in page
    assert len(re.findall("data-migration-id", page)) == 1


def test_a_company_nobody_knows_is_a_404_that_says_so(person):
    counted()
    answer = person.get("/companies/nobody/")

    assert answer.status_code == 404
    assert "The company “nobody” has no migration in this mirror." in answer.text
    assert "Nothing here answers to <code>/nowhere/</code>." in person.get("/nowhere/").text


def test_the_failure_share_is_of_those_that_the_vendor_ended(person):
    for status, n in (("COMPLETE", 6), ("FAILED", 1), ("COMPLETED_WITH_FAILURES", 1), ("LOGIN_ABANDONED", 5)):
        for _ in range(n):
            one("acme", status)
    counted()
    page = shown(person, "/companies/acme/")

    assert facts(page)["Failure share"] == "25 %"
    assert "2 of 8 migrations that ended failed or completed with failures" in page


@pytest.mark.parametrize(
    ("bad", "ended", "said"), [(0, 10, "0 %"), (1, 1000, "under 1 %"), (999, 1000, "over 99 %"), (10, 10, "100 %")]
)
def test_a_share_is_none_or_all_only_when_it_is(bad, ended, said):
    assert companies.Share(bad, ended).percent == said


def test_the_time_to_complete_is_the_median_of_those_seen_to_complete_and_says_how_many(person):
    for hours in (1, 2, 6):
        created = T0 - timedelta(days=1)
        done = created + hours * HOUR
        factories.migration(
            status="COMPLETE", company_id="acme", created=created, first_seen_at=created + timedelta(minutes=1),
            status_changed_at=done, status_not_before=done - timedelta(minutes=1),
        )  # fmt: skip
    one("acme", for_=timedelta(days=300), first_seen_at=T0)  # was complete then already: how long it took is unknown
    counted()
    page = shown(person, "/companies/acme/")

    assert facts(page)["Time to complete"] == "2 h 0 min, at most"
    assert "of the newest 3 seen to become complete" in page


def test_what_is_not_known_is_not_invented(person):
    one("acme", "WORKING")
    counted()

    assert facts(shown(person, "/companies/acme/")) == {
        "Failure share": "not known",
        "Time to complete": "not known",
        "Waiting for the user": "none now",
    }


def test_the_longest_wait_for_the_user_is_told(person):
    one("acme", "PENDING_USER_INPUT", for_=26 * HOUR), one("acme", "PENDING_USER_INPUT")
    one("other", "PENDING_USER_INPUT", for_=90 * HOUR)
    counted()

    assert facts(shown(person, "/companies/acme/"))["Waiting for the user"] == "2 now, the longest for 1 d 2 h"


def test_a_chart_that_leaves_older_ones_out_says_so(person, monkeypatch):
    monkeypatch.setattr(companies, "DRAWN", 2)
    for day in range(4):
        one("acme", for_=timedelta(days=day))
    counted()

    assert "The newest 2 migrations, created since 2026-11-19" in shown(person, "/companies/acme/")


def test_the_pages_ask_the_same_of_three_as_of_three_hundred(person, django_assert_max_num_queries):
    def measure(n: int) -> None:
        for number in range(n):
            one(f"company-{number}", "PENDING_USER_INPUT")
            one("acme", "COMPLETE", for_=number * HOUR), one("acme", "PENDING_USER_INPUT", for_=number * HOUR)
        counted()
        cache.clear()
        kept.forget()
        person.get("/live/")
        with django_assert_max_num_queries(3):
            shown(person, f"/companies/?{n}")
        with django_assert_max_num_queries(7):
            shown(person, f"/companies/acme/?{n}")
        with django_assert_max_num_queries(5):  # while the mirror stands still
            shown(person, f"/companies/acme/?{n}&again=1")

    measure(3)
    measure(100)


def test_the_list_behind_the_bucket_without_a_company_holds_those_and_no_others(person):
    one(None, "FAILED", api_id="lone"), one("other", "FAILED")
    counted()
    page = shown(person, hrefs.company(None))
    href = re.search(r'data-status="FAILED" href="([^"]+)"', page)
    assert href
    listed = shown(person, href[1])

    assert re.findall(r'data-migration-id="([^"]+)"', listed) == ["lone"]
    assert "Failed, without a company" in listed
    assert ">1</span>" in listed


def test_one_migration_is_counted_in_the_singular(person):
    one("small")
    counted()

    assert "<title>small, 1 migration · Migrations</title>" in shown(person, "/companies/small/")


@pytest.mark.parametrize(
    ("company", "path"), [("acme & co", "/companies/acme%20%26%20co/"), (None, "/companies/?id=")]
)
def test_one_steps_from_each_migration_of_a_company_to_the_next(person, company, path):
    one(company, api_id="newer"), one(company, api_id="older", for_=2 * HOUR), one("other", for_=3 * HOUR / 2)
    counted()

    newer = re.search(r'href="(/migrations/newer/[^"]*)"', shown(person, path))
    following = re.search(r'rel="next" href="([^"]*)"', shown(person, newer[1]))

    assert following[1].startswith("/migrations/older/?from=")
    assert 'rel="next"' not in shown(person, following[1])
