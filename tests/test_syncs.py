"""How the mirror is kept, as its pages tell it."""

import html
import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from kombu.exceptions import OperationalError

from dashboard import roles, runs
from dashboard.models import AuditEntry
from migrations_sync import tasks
from migrations_sync.exceptions import LeaseLost
from migrations_sync.models import (
    BlindSpot,
    DailyTally,
    Drift,
    QuarantinedRow,
    Source,
    StatusChange,
    SyncRun,
    WebhookDelivery,
)
from migrations_sync.sync.lease import HeldLease
from tests import factories
from tests.factories import T0

pytestmark = pytest.mark.django_db
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
PAGES = ("/syncs/", "/syncs/blind-spots/", "/syncs/deliveries/", "/syncs/quarantine/", "/syncs/drift/", "/changes/")


def person_with(client: Client, role: str) -> Client:
    user = User.objects.create_user(role)
    roles.assign(user, role)
    client.force_login(user)
    return client


@pytest.fixture
def clock():
    with time_machine.travel(T0, tick=False):
        yield


@pytest.fixture
def person(client, clock):
    return person_with(client, "viewer")


@pytest.fixture
def operator(client, clock):
    return person_with(client, "operator")


def run(
    outcome: str = "complete", *, mode: str = "quick", ago: timedelta = MINUTE, took=2 * SECOND, **fields
) -> SyncRun:
    began = T0 - ago
    ended = None if outcome == "running" else began + took
    return SyncRun.objects.create(
        source=Source.default(), mode=mode, outcome=outcome, started_at=began, finished_at=ended, **fields
    )


def shown(person: Client, path: str) -> str:
    answer = person.get(path)
    assert answer.status_code == 200
    return html.unescape(answer.text)


def test_the_three_clocks_are_told_apart(person):
    Source.default()
    Source.objects.update(attempted_at=T0 - 5 * SECOND, succeeded_at=T0 - 3 * MINUTE, swept_at=T0 - 2 * HOUR)
    clocks = dict(re.findall(r"<dt>([^<]+)</dt><dd class=\"ago\"><time[^>]*>([^<]+)<", shown(person, "/syncs/")))

    assert clocks == {
        "Last attempt": "5 s ago", "Last success": "3 min ago", "Last complete sweep": "2 h 0 min ago",
    }  # fmt: skip


def test_a_mirror_that_never_synced_says_what_to_look_at(person):
    page = shown(person, "/syncs/")

    assert "No sync has run yet." in page
    assert page.count(">never<") == 3
    assert "was true then" not in page


def test_runs_tell_outcome_cost_and_error_in_words_and_numbers(person):
    run("failed", requests=6, seen=200, changed=3, error="GET /migrations?page=3: 503 after 6 tries")
    (row,) = re.findall(r"<tr data-run.*?</tr>", shown(person, "/syncs/"), re.S)

    assert 'data-tone="bad"' in row
    assert ">quick sync</td>" in row
    assert "GET /migrations?page=3: 503 after 6 tries" in row
    assert re.findall(r'class="number">(\d+)<', row) == ["6", "200", "0", "3", "0", "0"]


def test_the_strip_shows_the_last_sixty_runs_each_with_its_link(person):
    for number in range(70):
        run("failed" if number == 69 else "complete", ago=timedelta(minutes=70 - number), took=number * SECOND)
    strip = re.search(r'<svg class="strip".*?</svg>', shown(person, "/syncs/"))
    assert strip
    newest = SyncRun.objects.first()

    assert len(re.findall("<path", strip[0])) == 60
    bad = strip[0].partition('<g data-tone="bad">')[2].partition("</g>")[0]
    assert bad.count("<path") == 1
    assert f'href="/syncs/{newest.pk}/"' in bad


def test_runs_are_paged_newest_first(person):
    for number in range(65):
        run(ago=timedelta(minutes=65 - number))
    first = shown(person, "/syncs/")
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following
    second = shown(person, following[1])
    ids = [int(n) for page in (first, second) for n in re.findall(r'data-run="(\d+)"', page)]

    assert len(ids) == 65
    assert ids == sorted(ids, reverse=True)
    assert "strip" not in second.partition("<main")[2]


def test_one_run_tells_its_plan_its_coverage_and_what_it_saw(person):
    one = run(
        mode="full", seen=990, seen_twice=4, missing=3, recovered=2, disappeared=1, created=5, changed=6, rejected=7,
        list_order="newest_first", waited=12.5, requests=11, retries=1, trigger="person",
        plan={"reasons": ["the last complete sweep began 3600 seconds ago"]}, notes=["page 3 came twice"],
    )  # fmt: skip
    migration = factories.migration("seen-1")
    factories.change(migration, "FAILED", old="WORKING", at=T0, not_before=T0 - MINUTE, run=one)
    page = shown(person, f"/syncs/{one.pk}/")
    coverage = dict(re.findall(r'<tr><td>([^<]+)</td><td class="number">(\d+)</td>', page))

    assert coverage == {
        "Seen": "990", "Seen twice": "4", "New": "5", "Changed": "6", "Unchanged": "0", "Back again": "0",
        "Missing": "3", "Recovered": "2", "Gone": "1", "Can't be read": "7",
    }  # fmt: skip
    for words in (
        "the last complete sweep began 3600 seconds ago",
        "page 3 came twice",
        "by a person",
        "newest first",
    ):
        assert words in page
    assert "12 s, because the API asked for it" in page
    assert 'href="/migrations/seen-1/"' in page
    assert "11:59–12:00 UTC" in page


