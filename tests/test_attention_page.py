"""What needs a person, grouped by why; and what people do about it, one by one or all at once, without a script."""

import html
import re
from datetime import datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from dashboard import bulk, roles
from dashboard.models import AuditEntry, TriageAct
from migrations_sync.models import Migration, Source
from migrations_sync.sync.counts import recount
from tests import factories
from tests.factories import T0

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
DAY = 24 * HOUR


@pytest.fixture
def clock():
    with time_machine.travel(T0, tick=False) as traveller:
        yield traveller


@pytest.fixture
def person(client, clock):
    user = User.objects.create_user("ann")
    roles.assign(user, "triager")
    client.force_login(user)
    return client


def one(status: str, api_id: str | None = None, *, for_: timedelta = HOUR, **fields) -> Migration:
    began = T0 - for_
    return factories.migration(api_id, status=status, created=began, status_changed_at=began, **fields)


def mirror(age: timedelta = timedelta(seconds=5)) -> None:
    recount(Source.default())
    Source.objects.update(succeeded_at=T0 - age, attempted_at=T0 - age, swept_at=T0 - age)


def shown(person: Client, path: str = "/attention/") -> str:
    answer = person.get(path)
    assert answer.status_code == 200
    return html.unescape(answer.text)


def groups(page: str) -> dict[str, list[str]]:
    """The ids by the group they stand in, as they are listed."""
    parts = page.split("data-group>")[1:]
    return {
        re.search(r'id="g-(\w+)"', part)[1]: re.findall(r'data-migration-id="([^"]+)"', part)  # type: ignore[index]
        for part in parts
    }


def act(person: Client, act: str, *chosen: Migration, follow: bool = True, **form: object):
    sent = {"act": act, "scope": "selected", "key": [m.pk for m in chosen], "at": datetime.isoformat(T0), **form}
    return person.post("/attention/act/", sent, follow=follow)


def test_each_stands_in_the_group_of_its_reason_with_the_longest_first(person):
    one("FAILED", "f1"), one("FAILED", "f9", for_=9 * HOUR)
    one("PENDING_USER_INPUT", "w", for_=2 * DAY), one("PENDING_USER_INPUT")
    one("PAUSED", "odd"), one("WORKING", "gone", gone_at=T0 - HOUR), one("COMPLETE")
    mirror()
    page = shown(person)

    assert groups(page) == {"failed": ["f9", "f1"], "waiting": ["w"], "unknown": ["odd"], "gone": ["gone"]}
    assert "5 migrations need a person" in page


def test_each_group_says_why_and_what_to_do_and_how_long_is_too_long(person):
    one("PENDING_USER_INPUT", "w", for_=2 * DAY)
    mirror()
    page = shown(person)

    assert "for more than 1 d 0 h (until enough of them were watched to know what is usual)" in page
    assert "Ask that person to return to the migration window and answer." in page


def test_a_large_group_shows_its_longest_and_leads_to_all(person):
    for number in range(60):
        one("FAILED", f"f{number:02}", for_=number * HOUR)
    mirror()
    page = shown(person)
    assert groups(page) == {"failed": [f"f{number}" for number in range(59, 49, -1)]}

    alone = shown(person, "/attention/?reason=failed")
    following = re.search(r'rel="next" href="([^"]+)"', alone)
    assert following
    rest = shown(person, following[1])
    assert [len(groups(part)["failed"]) for part in (alone, rest)] == [50, 10]
    assert not set(groups(alone)["failed"]) & set(groups(rest)["failed"])


@pytest.mark.parametrize("path", ["?reason=boredom", "?reason=failed&after=x", "?reason=quiet&before=WyJ4Il0"])
def test_an_address_that_means_nothing_is_a_404(person, path):
    mirror()
    assert person.get(f"/attention/{path}").status_code == 404


