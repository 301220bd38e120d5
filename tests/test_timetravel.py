"""``?at=``: a page as the mirror would have shown it at a past moment, and nothing that could be taken for now."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from migrations_sync.models import BlindSpot, Migration, PayloadVersion, Source, StatusChange, SyncRun
from tests import factories
from tests.reading import copied, events, link, part, text, title

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PAGE = "/migrations/one/"


@pytest.fixture(autouse=True)
def at_noon(db: None) -> Any:
    Source.objects.filter(pk=Source.default().pk).update(succeeded_at=NOW, attempted_at=NOW, swept_at=NOW)
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def person(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("robin"))
    return client


@pytest.fixture
def one() -> Migration:
    """Found working at eight by the first sweep; failed at ten, complete and of another company since eleven."""
    one = factories.migration(
        "one", status="COMPLETE", company_id="new", created=NOW - 30 * HOUR, first_seen_at=NOW - 4 * HOUR,
        status_changed_at=NOW - HOUR, status_not_before=NOW - HOUR - MINUTE, checked_at=NOW - HOUR,
    )  # fmt: skip
    for old, new, ago in (("WORKING", "FAILED", 2 * HOUR), ("FAILED", "COMPLETE", HOUR)):
        factories.change(one, new, old=old, at=NOW - ago, not_before=NOW - ago - MINUTE, via="webhook")
        row = f'{{"id": "one", "status": "{old}", "company_id": "old"}}'
        PayloadVersion.objects.create(migration=one, payload=row, replaced_at=NOW - ago)
    for mode, ago in (("full", 150 * MINUTE), ("quick", 90 * MINUTE), ("full", 10 * MINUTE)):
        began = NOW - ago
        SyncRun.objects.create(
            source=one.source, mode=mode, outcome="complete", started_at=began, finished_at=began + MINUTE
        )
    return one


def test_it_shows_what_was_known_then_and_nothing_later(person: Client, one: Migration) -> None:
    page = person.get(f"{PAGE}?at=2026-11-25T10:15:00Z")

    assert title(page) == "Then: Failed · one · Company old"
    assert "Failed since 09:59–10:00 UTC , 15 min ago at the time; as of 10:00:00 UTC ." in text(page)
    assert [event.partition(" ")[0] for event in events(page)] == ["Failed", "First", "Created"]
    assert '"status": "FAILED"' in text(page)
    assert "Complete" not in text(page)
    assert "new" not in part(page, "fact-list").split()


def test_before_the_first_change_it_shows_how_it_was_found(person: Client, one: Migration) -> None:
    page = person.get(f"{PAGE}?at=2026-11-25T09:45:00Z")

    assert "Working when first seen, at 08:00:00 UTC , 1 h 45 min ago at the time; as of 09:30:00 UTC ." in text(page)


def test_between_the_changes_and_since_the_last_one(person: Client, one: Migration) -> None:
    assert title(person.get(f"{PAGE}?at=2026-11-25T10:59:59.9Z")).startswith("Then: Failed")
    latest = person.get(f"{PAGE}?at=2026-11-25T11:55:00Z")
    assert title(latest) == "Then: Complete · one · Company new"
    assert "as of 11:50:00 UTC" in text(latest)


def test_a_link_shows_the_second_in_which_it_was_made_to_its_end(person: Client, one: Migration) -> None:
    StatusChange.objects.filter(new="FAILED").update(observed_at=NOW - 2 * HOUR + timedelta(milliseconds=400))

    assert title(person.get(f"{PAGE}?at=2026-11-25T10:00:00Z")).startswith("Then: Failed")


def test_the_past_is_marked_and_has_a_way_back(person: Client, one: Migration) -> None:
    page = person.get(f"{PAGE}?at=2026-11-25T10:15:00Z")

    assert "The past. This is what was known at 2026-11-25 10:15:00 UTC , not how things are now." in text(page)
    assert link(page, "Back to now") == PAGE
    assert "data-age" not in part_markup(page, "state")
    assert "data-span" not in part_markup(page, "state")
    assert "Take it" not in text(page)
    assert "Check now" not in text(page)
    assert any("/m/one?at=2026-11-25T10%3A15%3A00Z" in line for line in copied(page))


def part_markup(page: Any, element_id: str) -> str:
    return page.content.decode().split(f'id="{element_id}"')[1].split("</section>")[0]


def test_a_blind_spot_that_ended_later_was_still_open_then(person: Client, one: Migration) -> None:
    BlindSpot.objects.create(
        source=one.source, cause="refused", started_at=NOW - 200 * MINUTE, ended_at=NOW - 130 * MINUTE
    )

    page = person.get(f"{PAGE}?at=2026-11-25T09:00:00Z")

    assert events(page)[0] == "Nobody could look since 08:40:00 UTC for 20 min: the API refused the key"


def test_one_that_was_gone_then_and_came_back_later_was_gone(person: Client, one: Migration) -> None:
    for kind, ago in (("gone", 110 * MINUTE), ("returned", 70 * MINUTE)):
        at = NOW - ago
        factories.change(one, "FAILED", old="FAILED", at=at, not_before=at - MINUTE, kind=kind, via="sweep")

    assert title(person.get(f"{PAGE}?at=now-90min")) == "Then: Gone (Failed) · one · Company old"
    assert title(person.get(f"{PAGE}?at=now-65min")) == "Then: Failed · one · Company old"


def test_before_it_was_first_seen_the_page_says_just_that(person: Client, one: Migration) -> None:
    page = person.get(f"{PAGE}?at=2026-11-25T07:00:00Z")

    assert page.status_code == 200
    assert "The mirror did not know this migration then. It was first seen at 2026-11-25 08:00:00 UTC" in text(page)
    assert 'class="status' not in page.content.decode()
    assert title(person.get(link(page, "2026-11-25 08:00:00 UTC"))).startswith("Then: Working")


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("yesterdayish", "Use a date, a time such as"),
        ("", "Use a date, a time such as"),
        ("2026-13-45", "Use a date, a time such as"),
        ("0001-01-01T00:00%2B14:00", "Use a date, a time such as"),
        ("2026-11-25T12:00:01Z", "2026-11-25 12:00:01 UTC is still to come"),
        ("9999-12-31T23:59:59Z", "is still to come"),
    ],
)
def test_a_moment_that_cannot_be_used_is_an_error_and_shows_no_state(
    person: Client, one: Migration, at: str, words: str
) -> None:
    page = person.get(f"{PAGE}?at={at}")

    assert page.status_code == 200
    assert words in text(page)
    assert 'role="alert"' in page.content.decode()
    assert 'class="status' not in page.content.decode()
    assert link(page, "See it as it is now") == PAGE


@pytest.mark.parametrize(
    "at",
    ["2026-11-25T10:15Z", "2026-11-25T10:15", "2026-11-25T11:15%2B01:00", "2026-11-25T11:15+01:00", "now-105min"],
)
def test_a_moment_may_be_written_in_any_of_the_usual_ways(person: Client, one: Migration, at: str) -> None:
    assert "known at 2026-11-25 10:15:00 UTC" in text(person.get(f"{PAGE}?at={at}"))