def test_a_run_that_failed_shows_the_beginning_of_what_it_could_not_read(person):
    one = run("failed", error="page 2 is not a list of migrations", excerpt="<html><b>Sorry</b>")
    answer = person.get(f"/syncs/{one.pk}/")

    assert "&lt;html&gt;&lt;b&gt;Sorry&lt;/b&gt;" in answer.text
    assert "page 2 is not a list of migrations" in answer.text


def test_a_run_that_is_not_there_is_a_404(person):
    assert person.get("/syncs/4711/").status_code == 404


def test_the_changes_of_one_run_are_paged(person):
    one = run()
    migration = factories.migration()
    for number in range(60):
        factories.change(migration, "FAILED", old="WORKING", at=T0 - number * SECOND, not_before=T0 - HOUR, run=one)
    first = shown(person, f"/syncs/{one.pk}/")
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following

    assert [page.count('class="id"') for page in (first, shown(person, following[1]))] == [50, 10]


def test_changes_can_be_narrowed_to_days_and_a_status(person):
    migration = factories.migration()
    for day, status in ((0, "FAILED"), (1, "FAILED"), (1, "COMPLETE"), (2, "FAILED")):
        at = T0 - timedelta(days=day)
        factories.change(migration, status, old="WORKING", at=at, not_before=at)

    def count(query: str) -> int:
        return shown(person, f"/changes/?{query}").count('class="id"')

    assert count("") == 4
    assert count("first=2026-11-19&last=2026-11-19") == 2
    assert count("first=2026-11-19&last=2026-11-20&status=FAILED") == 2
    assert "Changes into Failed, on 2026-11-19" in shown(
        person, "/changes/?first=2026-11-19&last=2026-11-19&status=FAILED"
    )


@pytest.mark.parametrize(
    "query", ["first=yesterday", "run=x", "first=2026-11-20&last=2026-11-19", "run=99999999999999999999"]
)
def test_a_narrowing_that_can_not_be_read_lists_nothing_and_says_why(person, query):
    factories.change(factories.migration(), "FAILED", old="WORKING", at=T0, not_before=T0)
    page = shown(person, f"/changes/?{query}")

    assert 'role="alert"' in page
    assert 'class="id"' not in page


def test_what_the_mirror_met_is_shown_as_text(person, settings):
    settings.MIGRATIONS_WEBHOOK_SECRET = ["whsec_x"]
    source, evil = Source.default(), "<script>alert(1)</script>"
    QuarantinedRow.objects.create(
        source=source, digest="1", raw=evil, reason=f"id: {evil}", first_seen_at=T0, last_seen_at=T0, times=40
    )
    Drift.objects.create(source=source, kind="field", name=evil, example=evil, first_seen_at=T0, last_seen_at=T0)
    WebhookDelivery.objects.create(
        source=source, message_id="msg_1", event_type=evil, api_id=evil, body=evil, error_message=evil, received_at=T0
    )
    BlindSpot.objects.create(source=source, cause="unreachable", detail=evil, started_at=T0 - HOUR, ended_at=T0)
    for path in PAGES[1:-1]:
        answer = person.get(path)
        assert answer.status_code == 200
        assert "&lt;script&gt;" in answer.text
        assert evil not in answer.text


def test_refused_deliveries_are_counted_by_reason(person):
    DailyTally.objects.create(day=T0.date(), kind="webhook_refused", label="bad signature", n=3)
    DailyTally.objects.create(day=T0.date() - timedelta(days=1), kind="webhook_refused", label="bad signature", n=2)
    DailyTally.objects.create(day=T0.date() - timedelta(days=40), kind="webhook_refused", label="too old", n=9)
    page = shown(person, "/syncs/deliveries/")

    assert "bad signature, 5" in page
    assert "too old" not in page
    assert "The intake is switched off here" in page


def test_an_open_blind_spot_is_still_going_on(person):
    source = Source.default()
    BlindSpot.objects.create(source=source, cause="refused", started_at=T0 - 2 * HOUR)
    BlindSpot.objects.create(source=source, cause="quota", started_at=T0 - 9 * HOUR, ended_at=T0 - 8 * HOUR)
    page = shown(person, "/syncs/blind-spots/")

    assert page.index("the API refused the key") < page.index("the API asked us to wait")
    assert page.count("still going on") == 1
    assert "2 h 0 min" in page


def test_only_those_who_may_can_start_a_sync(person, monkeypatch):
    asked = []
    monkeypatch.setattr(tasks.sync, "apply_async", lambda **given: asked.append(given))

    assert "Sync now" not in shown(person, "/syncs/")
    assert person.post("/syncs/now/", {"mode": "full"}).status_code == 403
    assert asked == []


