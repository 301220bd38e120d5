"""Every fault of the API, played by a real server to a whole pass: what the run says, and that nothing is lost.

Each case starts from a complete mirror of a list, then changes the list a little while the API misbehaves.
"""

import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from migrations_sync import freshness
from migrations_sync.client import Client
from migrations_sync.models import BlindSpot, Lease, Migration, QuarantinedRow, Source
from migrations_sync.sync.counts import recount
from migrations_sync.sync.passes import Intervals, Report, run_pass
from tests import api_server
from tests.api_server import KEY, ApiServer, Reply, row, rows
from tests.fixtures_api import FastClock

pytestmark = pytest.mark.django_db
INTERVALS = Intervals(quick=60, full=3600)
IN_5_SECONDS = format_datetime(datetime.now(UTC) + timedelta(seconds=5), usegmt=True)
IN_2_HOURS = format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)

MakeClient = Callable[..., Client]


@pytest.fixture
def mirrored(api: ApiServer, make_client: MakeClient) -> ApiServer:
    """The API, after a complete sweep of its 55 migrations; then one has changed and one is new."""
    api.rows = rows(55)
    assert full(make_client).outcome == "complete"
    api.rows[42] |= {"status": "FAILED"}
    api.rows.append(row("m-new"))
    api.requests.clear()
    return api


def full(make_client: MakeClient, **settings: Any) -> Report:
    # A tenth of a second is a long time on loopback; whatever hangs is noticed soon.
    given = {"timeout": 0.15, "max_retries": 2, "clock": FastClock()} | settings
    return run_pass(lambda: make_client(**given), mode="full", intervals=INTERVALS, trigger="command")


def assert_nothing_is_lost() -> None:
    assert Migration.objects.present().count() >= 55
    assert not Migration.objects.gone().exists()
    assert Lease.objects.get().owner == ""
    assert set(recount(Source.default()).values()) == {0}


def assert_next_is_complete(api: ApiServer, make_client: MakeClient) -> None:
    api.behave()
    api.past_the_end = None
    api.shape = "array"
    Source.objects.update(hold_until=None)
    assert full(make_client).outcome == "complete"
    held = dict(Migration.objects.present().values_list("api_id", "status"))
    assert held == {r["id"]: r["status"] for r in api.rows}
    assert not BlindSpot.objects.filter(ended_at__isnull=True).exists()


