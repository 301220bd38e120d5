"""The page of one migration: what it says of its state, its past, its neighbours, and what it costs."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dashboard import roles
from migrations_sync.models import BlindSpot, Migration, PayloadVersion, Source, StatusChange, WebhookDelivery
from tests import factories
from tests.reading import copied, events, link, part, text, title

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 25, 10, 16, 5, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def at_quarter_past_ten(db: None) -> Any:
    source = Source.default()
    Source.objects.filter(pk=source.pk).update(
        succeeded_at=NOW, attempted_at=NOW, swept_at=NOW - HOUR, open_checked_at=NOW, baseline_at=NOW - 30 * 24 * HOUR
    )
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def person(client: Client) -> Client:
    user = User.objects.create_user("robin")
    roles.assign(user, "triager")
    client.force_login(user)
    return client


def lived(api_id: str, *stays: tuple[str, timedelta], company: str | None = "42", via: str = "quick") -> Migration:
    """A migration that was seen in these statuses since so long ago; each was noticed within a minute."""
    first = NOW - stays[0][1]
    status, since = stays[-1][0], NOW - stays[-1][1]
    one = factories.migration(
        api_id, status=status, created=first - MINUTE, first_seen_at=first, status_changed_at=since,
        status_not_before=since - MINUTE, checked_at=since, company_id=company,
        created_by_user_id="robin@example.com",
    )  # fmt: skip
    old = ""
    for new, ago in stays:
        kind = StatusChange.Kind.STATUS if old else StatusChange.Kind.FIRST_SEEN
        at = NOW - ago
        factories.change(one, new, old=old, at=at, not_before=at - MINUTE, kind=kind, via=via)
        old = new
    return one


ID = "8f3a21c0-1b1e-4f5c-9d2e-7a6b5c4d3e2f"
PAGE = f"/migrations/{ID}/"


def failed() -> Migration:
    return lived(
        ID, ("NOT_STARTED", 3 * HOUR), ("WORKING", 2 * HOUR), ("FAILED", 13 * MINUTE + 5 * timedelta(seconds=1))
    )


def test_the_first_sentence_says_the_state_since_when_and_as_of_when(person: Client) -> None:
    one = failed()
    Migration.objects.filter(pk=one.pk).update(checked_at=NOW)

    page = person.get(PAGE)

    assert "Failed since 10:02–10:03 UTC , 13 min ago ; as of 10:16:05 UTC ." in text(page)
    assert "The vendor gave up on this migration." in text(page)
    assert '<span class="status big" data-status="FAILED">' in page.content.decode()
    assert title(page) == "Failed · 8f3a21c0 · Company 42"


def test_what_the_first_sweep_found_is_not_given_a_beginning(person: Client) -> None:
    factories.migration("found", status="FAILED", created=NOW - 90 * HOUR, first_seen_at=NOW - 50 * HOUR)

    page = person.get("/migrations/found/")

    assert "Failed when first seen, at 2026-11-23 08:16:05 UTC , 2 d 2 h ago" in text(page)
    assert "for at least 2 d 2 h" in text(page)
    assert events(page) == [
        "First seen as Failed 2026-11-23 08:16:05 UTC for at least 2 d 2 h · what happened before is not known",
        "Created 2026-11-21 16:16:05 UTC by the API's clock",
    ]
    assert part(page, "turn-list") == "Unknown 1 d 16 h 100 %"


def test_the_timeline_tells_intervals_durations_and_who_saw_it(person: Client) -> None:
    failed()

    assert events(person.get(PAGE)) == [
        "Failed 10:02–10:03 UTC for 13 min so far · seen by quick sync",
        "Working 08:15–08:16 UTC for 1 h 45 min to 1 h 47 min · seen by quick sync",
        "First seen as Not started 07:15–07:16 UTC for 59 min to 1 h 1 min · seen by quick sync",
        "Created 2026-11-25 07:15:05 UTC by the API's clock",
    ]


def test_the_reason_that_a_webhook_gave_stands_with_the_change_it_led_to(person: Client) -> None:
    one = failed()
    delivery = {"source": one.source, "api_id": ID, "body": "{}", "event_type": "migration.failed"}
    at = NOW - 13 * MINUTE
    WebhookDelivery.objects.create(message_id="1", error_message="Wrong <password>", received_at=at, **delivery)
    WebhookDelivery.objects.create(message_id="2", error_message="Late news", received_at=at + 9 * MINUTE, **delivery)

    page = person.get(PAGE)

    assert "The failure reason that a webhook gave: Wrong <password>" in text(page)
    assert events(page)[0].startswith("Webhook migration.failed 10:12:05 UTC")
    assert events(page)[0].endswith("Late news")
    assert events(page)[1].endswith("seen by quick sync Wrong <password>")


def test_a_blind_spot_is_drawn_and_its_time_counts_for_nobody(person: Client) -> None:
    one = lived(ID, ("WORKING", 2 * HOUR))
    spot = {"source": one.source, "cause": BlindSpot.Cause.UNREACHABLE}
    BlindSpot.objects.create(started_at=NOW - HOUR, ended_at=NOW - 50 * MINUTE, **spot)
    BlindSpot.objects.create(started_at=NOW - 40 * MINUTE, ended_at=NOW - 30 * MINUTE, **spot)
    BlindSpot.objects.create(started_at=one.created - 9 * HOUR, ended_at=one.created - 8 * HOUR, **spot)

    page = person.get(PAGE)

    assert events(page)[0] == (
        "Nobody could look 09:16–09:46 UTC 2 times, 20 min in all: the API could not be reached"
    )
    assert 'class="blind"' in page.content.decode()
    assert part(page, "turn-list") == "Vendor working 1 h 40 min 83 % Unknown 21 min 17 %"


def test_what_nobody_saw_after_the_end_is_no_news(person: Client) -> None:
    one = lived(ID, ("WORKING", 5 * HOUR), ("COMPLETE", 4 * HOUR))
    BlindSpot.objects.create(source=one.source, cause="quota", started_at=NOW - 2 * HOUR, ended_at=NOW - HOUR)

    assert not any("Nobody could look" in event for event in events(person.get(PAGE)))


def test_the_age_is_split_by_whose_turn_it_was(person: Client) -> None:
    lived(
        ID,
        ("NOT_STARTED", 10 * HOUR),
        ("WORKING", 9 * HOUR),
        ("PENDING_USER_INPUT", 5 * HOUR),
        ("COMPLETE", 2 * HOUR),
    )

    assert part(person.get(PAGE), "turn-list") == (
        "Vendor working 3 h 59 min 50 % Waiting for the customer 2 h 59 min 37 % "
        "Not started 59 min 12 % Unknown 4 min under 1 %"
    )


def test_one_that_is_gone_says_so_and_keeps_what_was_known(person: Client) -> None:
    one = lived(ID, ("WORKING", 9 * HOUR))
    Migration.objects.filter(pk=one.pk).update(gone_at=NOW - HOUR, gone_not_before=NOW - 2 * HOUR)
    factories.change(
        one, "WORKING", old="WORKING", at=NOW - HOUR, not_before=NOW - 2 * HOUR, kind="gone", via="sweep"
    )

    page = person.get(PAGE)

    assert title(page) == "Gone (Working) · 8f3a21c0 · Company 42"
    assert "Gone, last known as Working, since 08:16–09:16 UTC , 1 h 0 min ago" in text(page)
    assert "Ask the vendor what became of it" in text(page)
    assert events(page)[0] == "Gone: the API no longer knows it 08:16–09:16 UTC seen by full sweep"


def test_a_status_nobody_documented_is_shown_as_it_came(person: Client) -> None:
    lived("x", ("PAUSED <b>", HOUR), company=None)

    page = person.get("/migrations/x/")

    assert title(page) == "PAUSED <b> · x"
    assert '<span class="status unknown big" data-status="PAUSED &lt;b&gt;"' in page.content.decode()


def test_a_stay_is_compared_with_those_of_the_company_where_there_are_enough(person: Client) -> None:
    for number in range(20):
        lived(f"other-{number}", ("WORKING", 20 * HOUR), ("COMPLETE", 20 * HOUR - 10 * MINUTE), company="7")
        lived(f"own-{number}", ("WORKING", 20 * HOUR), ("COMPLETE", 10 * HOUR))
    lived("slow", ("WORKING", HOUR), company="7")
    lived("usual", ("WORKING", HOUR))

    slow, usual = (text(person.get(f"/migrations/{api_id}/")) for api_id in ("slow", "usual"))

    assert (
        "Longer than 95 of 100 usually stay in this status. Half of 20 stays of this company ended within 10 min"
        in slow
    )
    assert "Not longer than usual. Half of 20 stays of this company ended within 10 h 0 min" in usual


@pytest.mark.parametrize(
    "api_id",
    ["a/b", "a b", "ü/é-日本", "../x", "a//b/", "x.", "50%25", "a?b=c#d", "<script>", "-", "note", "é" * 255],
)
def test_any_id_has_a_page_at_the_address_that_the_list_gives(person: Client, api_id: str) -> None:
    factories.migration(api_id, company_id="c&o")

    page = person.get(link(person.get("/migrations/"), api_id) if len(api_id) < 19 else f"/migrations/{api_id}/")

    assert page.status_code == 200
    assert api_id in copied(page)
    assert "<script>" not in page.content.decode().replace('<script type="module"', "")


def test_a_ticket_gets_one_line_that_leads_to_what_was_known_then(person: Client) -> None:
    failed()

    page = person.get(PAGE)

    href = f"http://testserver/m/{ID}?at=2026-11-25T10%3A16%3A05Z"
    state = "Failed since 2026-11-25 10:02–10:03 UTC, as of 2026-11-25 10:03:00 UTC"
    assert f"{state} · migration {ID} · company 42 · {href}" in copied(page)
    assert f"**{state}** · migration [`{ID}`]({href}) · company `42`" in copied(page)
    assert person.get(href, follow=True).redirect_chain[0] == (f"{PAGE}?at=2026-11-25T10%3A16%3A05Z", 302)


def test_an_id_cannot_break_out_of_the_markdown(person: Client) -> None:
    factories.migration("a`](b)")

    (markdown,) = (line for line in copied(person.get("/migrations/a%60%5D(b)/")) if line.startswith("**"))

    assert "[`` a`](b) ``](http://testserver/m/a%60%5D%28b%29?at=" in markdown


def test_the_row_as_sent_is_there_with_what_changed_between_versions(person: Client) -> None:
    one = lived(ID, ("WORKING", 2 * HOUR), ("COMPLETE", HOUR))
    Migration.objects.filter(pk=one.pk).update(
        payload='{"id": "8f", "status": "COMPLETE", "new": ["\\u00fc", "\\ud800"]}'
    )
    PayloadVersion.objects.create(
        migration=one, payload='{"id": "8f", "status": "WORKING", "old": 1}', replaced_at=NOW - HOUR
    )

    words = text(person.get(PAGE))

    assert '"new": [ "ü", "?" ]' in words
    assert "Changed by 2026-11-25 09:16:05 UTC : status, old, new" in words
    assert 'status "WORKING" "COMPLETE"' in words
    assert "old 1 not there" in words


def test_neighbours_of_the_same_user_company_and_hour_are_listed(person: Client) -> None:
    factories.migration("one", created=NOW - 9 * HOUR, company_id="42", created_by_user_id="ann")
    for number in range(7):
        factories.migration(
            f"user-{number}", created=NOW - (20 + number) * HOUR, company_id=None, created_by_user_id="ann"
        )
    factories.migration("colleague", created=NOW - 40 * HOUR, company_id="42", created_by_user_id="bob")
    factories.migration("soon-after", created=NOW - 9 * HOUR + 20 * MINUTE, company_id="7", created_by_user_id="cem")
    factories.migration("far", created=NOW - 7 * HOUR, company_id="7", created_by_user_id="cem")

    page = person.get("/migrations/one/")
    words = text(page)

    assert words.index("Created by ann See all") < words.index("user-0") < words.index("user-4")
    assert "user-5" not in words
    assert "Company 42 Status" in words
    assert "colleague" in words
    assert words.index("Created within half an hour") < words.index("soon-after")
    assert "far" not in words.split()
    assert "user-6" in text(person.get(link(page, "See all")))


def test_the_way_through_the_list_leads_on_and_back(person: Client) -> None:
    for number, status in enumerate(("FAILED", "COMPLETE", "FAILED", "FAILED")):
        factories.migration(f"m-{number}", created=NOW - number * HOUR, status=status)

    listed = person.get("/migrations/?status=FAILED")
    first = person.get(link(listed, "m-0"))
    second = person.get(link(first, "Next in the list"))
    last = person.get(link(second, "Next in the list"))

    assert title(second).endswith("m-2 · Company company-1")
    assert link(second, "Previous in the list") == link(listed, "m-0")
    assert title(last).endswith("m-3 · Company company-1")
    assert "Next in the list" not in text(last)
    assert "Previous in the list" not in text(first)
    assert link(last, "Failed") == "/migrations/?status=FAILED"


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("", ["m-0", "m-1", "m-2", "m-3"]),
        ("sort=created", ["m-3", "m-2", "m-1", "m-0"]),
        ("sort=status", ["m-3", "m-1", "m-2", "m-0"]),
        ("sort=company&status=FAILED&status=COMPLETE", ["m-3", "m-1", "m-2", "m-0"]),
        ("sort=-company", ["m-0", "m-2", "m-1", "m-3"]),
        ("attention=1&sort=-company", ["m-0", "m-2"]),
    ],
)
def test_the_way_through_a_list_is_its_own_order(person: Client, query: str, order: list[str]) -> None:
    """Companies are missing on some, and statuses come in several branches."""
    for number, (status, company) in enumerate(
        [("FAILED", None), ("COMPLETE", "b"), ("FAILED", None), ("COMPLETE", "a")]
    ):
        factories.migration(f"m-{number}", created=NOW - number * HOUR, status=status, company_id=company)

    page = person.get(link(person.get(f"/migrations/?{query}"), order[0]))
    walked = [title(page).split(" · ")[1]]
    while "Next in the list" in text(page):
        page = person.get(link(page, "Next in the list"))
        walked.append(title(page).split(" · ")[1])
    back = person.get(link(page, "Previous in the list"))

    assert walked == order
    assert title(back).split(" · ")[1] == order[-2]


@pytest.mark.parametrize("given", ["status=NONSENSE%00", "sort=bad", "%", "created_after=yesterdayish"])
def test_a_list_that_cannot_be_read_any_more_is_left_out(person: Client, given: str) -> None:
    failed()

    page = person.get(PAGE, {"from": given})

    assert page.status_code == 200
    assert "in the list" not in text(page)


def test_a_page_costs_the_same_few_queries_with_a_little_on_record_and_with_much(person: Client) -> None:
    one = failed()

    def queries(path: str = PAGE) -> int:
        person.get(path)  # the session and what is usual are cached from here on
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert person.get(path).status_code == 200
        return len(captured)

    little, on_the_way = queries(), queries(f"{PAGE}?from=sort%3Dcreated")
    for number in range(60):
        at = NOW - timedelta(seconds=600 - number)
        factories.change(one, "WORKING" if number % 2 else "FAILED", old="FAILED", at=at, not_before=at)
        factories.migration(created=NOW - number * MINUTE, company_id="42", created_by_user_id="robin@example.com")
        PayloadVersion.objects.create(migration=one, payload="{}", replaced_at=at)
    assert queries() == little <= 7
    assert queries(f"{PAGE}?from=sort%3Dcreated") == on_the_way <= 8


def test_an_unchanged_page_is_answered_304_and_a_changed_one_is_not(person: Client) -> None:
    failed()
    person.get(PAGE)  # brings the cookie that its forms need
    first = person.get(PAGE)
    assert person.get(PAGE, headers={"If-None-Match": first["ETag"]}).status_code == 304

    person.post("/triage/note/", {"migration": ID, "text": "Hello"})
    person.get("/preferences/")  # says the message

    again = person.get(PAGE, headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 200
    assert "robin wrote a note" in events(again)[0]


def test_looking_writes_nothing(person: Client) -> None:
    failed()
    person.get(PAGE)
    with CaptureQueriesContext(connection) as captured:
        person.get(PAGE)
        person.get(f"{PAGE}?at=now-1h")
        person.get(f"/m/{ID}")
    assert len(captured) > 10
    assert not [query["sql"] for query in captured if re.search(r"\b(INSERT|UPDATE|DELETE)\b", query["sql"])]


def test_it_needs_a_login_and_leads_back_after_it(client: Client) -> None:
    failed()

    page = client.get(f"/m/{ID}?at=2026-11-25T09:00:00Z")

    assert page.status_code == 302
    assert page["Location"] == f"/accounts/login/?next=/m/{ID}%3Fat%3D2026-11-25T09%3A00%3A00Z"