def test_a_sync_that_was_asked_for_goes_to_a_worker_and_into_the_audit(operator, monkeypatch):
    asked = []
    monkeypatch.setattr(tasks.sync, "apply_async", lambda **given: asked.append(given["kwargs"]))
    assert "Sync now" in shown(operator, "/syncs/")
    page = operator.post("/syncs/now/", {"mode": "full"}, follow=True)

    assert asked == [{"mode": "full", "trigger": "person"}]
    assert page.redirect_chain == [("/syncs/#after-0", 302)]
    assert "A full sweep begins as soon as a worker is free." in page.text
    assert AuditEntry.objects.filter(act="sync", who="operator", detail="full sweep").count() == 1


def test_a_sync_that_nobody_can_take_is_not_said_to_be_started(operator, monkeypatch):
    def refuse(**_):
        raise OperationalError("Error 111 connecting to redis://:hunter2@broker")

    monkeypatch.setattr(tasks.sync, "apply_async", refuse)
    page = operator.post("/syncs/now/", {"mode": "quick"}, follow=True)

    assert "Nothing was started" in page.text
    assert "hunter2" not in page.text
    assert not AuditEntry.objects.filter(act="sync").exists()


def test_a_mode_that_there_is_not_starts_nothing(operator, monkeypatch):
    monkeypatch.setattr(tasks.sync, "apply_async", lambda **given: pytest.fail("started"))

    assert "There is no sync called" in operator.post("/syncs/now/", {"mode": "sideways"}, follow=True).text
    assert operator.get("/syncs/now/").status_code == 405


def test_an_operator_stops_a_sync_and_the_next_may_begin(operator):
    one = run("running", ago=30 * SECOND, seen=1200)
    held = HeldLease.acquire(Source.default())
    assert "Stop this sync" in shown(operator, f"/syncs/{one.pk}/")

    page = operator.post("/syncs/stop/", follow=True)

    assert "What it had written stays." in page.text
    one.refresh_from_db()
    assert (one.outcome, one.error) == ("interrupted", "stopped by operator; what it had written stays")
    assert AuditEntry.objects.filter(act="sync.stopped", who="operator").count() == 1
    with pytest.raises(LeaseLost):
        held.renew()
    assert HeldLease.acquire(Source.default())
    assert "Stop this sync" not in shown(operator, f"/syncs/{one.pk}/")


def test_stopping_when_none_is_at_work_says_so(operator):
    assert "No sync was at work." in operator.post("/syncs/stop/", follow=True).text
    assert not AuditEntry.objects.filter(act="sync.stopped").exists()


def test_others_stop_no_sync(person):
    one = run("running", ago=30 * SECOND)

    assert "Stop this sync" not in shown(person, f"/syncs/{one.pk}/")
    assert person.post("/syncs/stop/").status_code == 403
    one.refresh_from_db()
    assert one.outcome == "running"


def test_whoever_waits_for_a_sync_can_follow_it(person):
    assert person.get("/syncs/progress/").json() == {"run": None}

    one = run("running", ago=30 * SECOND, seen=1200, requests=12)
    told = person.get("/syncs/progress/").json()
    assert (told["run"], told["running"], told["seen"], told["took"]) == (one.pk, True, "1\u202f200", "30 s")


@pytest.mark.parametrize(
    ("took", "said"), [(0.04 * SECOND, "0.0 s"), (9.4 * SECOND, "9.4 s"), (75 * SECOND, "1 min"), (-SECOND, "0 s")]
)
def test_a_duration_is_told_as_finely_as_it_matters(took, said):
    assert runs.took(run(took=took), now=T0) == said


def test_the_pages_ask_the_same_of_three_as_of_three_hundred(person, django_assert_num_queries):
    source = Source.default()

    def measure(n: int) -> None:
        last = None
        for number in range(n):
            at = T0 - number * MINUTE
            last = run(ago=number * MINUTE)
            QuarantinedRow.objects.create(
                source=source, digest=f"{n}-{number}", raw="", first_seen_at=at, last_seen_at=at, run=last
            )
            WebhookDelivery.objects.create(source=source, message_id=f"{n}-{number}", body="", received_at=at)
            BlindSpot.objects.create(source=source, cause="quota", started_at=at, ended_at=at, run=last)
            Drift.objects.create(source=source, kind="field", name=f"{n}-{number}", first_seen_at=at, last_seen_at=at)
            factories.change(factories.migration(), "FAILED", old="", at=at, not_before=at, run=last)
        assert last
        StatusChange.objects.update(run=last)
        person.get("/live/")
        detail = f"/syncs/{last.pk}/"
        # Whether the reader may start a sync is two more; a run has its changes, deliveries the refused ones.
        dearer = {"/syncs/": 4, "/syncs/deliveries/": 3, detail: 3}
        for path, queries in {**dict.fromkeys(PAGES, 2), **dearer}.items():
            with django_assert_num_queries(queries):
                shown(person, path)

    measure(3)
    measure(100)