PASSING = {
    "429 with seconds": Reply(429, {}, {"Retry-After": "3"}),
    "429 with a date": Reply(429, {}, {"Retry-After": IN_5_SECONDS}),
    "429 with nothing": 429,
    "429 with nonsense": Reply(429, {}, {"Retry-After": "later"}),
    "500": 500,
    "502 in HTML": Reply(502, b"<html>Bad gateway</html>"),
    "503 with seconds": Reply(503, {}, {"Retry-After": "1"}),
    "reset": api_server.reset,
    "cut off": api_server.cut_off,
    "truncated JSON": Reply(200, b'[{"id": "m-0000'),
    "HTML with 200": Reply(200, b"<html>Please log in</html>"),
    "null": Reply(200, None),
    "stalled": api_server.stall,
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_fault_that_passes_costs_a_retry_and_nothing_else(mirrored: ApiServer, make_client: MakeClient, fault: Any):
    mirrored.will_answer_page(3, fault)

    report = full(make_client)

    assert (report.outcome, report.run.created, report.run.changed) == ("complete", 1, 1)
    assert report.run.retries >= 1
    assert_nothing_is_lost()


# What stays wrong with page 3, what the run's one line must say, and the cause of the blind spot.
LASTING = {
    "429": (429, "429", "quota"),
    "a long Retry-After": (Reply(429, {}, {"Retry-After": "7200"}), "429", "quota"),
    "a Retry-After far ahead": (Reply(503, {}, {"Retry-After": IN_2_HOURS}), "503", "quota"),
    "500": (500, "500 after 3 tries", "unreachable"),
    "503": (503, "503 after 3 tries", "unreachable"),
    "reset": (api_server.reset, "page=3", "unreachable"),
    "stalled": (api_server.stall, "page=3", "unreachable"),
    "dripping headers": (api_server.drip_headers, "page=3", "unreachable"),
    "dripping body": (api_server.drip_body, "page=3", "unreachable"),
    "no HTTP": (api_server.no_http, "page=3", "unreachable"),
    "cut off": (api_server.cut_off, "page=3", "unreachable"),
    "401": (401, "MIGRATIONS_API_KEY", "refused"),
    "403": (403, "MIGRATIONS_API_KEY", "refused"),
    "truncated JSON": (Reply(200, b'[{"id": "m-0'), "page=3", "unreadable"),
    "HTML with 200": (Reply(200, b"<html>Please log in</html>"), "page=3", "unreadable"),
    "null": (Reply(200, None), "page=3", "unreadable"),
    "an object": (Reply(200, {"ok": True}), "page=3", "unreadable"),
    "a text": (Reply(200, "nothing here"), "page=3", "unreadable"),
    "50 MB": (api_server.huge, "page=3", "unreadable"),
    "400": (400, "400", "unreadable"),
}


@pytest.mark.parametrize(("fault", "told", "cause"), LASTING.values(), ids=LASTING)
def test_a_fault_that_stays_fails_the_run_and_changes_only_the_freshness(
    mirrored: ApiServer, make_client: MakeClient, fault: Any, told: str, cause: str
):
    saw = Source.default().succeeded_at
    mirrored.always_answer_page(3, fault)

    report = full(make_client)

    assert report.outcome == "failed"
    assert told in report.error
    assert "\n" not in report.error
    assert len(mirrored.requests) < 30
    spot = BlindSpot.objects.get(ended_at__isnull=True)
    assert (spot.cause, spot.started_at, Source.default().succeeded_at) == (cause, saw, saw)
    later = freshness.of(Source.default(), now=saw + timedelta(minutes=10), interval=60)
    assert (later.level, later.trusted, later.cause) == ("blind", False, report.error)
    assert_nothing_is_lost()
    assert_next_is_complete(mirrored, make_client)


def test_a_refused_connection_fails_the_run(mirrored: ApiServer, make_client: MakeClient):
    report = full(make_client, base_url="http://127.0.0.1:9/api/v1")

    assert report.outcome == "failed"
    assert_nothing_is_lost()
    assert_next_is_complete(mirrored, make_client)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_not_tried_again(mirrored: ApiServer, make_client: MakeClient, status: int):
    mirrored.always_answer(status)

    report = full(make_client, concurrency=1)

    assert (report.outcome, len(mirrored.requests)) == ("failed", 1)


def test_a_long_retry_after_holds_the_next_pass_off_without_a_request(mirrored: ApiServer, make_client: MakeClient):
    mirrored.always_answer_page(1, Reply(429, {}, {"Retry-After": "7200"}))
    full(make_client)
    asked = len(mirrored.requests)

    report = full(make_client)

    assert (report.outcome, len(mirrored.requests)) == ("skipped", asked)
    assert_nothing_is_lost()


def test_the_key_is_not_sent_to_a_redirects_other_host(
    mirrored: ApiServer, other_api: ApiServer, make_client: MakeClient
):
    mirrored.always_answer_page(2, api_server.redirect(f"{other_api.url}/migrations?page=2"))

    report = full(make_client)

    assert (report.outcome, other_api.requests) == ("failed", [])
    assert_nothing_is_lost()
    assert_next_is_complete(mirrored, make_client)


@pytest.mark.parametrize("shape", ["array", "data", "items", "migrations", "results", "pagination"])
def test_an_empty_list_for_everything_makes_nobody_vanish(mirrored: ApiServer, make_client: MakeClient, shape: str):
    kept, mirrored.rows, mirrored.shape = mirrored.rows, [], shape

    report = full(make_client)

    assert (report.outcome, report.run.disappeared) == ("partial", 0)
    assert "empty" in report.error
    assert_nothing_is_lost()
    mirrored.rows = kept
    assert_next_is_complete(mirrored, make_client)


def test_a_list_that_changes_its_envelope_is_read_and_recorded(mirrored: ApiServer, make_client: MakeClient):
    mirrored.shape = "items"

    assert full(make_client).outcome == "complete"
    assert Source.default().list_shape == "items"


def test_a_short_last_page_served_for_every_later_number_is_the_end(mirrored: ApiServer, make_client: MakeClient):
    mirrored.past_the_end = "last"

    report = full(make_client)

    assert (report.outcome, report.run.seen) == ("complete", 56)
    assert report.run.notes != []


def test_a_full_page_served_for_ever_fails_the_run(mirrored: ApiServer, make_client: MakeClient):
    for number in range(3, 60):
        mirrored.always_answer_page(number, rows(10, first=21))

    report = full(make_client)

    assert report.outcome == "failed"
    assert "repeat" in report.error
    assert_nothing_is_lost()
    assert_next_is_complete(mirrored, make_client)


def test_a_list_without_end_fails_the_run_within_its_bound(mirrored: ApiServer, make_client: MakeClient):
    endless = ({"object": "list", "data": [row(f"x-{page}-{n}") for n in range(10)]} for page in range(10_000))
    mirrored.always_answer(lambda handler: Reply(200, next(endless))(handler))

    report = full(make_client, max_pages=50, concurrency=1)

    assert report.outcome == "failed"
    assert "50" in report.error
    assert report.run.pages == 50


def test_a_server_that_ignores_the_page_number_is_noticed(api: ApiServer, make_client: MakeClient):
    api.always_answer(rows(10))

    report = full(make_client)

    assert report.outcome == "failed"
    assert "repeat" in report.error


def test_ids_twice_within_and_across_pages_are_one_migration(api: ApiServer, make_client: MakeClient):
    api.rows = [row("a"), row("a"), *rows(9), row("a"), *rows(9), row("b")]

    report = full(make_client)

    assert (report.outcome, report.run.seen, Migration.objects.count()) == ("complete", 11, 11)
    assert report.run.seen_twice >= 11


ODD_IDS = [
    "a/b",
    "a b",
    "ünïcode-\N{SNOWMAN}",
    "..",
    ".",
    "x" * 255,
    "%2e%2e",
    "a?b=c#d",
    "a+b",
    "<b>",
    "a\\b",
    "'\"",
]


def test_odd_ids_are_mirrored_and_asked_for_as_they_are(api: ApiServer, make_client: MakeClient):
    api.rows = [*rows(60), *[row(api_id) for api_id in ODD_IDS]]
    full(make_client)
    hidden = {"a/b", "a?b=c#d", "ünïcode-\N{SNOWMAN}"}
    listed = [r for r in api.rows if r["id"] not in hidden]
    for start in range(0, len(listed) + 10, 10):
        api.always_answer_page(start // 10 + 1, listed[start : start + 10])

    report = full(make_client)

    assert set(ODD_IDS) <= set(Migration.objects.values_list("api_id", flat=True))
    assert (report.outcome, report.run.missing, report.run.recovered) == ("complete", 3, 3)


ODD_ROWS = {
    "an unknown status": (row("x", status="PAUSED"), True),
    "a lowercase status": (row("x", status="failed"), True),
    "no company": (row("x", company_id=None), True),
    "no user": (row("x", created_by_user_id=None), True),
    "a missing company": ({k: v for k, v in row("x").items() if k != "company_id"}, True),
    "an undocumented field": (row("x", progress={"done": 5}), True),
    "HTML in every field": (row("x", status="<b>", company_id="<script>", created_by_user_id="<img src=x>"), True),
    "right-to-left and emoji": (row("x", company_id="\u202eabc\U0001f600"), True),
    "NUL in an undocumented field": (row("x", note="a\0b"), True),
    "Z": (row("x", created="2026-11-20T12:00:00Z"), True),
    "an offset": (row("x", created="2026-11-20T12:00:00.5+05:30"), True),
    "a far future": (row("x", created="9999-12-30T00:00:00"), True),
    "a missing status": ({k: v for k, v in row("x").items() if k != "status"}, False),
    "a null status": (row("x", status=None), False),
    "a number for a status": (row("x", status=5), False),
    "a list for a company": (row("x", company_id=["a"]), False),
    "a number for a user": (row("x", created_by_user_id=7), False),
    "an invalid time": (row("x", created="2026-02-30T12:00:00"), False),
    "a number for a time": (row("x", created=1763640000), False),
    "NUL in the status": (row("x", status="FAIL\0ED"), False),
    "a number for an id": (row("x", id=5), False),
    "an id too long": (row("x" * 256), False),
    "half a surrogate pair": (row("x", company_id="\ud800"), False),
    "a row that is a text": ("x", False),
    "a row that is null": (None, False),
}


@pytest.mark.parametrize(("odd", "readable"), ODD_ROWS.values(), ids=ODD_ROWS)
def test_an_odd_row_is_mirrored_or_kept_in_quarantine_and_stops_no_other(
    api: ApiServer, make_client: MakeClient, odd: Any, readable: bool
):
    api.rows = [*rows(15), odd, *rows(15, first=16)]

    report = full(make_client)

    assert (report.outcome, report.run.seen, report.run.rejected) == (
        "complete", 30 + readable, int(not readable),
    )  # fmt: skip
    if readable:
        assert json.loads(Migration.objects.get(api_id="x").raw) == odd
    else:
        assert json.loads(QuarantinedRow.objects.get().raw) == odd
        assert QuarantinedRow.objects.get().reason


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture
def configured(api: ApiServer, settings: Any) -> ApiServer:
    settings.MIGRATIONS_API_URL, settings.MIGRATIONS_API_KEY = api.url, KEY
    settings.MIGRATIONS_API_TIMEOUT, settings.MIGRATIONS_API_MAX_RETRIES = 1, 0
    return api


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    with pytest.raises(SystemExit) as ended:
        call_command("sync_migrations", "--json", *arguments)
    return int(ended.value.code or 0), json.loads(capsys.readouterr().out.splitlines()[-1])


def test_exit_status_and_summary_tell_the_outcome(configured: ApiServer, capsys: pytest.CaptureFixture[str]):
    configured.rows = rows(120)
    status, summary = command(capsys)
    assert (status, summary["outcome"], summary["seen"], summary["error"]) == (0, "complete", 120, None)
    assert summary["requests"] == len(configured.requests)

    configured.rows = []
    status, summary = command(capsys, "--full")
    assert (status, summary["outcome"]) == (3, "partial")

    configured.always_answer(500)
    status, summary = command(capsys, "--quick")
    assert (status, summary["outcome"]) == (1, "failed")
    assert "500" in summary["error"]

    Lease.objects.update(owner="another", expires_at=datetime.now(UTC) + timedelta(seconds=50))
    status, summary = command(capsys)
    assert (status, summary["outcome"]) == (4, "skipped")


# --- the key --------------------------------------------------------------------------------------


@pytest.fixture
def everything_logged() -> Iterator[list[str]]:
    """Every log line of every logger at its lowest level, with tracebacks."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record) + repr(record.__dict__))

    handler, root = Keep(level=0), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(0)
    yield lines
    root.removeHandler(handler)
    root.setLevel(level)


def everything_stored() -> str:
    """The text of every row of every table."""
    told = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute("SELECT * FROM " + connection.ops.quote_name(table))  # noqa: S608 (our own tables)
            told.append(repr(cursor.fetchall()))
    return "".join(told)


TELLING = [*[fault for fault, _, _ in LASTING.values()], *map(api_server.echo_key, (200, 400, 401, 404, 500))]


def test_under_every_fault_the_key_is_nowhere(
    mirrored: ApiServer,
    make_client: MakeClient,
    everything_logged: list[str],
    capfd: pytest.CaptureFixture[str],
):
    reports = []
    for fault in TELLING:
        mirrored.behave()
        mirrored.always_answer_page(2, fault)
        Source.objects.update(hold_until=None)
        reports.append(full(make_client, max_retries=0))

    assert {report.outcome for report in reports} <= {"failed", "partial"}  # a 404 ends the list
    printed = "".join(capfd.readouterr())
    told = [*everything_logged, everything_stored(), printed, *[json.dumps(r.as_json()) + repr(r) for r in reports]]
    assert everything_logged
    for text in told:
        assert KEY not in text
        assert KEY.removeprefix("anon_") not in text
