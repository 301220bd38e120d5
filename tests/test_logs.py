import io
import json
import logging
import sys

import pytest
import structlog
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from dashboard import errors, logs, redaction
from dashboard.celery import app
from dashboard.middleware import RequestLogMiddleware
from migrations_sync.sync.passes import Intervals, run_pass
from tests.list_api import ListApi, row

pytestmark = pytest.mark.once

KEY = "anon_PLANTED-key-9f8e7d6c5b4a"


@pytest.fixture
def lines():
    """What the product writes to its log from now on, at DEBUG."""
    redaction.hide(KEY)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.Formatter("json"))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(before)


def test_a_line_is_json_and_carries_the_ids_of_what_is_worked_on(lines):
    with structlog.contextvars.bound_contextvars(request="r-1", run=7):
        logging.getLogger("somebody.else").warning("half %s", "way", extra={"pages": 3})
        structlog.stdlib.get_logger("ours").info("synced", seen=2)

    theirs, ours = lines()
    assert theirs["event"] == "half way"
    assert theirs["pages"] == 3
    assert ours["seen"] == 2
    assert [line["run"] for line in (theirs, ours)] == [7, 7]
    assert [line["request"] for line in (theirs, ours)] == ["r-1", "r-1"]
    assert ours["at"].endswith("Z")


@pytest.mark.parametrize(
    "secret", [KEY, f"Bearer {'x' * 20}", "whsec_c2VjcmV0LXNlY3JldA==", "redis://:hunter2hunter2@host:6379/0"]
)
def test_no_secret_reaches_a_line_by_any_way(lines, secret):
    log = logging.getLogger("any.library")
    log.debug("header %s", secret)
    log.info("body", extra={"headers": {"Authorization": secret}, "again": [secret.encode()]})
    structlog.stdlib.get_logger("ours").error("oops", value=secret, nested={"a": [secret]})
    try:
        raise ValueError(f"cannot use {secret}")
    except ValueError:
        log.exception("failed")

    written = json.dumps(lines())
    assert len(lines()) == 4
    for word in (KEY, "x" * 20, "c2VjcmV0LXNlY3JldA", "hunter2hunter2"):
        assert word not in written
    assert "cannot use" in written


def test_text_without_secrets_stays_as_it_is():
    redaction.hide(KEY)
    plain = "GET https://worker.example:443/api?page=7: 503, see http://[::1]:8000/ at 12:30:15, bearer of news"
    assert redaction.scrub(plain) == plain


def test_a_secret_is_found_in_its_other_spellings():
    redaction.hide('quote"and/slash&more')
    for spelling in ('quote\\"and/slash&more', "quote%22and%2Fslash%26more", "quote&quot;and/slash&amp;more"):
        assert "slash" not in redaction.scrub(f"<{spelling}>")


def _ask(path: str, given_id: str) -> HttpResponse:
    answer = RequestLogMiddleware(lambda request: HttpResponse(status=404))
    return answer(RequestFactory().get(path, headers={"X-Request-ID": given_id}))


def test_each_request_is_one_line_with_an_id_that_the_answer_names(lines):
    answer = _ask("/m/a?next=secret-query", "from-the-proxy")

    (line,) = [line for line in lines() if line["logger"] == "dashboard.request"]
    assert (line["path"], line["status"], line["request"]) == ("/m/a", 404, "from-the-proxy")
    assert answer["X-Request-ID"] == "from-the-proxy"
    assert "secret-query" not in json.dumps(line)


def test_a_line_of_django_about_a_request_names_its_id_and_not_its_query(lines):
    request = RequestFactory().get("/m/a?user=ann@example.com")
    with structlog.contextvars.bound_contextvars(request="r-1"):
        logging.getLogger("django.request").error("Broken", extra={"status_code": 500, "request": request})

    (line,) = lines()
    assert (line["request"], line["status_code"]) == ("r-1", 500)
    assert "ann@example.com" not in json.dumps(line)


def test_a_request_id_that_could_forge_lines_is_replaced():
    assert len(_ask("/", 'x"} forged line')["X-Request-ID"]) == 32


@app.task
def _speak() -> None:
    logging.getLogger("task").info("at work")


def test_the_lines_of_a_task_carry_its_id(lines):
    _speak.apply(task_id="task-1")
    logging.getLogger("task").info("afterwards")

    during = next(line for line in lines() if line["event"] == "at work")
    after = next(line for line in lines() if line["event"] == "afterwards")
    assert during["task"] == "task-1"
    assert "task" not in after


@pytest.mark.django_db
def test_every_line_of_a_pass_carries_its_run_and_none_after_it(lines):
    class Api(ListApi):
        def map_pages(self, *args, **kwargs):
            logging.getLogger("some.library").debug("asking")
            return super().map_pages(*args, **kwargs)

    api = Api([row("a")])
    report = run_pass(api, mode="full", intervals=Intervals(quick=60, full=3600), trigger="command")
    logging.getLogger("afterwards").info("done")

    found = [line for line in lines() if not line["logger"].startswith("django")]
    assert {line.get("run") for line in found if line["event"] != "done"} == {report.run.pk}
    assert {"asking", "sync started", "sync finished"} <= {line["event"] for line in found}
    assert "run" not in found[-1]


def _fail(request: HttpRequest) -> None:
    local = {"api": "x" * 4090 + KEY}  # Django cuts at 4096 characters: in the middle of the key
    raise RuntimeError(f"could not use {KEY} of {len(local)}")


@pytest.mark.parametrize("accept", ["text/html", "text/plain"])
def test_the_debug_page_shows_no_key(settings, accept):
    settings.DEBUG = True
    settings.MIGRATIONS_API_KEY = KEY
    settings.SOME_LIST = [KEY]
    redaction.hide(KEY)
    request = RequestFactory().get("/", headers={"accept": accept, "x-header": KEY})
    try:
        _fail(request)
    except RuntimeError:
        reporter = errors.ScrubbingReporter(request, *sys.exc_info())
        reporter.filter = errors.ScrubbingFilter()
        page = reporter.get_traceback_html() if accept == "text/html" else reporter.get_traceback_text()

    assert "could not use" in page
    assert "PLANTED" not in page


def test_a_noted_line_is_like_any_other(lines):
    ours = logging.getLogger("ours")
    with structlog.contextvars.bound_contextvars(request="r-1"):
        structlog.stdlib.get_logger("ours").info("told", key=KEY, n=1)
        logs.note(ours, "told", key=KEY, n=1)

    told, noted = lines()
    assert list(told) == list(noted)
    assert {**told, "at": ""} == {**noted, "at": ""}
    assert len(told["at"]) == len(noted["at"])


def test_nothing_is_noted_that_nobody_wants(lines):
    quiet = logging.getLogger("quiet")
    quiet.setLevel(logging.WARNING)

    logs.note(quiet, "told")

    assert lines() == []