def test_nothing_is_good_news_only_while_the_mirror_may_be_believed(person):
    assert "Nothing is known yet" in shown(person)

    mirror()
    assert "Nothing needs a person" in shown(person)

    mirror(age=DAY)
    page = shown(person)
    assert "It can't be said whether a migration needs a person" in page
    assert "Nothing needs a person" not in page


def test_the_selected_are_acknowledged_with_a_reason_and_leave(person):
    first, second, third = (one("FAILED", name) for name in ("a", "b", "c"))
    mirror()
    page = act(person, "acknowledge", first, third, text="the customer starts again").text

    assert "2 migrations acknowledged" in page
    assert groups(page) == {"failed": ["b"]}
    assert "1 migration needs a person" in page
    assert set(TriageAct.objects.values_list("migration__api_id", "who", "text")) == {
        ("a", "ann", "the customer starts again"),
        ("c", "ann", "the customer starts again"),
    }
    assert second.pk


def test_acknowledging_without_a_reason_does_nothing(person):
    failed = one("FAILED", "a")
    mirror()
    page = act(person, "acknowledge", failed, text=" ").text

    assert "Say why, so that the next person knows." in page
    assert groups(page) == {"failed": ["a"]}


def test_an_acknowledged_one_comes_back_when_it_goes_bad_again(person):
    failed = one("FAILED", "a")
    mirror()
    act(person, "acknowledge", failed, text="seen")
    Migration.objects.filter(pk=failed.pk).update(status="COMPLETED_WITH_FAILURES", status_changed_at=T0)
    mirror()
    Source.default().touch()

    assert groups(shown(person)) == {"partial": ["a"]}


def test_a_snoozed_one_comes_back_when_its_time_is_over(person, clock):
    failed = one("FAILED", "a")
    mirror()
    page = act(person, "snooze", failed, snooze="1h", text="on leave").text
    assert groups(page) == {}
    assert "snoozed by ann until 2026-11-20 13:00 UTC: on leave" in shown(person, "/attention/?reason=quiet")

    clock.move_to(T0 + HOUR + timedelta(seconds=1))
    assert groups(shown(person)) == {"failed": ["a"]}


@pytest.mark.parametrize(
    ("snooze", "ends"),
    [
        ("4h", T0 + 4 * HOUR),
        ("7d", T0 + 7 * DAY),
        ("change", None),
        ("morning", datetime(2026, 11, 21, 8, tzinfo=T0.tzinfo)),
    ],
)
def test_a_snooze_ends_when_it_says(person, snooze, ends):
    failed = one("FAILED")
    mirror()
    act(person, "snooze", failed, snooze=snooze)

    assert TriageAct.objects.get().until == ends


def test_a_morning_is_one_where_the_reader_lives(person):
    person.post("/preferences/", {"zone": "Asia/Tokyo"})  # 21:00 there
    failed = one("FAILED")
    mirror()
    act(person, "snooze", failed, snooze="morning")

    assert TriageAct.objects.get().until == datetime(2026, 11, 20, 23, tzinfo=T0.tzinfo)


def test_what_one_takes_is_shown_to_all_and_listed_for_oneself(person):
    failed, _other = one("FAILED", "mine", for_=2 * HOUR), one("FAILED", "other")
    mirror()
    page = act(person, "assign", failed).text
    assert re.search(r'data-migration-id="mine".*?<td>ann</td></tr>', page, re.S)

    assert groups(shown(person, "/attention/?reason=mine")) == {"mine": ["mine"]}
    page = act(person, "release", failed, shown="mine").text
    assert groups(page) == {}


def test_all_of_a_group_can_be_acknowledged_at_once_beyond_what_is_shown(person):
    for number in range(70):
        one("FAILED", for_=number * HOUR)
    one("LOGIN_ABANDONED", "a")
    mirror()
    assert '<option value="failed">all 70: Failed</option>' in shown(person)
    page = act(person, "acknowledge", scope="failed", text="a known outage of the provider").text

    assert "70 migrations acknowledged" in page
    assert groups(page) == {"abandoned": ["a"]}


