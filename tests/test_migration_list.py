"""The table of migrations: what it lists, in which order, page by page, and what it says when it lists nothing."""

import gzip
import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from migrations_sync.models import Migration, Source
from migrations_sync.sync.counts import recount
from tests import factories

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def person(client: Client) -> Client:
    client.force_login(User.objects.create_user("robin"))
    return client


@pytest.fixture
def up_to_date(db: None) -> Source:
    source = Source.default()
    Source.objects.filter(pk=source.pk).update(succeeded_at=NOW, attempted_at=NOW, swept_at=NOW, baseline_at=NOW)
    return source


def listed(page: Any) -> list[str]:
    return re.findall(r'<tr data-migration-id="([^"]*)"', page.content.decode())


def text(page: Any) -> str:
    """What a reader sees, without tags and with single spaces."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.content.decode())).split())


def link(page: Any, label: str) -> str:
    """The address behind the link whose text is ``label``."""
    for href, inner in re.findall(r'<a [^>]*?href="([^"]*)"[^>]*>(.*?)</a>', page.content.decode(), re.S):
        if " ".join(re.sub(r"<[^>]+>", " ", inner).split()) == label:
            return html.unescape(href)
    raise AssertionError(f"no link “{label}”")


def many(n: int, *, named: str = "m", **fields: Any) -> None:
    """``m-0000``, ``m-0001`` and so on, each a minute younger than the one before."""
    pattern = factories.migration(f"{named}-pattern", **fields)
    values = {f.attname: getattr(pattern, f.attname) for f in Migration._meta.concrete_fields if f.name != "id"}
    pattern.delete()
    each = ({"api_id": f"{named}-{i:04d}", "created": factories.T0 + timedelta(minutes=i)} for i in range(n))
    Migration.objects.bulk_create(Migration(**{**values, **own}) for own in each)


def test_the_newest_come_first_with_everything_that_is_known_of_them(person: Client, up_to_date: Source) -> None:
    factories.migration("older", created=factories.T0)
    factories.migration("newer", created=factories.T0 + timedelta(hours=1), status="FAILED", company_id="42")

    page = person.get("/migrations/")

    assert listed(page) == ["newer", "older"]
    assert '<tr data-migration-id="newer" data-status="FAILED">' in page.content.decode()
    assert re.search(r'<span class="status" data-status="FAILED"><svg .*?</svg>Failed</span>', page.content.decode())
    assert "2026-11-20 13:00 UTC" in text(page)
    assert link(page, "newer") == "/migrations/newer/?from="
    assert listed(person.get(link(page, "42"))) == ["newer"]


def test_an_id_may_be_anything_and_is_shown_as_it_is(person: Client, up_to_date: Source) -> None:
    factories.migration('a/b?c="<b>&#')

    page = person.get("/migrations/")

    assert 'data-migration-id="a/b?c=&quot;&lt;b&gt;&amp;#"' in page.content.decode()
    assert "/migrations/a%2Fb%3Fc%3D%22%3Cb%3E%26%23/" in page.content.decode()


def test_a_long_id_is_shortened_for_the_eye_only(person: Client, up_to_date: Source) -> None:
    factories.migration("3f2a91c0-77aa-4d10-9e0b-5a1d0c9e8f12")

    page = person.get("/migrations/").content.decode()

    assert "3f2a91c0<i>-77aa-4d10-9e0b-5a1d0c9e</i>8f12</a>" in page


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=FAILED", {"f1", "f2"}),
        ("status=FAILED&status=WORKING", {"f1", "f2", "w1"}),
        ("company=acme", {"f1", "c1"}),
        ("company=acme&status=FAILED", {"f1"}),
        ("company=acme&status=FAILED&status=COMPLETE", {"f1", "c1"}),
        ("user=pat%40example.com", {"c1", "n1"}),
        ("user=pat%40example.com&status=COMPLETE", {"c1"}),
        ("attention=1", {"f1", "f2", "n1", "g1"}),
        ("attention=1&gone=0", {"f1", "f2", "n1"}),
        ("attention=1&company=acme", {"f1"}),
        ("unknown=1", {"n1"}),
        ("status=NEW_WORD", {"n1"}),
        ("gone=1", {"g1"}),
        ("q=f1", {"f1"}),
        ("q=acme", {"f1", "c1"}),
        ("q=pat@example.com", {"c1", "n1"}),
        ("q=%20pat@example.com%20&status=COMPLETE", {"c1"}),
        ("created_after=2026-11-20T12:30Z", {"w1", "n1", "g1"}),
        ("created_after=2026-11-20T12:30Z&created_before=2026-11-20T13:30Z", {"w1"}),
        ("created_before=2026-11-20T13:30:00%2B01:00", {"f1", "f2", "c1"}),
        ("created_before=2026-11-20T13:30:00+01:00", {"f1", "f2", "c1"}),
        ("created_before=2026-11-20", set()),
        ("created_after=2026-11-20", {"f1", "f2", "c1", "w1", "n1", "g1"}),
        ("longer=1h&status=WORKING", {"w1"}),
        ("changed_after=now-1h", set()),
    ],
)
def test_each_filter_lists_just_what_it_says(
    person: Client, up_to_date: Source, query: str, expected: set[str]
) -> None:
    t = factories.T0
    factories.migration("f1", created=t, status="FAILED", company_id="acme")
    factories.migration("f2", created=t, status="FAILED")
    factories.migration("c1", created=t, status="COMPLETE", company_id="acme", created_by_user_id="pat@example.com")
    factories.migration("w1", created=t + timedelta(hours=1), status="WORKING", company_id=None)
    factories.migration("n1", created=t + timedelta(hours=2), status="NEW_WORD", created_by_user_id="pat@example.com")
    factories.migration("g1", created=t + timedelta(hours=3), status="NOT_STARTED", gone_at=NOW)
    recount(up_to_date)

    page = person.get(f"/migrations/?{query}")

    assert page.status_code == 200
    assert set(listed(page)) == expected
    assert len(listed(page)) == len(expected)
    assert re.search(rf"<title>.* · {len(expected)} migrations?</title>", page.content.decode())


def test_the_beginning_of_an_id_finds_it_but_not_one_of_three_characters(person: Client, up_to_date: Source) -> None:
    factories.migration("3f2a91c0-77aa-4d10-9e0b-5a1d0c9e8f12")
    factories.migration("3f2b0000-77aa-4d10-9e0b-5a1d0c9e8f12")

    assert listed(person.get("/migrations/?q=3f2a")) == ["3f2a91c0-77aa-4d10-9e0b-5a1d0c9e8f12"]
    assert listed(person.get("/migrations/?q=3f2")) == []


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("status=FALED", "No migration here has ever been “FALED”. Do you mean FAILED?"),
        ("created_after=yesterday", "Use a date, a time such as"),
        ("created_after=now%2B1h", "Use a date, a time such as"),
        ("created_after=2026-13-45", "Use a date, a time such as"),
        ("created_after=now-999999w", "Use a date, a time such as"),
        ("created_after=0001-01-01T00:00%2B14:00", "Use a date, a time such as"),
        ("created_after=2026-11-21&created_before=2026-11-20", "This is not later than the beginning"),
        ("longer=soon", "Use a length such as 90min"),
        ("sort=colour", "Use one of created, status, company, user, changed."),
        ("per_page=7", "Use one of 25, 50, 100, 200."),
        ("attention=maybe", "attention:"),
        ("gone=x", "gone:"),
        ("after=nonsense", "This link to a page of the list can't be read."),
        ("before=WzFd!", "This link to a page of the list can't be read."),
        ("after=WzAsIngiLDFd", "This link to a page of the list can't be read."),
        ("q=" + "x" * 300, "at most 255 characters"),
        ("company=a%00b", "Null characters are not allowed"),
        ("company=a&company=b", "It is there more than once, and can only have one value."),
    ],
)
def test_a_value_that_can_not_be_used_is_said_and_lists_nothing(
    person: Client, up_to_date: Source, query: str, complaint: str
) -> None:
    factories.migration("one")

    page = person.get(f"/migrations/?{query}")

    assert page.status_code == 200
    assert listed(page) == []
    assert complaint in text(page)
    assert 'role="alert"' in page.content.decode()
    assert "Nothing is listed" in text(page)


def test_a_field_with_an_error_keeps_what_was_typed_and_is_tied_to_its_reason(
    person: Client, up_to_date: Source
) -> None:
    page = person.get('/migrations/?created_after="<b>').content.decode()

    assert 'value="&quot;&lt;b&gt;" ' in page
    assert 'aria-invalid="true" aria-describedby="e-created_after"' in page
    assert 'id="e-created_after"' in page


def test_an_unknown_parameter_narrows_nothing_and_is_pointed_out(person: Client, up_to_date: Source) -> None:
    factories.migration("one")

    page = person.get("/migrations/?stauts=FAILED")

    assert listed(page) == ["one"]
    assert "Nothing here is called “stauts”, so it narrows nothing." in text(page)
    assert link(page, "Drop it") == "/migrations/"


@pytest.mark.parametrize("sort", ["created", "status", "company", "user", "changed"])
@pytest.mark.parametrize("sign", ["", "-"])
def test_every_order_pages_through_all_rows_once_forwards_and_back(
    person: Client, up_to_date: Source, sort: str, sign: str
) -> None:
    for number in range(60):
        factories.migration(
            f"m-{number:02d}",
            created=factories.T0 + timedelta(minutes=number % 7),  # ties, which only the id breaks
            status=("FAILED", "COMPLETE", "WORKING")[number % 3],
            company_id=None if number % 4 == 0 else f"c{number % 5}",
            created_by_user_id=None if number % 3 == 0 else f"u{number % 2}",
        )
    recount(up_to_date)
    first = person.get(f"/migrations/?sort={sign}{sort}&per_page=25")
    second = person.get(link(first, "Next"))
    third = person.get(link(second, "Next"))

    everything = listed(first) + listed(second) + listed(third)
    assert len(everything) == 60
    assert len(set(everything)) == 60
    assert listed(person.get(link(third, "Previous"))) == listed(second)
    assert listed(person.get(link(second, "Previous"))) == listed(first)
    assert listed(person.get(link(first, "Last"))) == everything[-25:]
    assert listed(person.get(link(third, "First"))) == listed(first)
    columns = {"company": "company_id", "user": "created_by_user_id", "changed": "changed_at"}
    values = dict(Migration.objects.values_list("api_id", columns.get(sort, sort)))
    keys = [(values[i] is None, values[i] or "") for i in everything]
    assert keys == sorted(keys, reverse=bool(sign))


def test_several_statuses_page_in_one_order(person: Client, up_to_date: Source) -> None:
    many(40, status="FAILED")
    for number in range(40):
        factories.migration(
            f"w-{number}", created=factories.T0 + timedelta(minutes=number, seconds=30), status="WORKING"
        )
    recount(up_to_date)

    first = person.get("/migrations/?status=FAILED&status=WORKING&per_page=25")
    second = person.get(link(first, "Next"))

    expected = Migration.objects.order_by("-created", "-id").values_list("api_id", flat=True)
    assert listed(first) + listed(second) == list(expected[:50])
    assert "26–50 of 80" in text(second)
    assert listed(person.get(link(second, "Previous"))) == listed(first)


def test_a_row_that_comes_in_meanwhile_neither_repeats_nor_hides_another(person: Client, up_to_date: Source) -> None:
    many(60)
    first = person.get("/migrations/?per_page=25")
    factories.migration("late", created=factories.T0 + timedelta(days=1))

    second = person.get(link(first, "Next"))

    assert listed(first)[-1] == "m-0035"
    assert listed(second)[0] == "m-0034"
    back = person.get(link(second, "Previous"))
    assert listed(back) == listed(first)
    assert listed(person.get(link(back, "Previous"))) == ["late", *listed(first)[:24]]


def test_the_pager_says_where_one_is(person: Client, up_to_date: Source) -> None:
    many(60)
    recount(up_to_date)

    first = person.get("/migrations/?per_page=25")
    second = person.get(link(first, "Next"))
    last = person.get(link(first, "Last"))

    assert "1–25 of 60" in text(first)
    assert "26–50 of 60" in text(second)
    assert "36–60 of 60" in text(last)
    assert 'rel="next"' not in last.content.decode()
    assert 'rel="prev"' not in first.content.decode()


def test_what_can_not_be_counted_cheaply_is_counted_only_up_to_a_limit(
    person: Client, up_to_date: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.tally.CAP", 30)
    many(60)
    recount(up_to_date)

    ranged = person.get("/migrations/?changed_after=2026-11-20&per_page=25")

    assert "1–25 of 30+" in text(ranged)
    assert "Last 25 of 30+" in text(person.get(link(ranged, "Last")))
    assert "1–25 of 60" in text(person.get("/migrations/?per_page=25"))


def test_the_many_of_one_user_are_paged_like_any_list_and_counted_up_to_a_limit(
    person: Client, up_to_date: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("paging", "tally"):
        monkeypatch.setattr(f"dashboard.{module}.FEW", 30)
    for number in range(60):
        factories.migration(
            f"m{number:02}", created=factories.T0 + timedelta(minutes=number), created_by_user_id="busy"
        )

    first = person.get("/migrations/?user=busy&per_page=25")
    assert listed(first) == [f"m{number:02}" for number in range(59, 34, -1)]
    assert "1–25 of 30+" in text(first)
    assert listed(person.get(link(first, "Next"))) == [f"m{number:02}" for number in range(34, 9, -1)]
    assert listed(person.get(link(first, "Last"))) == [f"m{number:02}" for number in range(24, -1, -1)]


def test_the_few_of_a_search_are_counted_by_status_though_one_is_listed(person: Client, up_to_date: Source) -> None:
    for number, status in enumerate(["FAILED", "FAILED", "COMPLETE", "WORKING"]):
        factories.migration(f"abcd{number}", status=status, created=factories.T0 + timedelta(minutes=number))

    page = person.get("/migrations/?q=abcd&status=FAILED")

    assert listed(page) == ["abcd1", "abcd0"]
    chips = text(page)
    assert all(words in chips for words in ("Failed 2", "Complete 1", "Working 1"))
    assert listed(person.get("/migrations/?q=abcd&sort=status")) == ["abcd2", "abcd0", "abcd1", "abcd3"]


@pytest.mark.parametrize(
    ("query", "failed", "working"),
    [
        ("created_after=2026-11-20", 21, 21),
        ("created_after=2026-11-20T12:00Z", 15, 15),
        ("created_after=2026-11-19T18:00Z&created_before=2026-11-21", 14, 14),
        ("created_before=2026-11-20T12:00:00.000001Z", 9, 8),
        ("created_after=2026-11-20T02:00Z&created_before=2026-11-20T06:00Z", 2, 2),
        ("created_after=2026-11-20T12:00Z&created_before=2026-11-21T06:00Z", 9, 9),
        ("created_after=2026-11-22&created_before=2026-11-23", 0, 0),
    ],
)
def test_a_range_of_time_is_counted_exactly_from_whole_days_and_their_ends(
    person: Client, up_to_date: Source, query: str, failed: int, working: int
) -> None:
    begin = datetime(2026, 11, 19, 20, 0, tzinfo=UTC)
    for number in range(46):
        status = ("FAILED", "WORKING")[number % 2]
        factories.migration(f"m-{number}", created=begin + timedelta(hours=number), status=status)
    recount(up_to_date)

    page = text(person.get(f"/migrations/?{query}"))

    assert f"· {failed + working} migrations Skip" in page
    assert f" Failed {failed} " in page
    assert f" Working {working} " in page
    assert f"· {failed} migrations Skip" in text(person.get(f"/migrations/?{query}&status=FAILED"))


def test_the_statuses_say_what_they_would_give_under_the_other_filters(person: Client, up_to_date: Source) -> None:
    factories.migration("a", status="FAILED", company_id="acme")
    factories.migration("b", status="FAILED", company_id="other", created_by_user_id="pat")
    factories.migration("c", status="WORKING", company_id="acme", created_by_user_id="pat")
    recount(up_to_date)

    assert "Failed 2 " in text(person.get("/migrations/?status=WORKING"))
    assert "Failed 1 " in text(person.get("/migrations/?company=acme&status=WORKING"))
    by_user = text(person.get("/migrations/?user=pat&status=WORKING"))
    assert "Failed 1 " in by_user
    assert "Working 1 " in by_user


def test_a_status_toggles_and_the_rest_of_the_address_stays(person: Client, up_to_date: Source) -> None:
    factories.migration("a", status="FAILED", company_id="acme")
    recount(up_to_date)

    on = link(person.get("/migrations/?company=acme&sort=created"), "Failed 1")
    off = link(person.get(on), "Failed 1")

    assert on == "/migrations/?company=acme&sort=created&status=FAILED"
    assert off == "/migrations/?company=acme&sort=created"


def test_chips_take_one_filter_away_and_keep_the_others(person: Client, up_to_date: Source) -> None:
    page = person.get("/migrations/?company=acme&user=pat&status=FAILED")

    assert link(page, "Remove: Company acme") == "/migrations/?user=pat&status=FAILED"
    assert link(page, "Clear all") == "/migrations/"


def test_the_title_and_the_heading_say_what_is_listed(person: Client, up_to_date: Source) -> None:
    factories.migration("a", status="FAILED", company_id="Northwind")
    recount(up_to_date)

    page = person.get("/migrations/?status=FAILED&company=Northwind").content.decode()

    assert "<title>Failed, company Northwind · 1 migration</title>" in page


def test_needs_attention_by_status_points_to_what_is_due_now(person: Client, up_to_date: Source) -> None:
    factories.migration("a", status="FAILED")
    recount(up_to_date)

    page = text(person.get("/migrations/?attention=1"))

    assert "Every migration in a status that asks for a person" in page
    assert "Every migration in a status" not in text(person.get("/migrations/?status=FAILED"))


def test_a_mirror_that_never_synced_says_so(person: Client) -> None:
    assert "No migrations yet No sync has come through yet." in text(person.get("/migrations/"))


def test_filtered_to_nothing_offers_to_drop_each_filter(person: Client, up_to_date: Source) -> None:
    factories.migration("a")
    recount(up_to_date)

    page = person.get("/migrations/?user=nobody&company=acme")

    assert "Looked for “Company acme, created by nobody” among 1 migration." in text(page)
    assert link(page, "Without “Company acme”") == "/migrations/?user=nobody"


def test_that_nothing_failed_is_good_news_only_while_the_mirror_is_fresh(person: Client, up_to_date: Source) -> None:
    factories.migration("a")
    recount(up_to_date)

    assert "Nothing here needs a person" in text(person.get("/migrations/?attention=1"))
    Source.objects.update(succeeded_at=NOW - timedelta(days=1))
    stale = text(person.get("/migrations/?attention=1"))
    assert "It can't be said whether there are any" in stale
    assert "Nothing here needs a person" not in stale


def test_a_status_nobody_documented_is_listed_as_it_came_and_can_be_filtered_by(
    person: Client, up_to_date: Source
) -> None:
    factories.migration("a", status="PAUSED")
    recount(up_to_date)

    page = person.get("/migrations/?status=PAUSED")

    assert listed(page) == ["a"]
    assert re.search(r'<span class="status unknown" data-status="PAUSED">.*?PAUSED</span>', page.content.decode())


def test_how_long_a_status_lasts_is_at_least_what_the_mirror_saw(person: Client, up_to_date: Source) -> None:
    seen = NOW - timedelta(hours=2, minutes=5)
    factories.migration("known", status_changed_at=seen, status_not_before=seen - timedelta(minutes=1))
    factories.migration("found", status_changed_at=seen, status_not_before=seen - timedelta(days=3), changed_at=seen)

    page = text(person.get("/migrations/?sort=-changed"))

    assert " 2 h 5 min " in page
    assert "at least 2 h 5 min" in page
    assert "before 2" in page


def test_last_checked_is_the_newest_pass_that_confirmed_the_row(person: Client, up_to_date: Source) -> None:
    old = NOW - timedelta(days=2)
    Source.objects.update(
        swept_at=NOW - timedelta(hours=3, minutes=1), open_checked_at=NOW - timedelta(minutes=4, seconds=5)
    )
    factories.migration("open", status="WORKING", checked_at=old)
    factories.migration("finished", status="COMPLETE", checked_at=old)
    factories.migration("gone", status="FAILED", checked_at=old, gone_at=old)

    rows = person.get("/migrations/").content.decode().split("<tr data-")[1:]

    ages = [re.findall(r"<td data-age[^>]*>([^<]*)<", row)[0] for row in rows]
    assert ages == ["2 d 0 h ago", "3 h 1 min ago", "4 min ago"]


def test_preferences_choose_rows_columns_and_zone_but_the_address_wins(person: Client, up_to_date: Source) -> None:
    many(30)
    person.cookies["preferences"] = "per_page=25&hide=user+checked&zone=Asia%2FDubai"

    preferred = person.get("/migrations/")

    assert len(listed(preferred)) == 25
    assert 'data-hide="user checked"' in preferred.content.decode()
    assert "2026-11-20 16:29 UTC+04" in text(preferred)
    assert len(listed(person.get("/migrations/?per_page=50"))) == 30


QUERIES = [
    "",
    "status=FAILED",
    "status=FAILED&status=WORKING",
    "company=company-1",
    "company=company-1&attention=1",
    "user=user-1",
    "q=user-1",
    "attention=1",
    "created_after=2026-11-20",
    "sort=company",
    "gone=0&status=FAILED",
]


@pytest.mark.parametrize("query", QUERIES)
def test_a_page_costs_the_same_few_queries_for_3_rows_and_for_300(
    person: Client, up_to_date: Source, query: str
) -> None:
    def asked() -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            assert person.get(f"/migrations/?{query}").status_code == 200
        return len(caught)

    many(3, status="FAILED")
    factories.migration("lost", status="WORKING", gone_at=NOW)
    recount(up_to_date)
    asked()  # warms the session's cache
    few = asked()
    many(200, named="failed", status="FAILED")
    many(70, named="working", status="WORKING")
    many(30, named="gone", status="WORKING", gone_at=NOW)
    recount(up_to_date)
    asked()  # what the navigation counts is kept while the mirror stands still

    assert asked() == few
    if connection.vendor == "postgresql":  # SQLite is asked once a status, which costs it nothing
        assert few <= 5


def test_the_longest_page_is_light_and_travels_compressed(person: Client, up_to_date: Source) -> None:
    ids = [f"3f2a91c0-77aa-4d10-9e0b-{number:012d}" for number in range(200)]
    for api_id in ids:
        factories.migration(api_id, company_id="882d45844eaa2030", created_by_user_id="ddcefe49b376b822")

    zipped = {"Accept-Encoding": "gzip"}
    plain = person.get("/migrations/?per_page=200")
    sent = person.get("/migrations/?per_page=200", headers=zipped)

    assert len(listed(plain)) == 200
    assert len(plain.content) < 150_000
    assert sent["Content-Encoding"] == "gzip"
    assert len(sent.content) < 30_000
    assert b"882d45844eaa2030" in gzip.decompress(sent.content)
    known = {"If-None-Match": sent["ETag"]}
    assert person.get("/migrations/?per_page=200", headers=zipped | known).status_code == 304
    assert "Content-Encoding" not in person.get("/migrations/?_export=csv", headers=zipped)


def test_looking_writes_nothing(person: Client, up_to_date: Source) -> None:
    factories.migration("a")
    cache.clear()

    with CaptureQueriesContext(connection) as caught:
        person.get("/migrations/?status=FAILED&q=a&created_after=today")

    assert [q["sql"] for q in caught if re.search(r"\b(INSERT|UPDATE|DELETE)\b", q["sql"])] == []
    assert len(caught) > 1


def test_only_looking_is_possible(person: Client) -> None:
    assert person.post("/migrations/").status_code == 405


def test_without_a_login_the_link_leads_to_the_login_and_back(client: Client) -> None:
    answer = client.get("/migrations/?status=FAILED")

    assert answer.status_code == 302
    assert answer["Location"] == "/accounts/login/?next=/migrations/%3Fstatus%3DFAILED"


@pytest.mark.parametrize("of", ["user=u9", "q=gone", "company=acme"])
def test_those_that_went_away_while_open_need_attention_however_the_list_is_narrowed(
    person: Client, up_to_date: Source, of: str
) -> None:
    same = {"status": "WORKING", "created_by_user_id": "u9", "company_id": "acme"}
    factories.migration("gone-1", gone_at=factories.T0, **same)
    factories.migration("gone-2", **same)
    recount(up_to_date)

    page = person.get(f"/migrations/?{of}&status=WORKING&attention=1")

    assert listed(page) == ["gone-1"]
    assert "1–1 of 1" in text(page)


def test_nothing_is_not_counted_as_many(person: Client, up_to_date: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("paging", "tally"):
        monkeypatch.setattr(f"dashboard.{module}.FEW", 3)
    many(10, status="WORKING", created_by_user_id="busy")

    page = person.get("/migrations/?user=busy&status=WORKING&unknown=1")

    assert listed(page) == []
    assert "3+" not in text(page)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("created_after=9999-12-31", "before the year 9999"),
        ("company=42&no_company=1", "no migration has one and none"),
        ("sort=status&after=WzAsIlx1ZDgwMCIsIjIwMjYtMDEtMDFUMDA6MDA6MDArMDA6MDAiLDFd", "can't be read"),
    ],
)
def test_an_address_that_nobody_can_mean_is_an_error_in_words(
    person: Client, up_to_date: Source, query: str, words: str
) -> None:
    page = person.get(f"/migrations/?{query}")

    assert page.status_code == 200
    assert words in text(page)


@pytest.mark.parametrize("q", ["%EE%80%80a", "%EE%80%80q%EE%80%80", "%EE%80%80"])
def test_any_character_can_be_looked_for(person: Client, up_to_date: Source, q: str) -> None:
    assert person.get(f"/migrations/?q={q}").status_code == 200
    factories.migration(status="\ue000new")
    recount(up_to_date)
    assert listed(person.get("/migrations/?status=%EE%80%80new&company=x")) == []