def test_all_means_all_that_there_were_when_the_page_was_made(person):
    one("FAILED", "old")
    late = one("FAILED", "late")
    Migration.objects.filter(pk=late.pk).update(status_changed_at=T0 + timedelta(seconds=1))
    mirror()
    page = act(person, "acknowledge", scope="failed", text="seen").text

    assert "1 migration acknowledged" in page
    assert groups(page) == {"failed": ["late"]}


def test_more_than_one_act_may_touch_are_said_to_be_left(person, monkeypatch):
    monkeypatch.setattr(bulk, "MOST", 3)
    for _ in range(5):
        one("FAILED")
    mirror()
    page = act(person, "snooze", scope="failed", snooze="1h").text

    assert "3 migrations snoozed. There are more than 3: do it again for the rest." in page
    assert len(groups(page)["failed"]) == 2


def test_what_was_seen_to_can_be_raised_again_one_or_all(person):
    several = [one("FAILED", name, for_=n * HOUR) for n, name in enumerate("abc", 1)]
    mirror()
    act(person, "acknowledge", *several, text="seen")
    quiet = shown(person, "/attention/?reason=quiet")
    assert groups(quiet) == {"quiet": ["c", "b", "a"]}
    assert "acknowledged by ann: seen" in quiet

    assert groups(act(person, "reopen", several[0], shown="quiet").text) == {"quiet": ["c", "b"]}
    act(person, "reopen", scope="quiet")
    assert groups(shown(person)) == {"failed": ["c", "b", "a"]}


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "Select the migrations first"),
        ({"key": ["x", "²", "9" * 30]}, "Select the migrations first"),
        ({"scope": "failed", "at": "yesterday"}, "The form is not whole"),
        ({"scope": "failed", "at": "2026-13-45T99:00Z"}, "The form is not whole"),
        ({"scope": "everything"}, "everything is not one of the available choices"),
        ({"act": "delete"}, "delete is not one of the available choices"),
    ],
)
def test_a_form_that_does_not_say_what_to_do_does_nothing(person, form, words):
    one("FAILED")
    mirror()
    sent = {"act": "assign", "scope": "selected", **form}

    assert words in html.unescape(person.post("/attention/act/", sent, follow=True).text)
    assert not TriageAct.objects.exists()


def test_who_may_not_triage_sees_everything_and_changes_nothing(client, clock):
    user = User.objects.create_user("vic")
    roles.assign(user, "viewer")
    client.force_login(user)
    failed = one("FAILED", "a")
    mirror()
    page = shown(client)

    assert groups(page) == {"failed": ["a"]}
    assert 'type="checkbox"' not in page.partition("<main")[2]
    assert act(client, "assign", failed, follow=False).status_code == 403
    assert not TriageAct.objects.exists()


def test_every_act_is_in_the_audit(person):
    failed = one("FAILED", "a")
    mirror()
    act(person, "assign", failed)

    assert AuditEntry.objects.filter(who="ann", act="triage.assign", migration="a").count() == 1


def test_looking_changes_nothing(person):
    one("FAILED")
    mirror()
    assert person.get("/attention/act/").status_code == 405


def test_the_page_asks_as_little_of_three_as_of_three_hundred(person, django_assert_max_num_queries):
    def measure(n: int) -> None:
        for _ in range(n):
            for status in ("FAILED", "LOGIN_ABANDONED", "PAUSED"):
                one(status)
        mirror()
        Source.default().touch()
        shown(person, "/live/")
        with django_assert_max_num_queries(
            8
        ):  # the reader 1, what the reader may 2, the mirror 1, groups 3 on SQLite
            shown(person)
        with django_assert_max_num_queries(6):
            shown(person, "/attention/?reason=failed")

    measure(1)
    measure(100)
