import logging
import pickle
import threading
import time
import traceback

import pytest

from migrations_sync.client import Client
from migrations_sync.client.retry import Clock
from migrations_sync.client.secret import Secret
from migrations_sync.exceptions import APIConnectionError, InvalidPage, NotFoundError, ServerError
from tests import api_server
from tests.api_server import KEY, Reply, row, rows

pytestmark = pytest.mark.once

ODD_IDS = [
    "a/b",
    "a b",
    "..",
    ".",
    "../migrations",
    "a%2Fb",
    "a?page=1#x",
    "naïve-✓-🙂",
    "tab\tand\nline",
    "x" * 255,
    "ü" * 255,
]


class GatedClock(Clock):
    """Sleepers wait until the test opens the gate; then time has jumped."""

    def __init__(self):
        super().__init__()
        self.gate = threading.Event()
        self.sleepers = threading.Semaphore(0)
        self._now = 0.0

    def now(self):
        return self._now

    def sleep(self, seconds):
        self.sleepers.release()
        self.gate.wait()

    def open(self, seconds):
        self._now += seconds
        self.gate.set()

    def stop(self):
        super().stop()
        self.gate.set()


def ids(pages):
    return [row["id"] for page in pages for row in page.rows]


def client_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("api-")]


def until(condition):
    """Wait for another thread, for as long as a slow machine may need."""
    for _ in range(1000):
        if condition():
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("shape", ["array", "data", "items", "migrations", "results", "pagination"])
def test_the_list_is_read_page_by_page_in_order(api, api_client, shape):
    api.shape = shape
    api.rows = rows(95)

    pages = list(api_client.iter_pages())

    assert ids(pages) == [row["id"] for row in api.rows]
    assert [page.number for page in pages] == list(range(1, 11))
    assert [page.asked for page in pages] == [10] * 10
    assert {page.shape for page in pages} == {"data" if shape == "pagination" else shape}
    assert api_client.stats.notes == []


def test_a_server_that_gives_fewer_rows_than_asked_for_is_read_to_its_end(api, make_client):
    api.rows, api.page_size_max = rows(45), 7

    pages = list(make_client(page_size=100).iter_pages())

    assert ids(pages) == [row["id"] for row in api.rows]
    assert {page.asked for page in pages} == {100}


def test_an_empty_list_has_no_pages(api, api_client):
    assert list(api_client.iter_pages()) == []
    assert api.pages_asked == [1]


def test_every_request_is_signed_and_asks_as_documented(api, api_client):
    api.rows = rows(1)

    api_client.get_page(1)
    api_client.get_migration("m-000001")

    listed, one = api.requests
    assert listed.target == "/api/v1/migrations?page=1&page_size=10"
    assert one.target == "/api/v1/migrations/m-000001"
    for request in api.requests:
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        assert request.headers["Accept"] == "application/json"
        assert request.headers["User-Agent"] == "migrations-dashboard"


def test_a_trailing_slash_of_the_address_does_not_matter(api, make_client):
    api.rows = rows(1)

    assert make_client(base_url=f"{api.url}/").get_page(1).rows == api.rows


@pytest.mark.parametrize(
    "address", ["", "api.example", "ftp://api.example", "https://", "https://host:x/", "https://me:pw@host/api"]
)
def test_an_address_that_can_not_be_used_is_refused(make_client, address):
    with pytest.raises(ValueError, match="https://host/api/v1"):
        make_client(base_url=address)


def test_an_open_connection_is_used_again(api, make_client):
    api.rows = rows(300)

    list(make_client(concurrency=2).iter_pages())

    assert api.connections <= 2


@pytest.mark.parametrize("concurrency", [1, 3])
def test_as_many_requests_are_in_flight_as_configured_and_never_more(api, make_client, concurrency):
    api.rows, api.latency = rows(200), 0.01

    list(make_client(concurrency=concurrency).iter_pages())

    assert api.max_in_flight == concurrency


def test_several_users_of_one_client_share_its_limit(api, make_client):
    api.rows, api.latency = rows(40), 0.02
    client = make_client(concurrency=2)
    threads = [threading.Thread(target=lambda: list(client.iter_pages())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert api.max_in_flight == 2


def test_reading_stays_within_its_window_while_the_reader_is_busy(api, make_client, monkeypatch):
    monkeypatch.setattr("migrations_sync.client.client.ROWS_AHEAD", 60)
    api.rows = rows(1000)
    pages = make_client(concurrency=2).iter_pages()

    next(pages)
    assert until(lambda: len(api.requests) == 6)
    time.sleep(0.05)

    assert sorted(api.pages_asked) == [1, 2, 3, 4, 5, 6]
    pages.close()


@pytest.mark.parametrize("shape", ["items", "pagination", "results"])
def test_a_list_that_tells_its_total_costs_no_request_too_many(api, api_client, shape):
    api.rows, api.shape = rows(45), shape

    list(api_client.iter_pages())

    wanted = [1, 2, 3, 4, 5] + ([6] if shape == "pagination" else [])  # which has no sign of the end
    assert sorted(api.pages_asked) == wanted


def test_a_list_of_one_page_costs_one_request_where_a_sign_tells(api, api_client):
    api.rows, api.shape = rows(3), "data"

    list(api_client.iter_pages())

    assert api.pages_asked == [1]


def test_reading_ahead_stops_soon_after_the_end(api, make_client):
    api.rows = rows(100)

    list(make_client(concurrency=4).iter_pages())

    assert max(api.pages_asked) <= 10 + 4


def test_reading_may_start_at_a_later_page(api, api_client):
    api.rows = rows(45)

    assert [page.number for page in api_client.iter_pages(first=4)] == [4, 5]
    assert min(api.pages_asked) == 4


def test_a_404_behind_the_last_page_is_the_end(api, api_client):
    api.rows, api.past_the_end = rows(45), 404

    assert len(ids(api_client.iter_pages())) == 45


def test_a_list_that_disappears_while_it_is_read_is_an_error_and_no_end(api, api_client):
    api.rows = rows(45)
    api.always_answer_page(3, 404)
    pages = api_client.iter_pages()

    assert [next(pages).number, next(pages).number] == [1, 2]
    api.always_answer_page(1, 404)
    with pytest.raises(NotFoundError, match=r"^GET /migrations\?page=1: 404$"):
        next(pages)


def test_the_last_page_for_every_later_number_is_the_end_when_it_is_short(api, api_client):
    api.rows, api.past_the_end = rows(45), "last"

    assert len(ids(api_client.iter_pages())) == 45
    assert api_client.stats.notes == ["later page numbers bring the last page again"]


def test_the_last_page_for_every_later_number_is_an_error_when_it_is_full(api, api_client):
    api.rows, api.past_the_end = rows(40), "last"

    with pytest.raises(InvalidPage, match="pages 5 and 6 repeat page 4"):
        list(api_client.iter_pages())


def test_a_server_that_ignores_the_page_number_is_an_error(api, api_client):
    api.always_answer(rows(10))

    with pytest.raises(InvalidPage, match="pages 2 and 3 repeat page 1: the server seems to ignore"):
        list(api_client.iter_pages())


def test_a_list_without_end_is_given_up(api, make_client):
    api.rows = rows(1000)

    with pytest.raises(InvalidPage, match="has not ended after 20 pages"):
        list(make_client(max_pages=20).iter_pages())
    assert max(api.pages_asked) == 20


def test_a_migration_is_asked_for_by_id(api, api_client):
    api.rows = rows(3)

    assert api_client.get_migration("m-000002").row == api.rows[1]
    with pytest.raises(NotFoundError, match=r"^GET /migrations/m-000009: 404$"):
        api_client.get_migration("m-000009")


@pytest.mark.parametrize("api_id", ODD_IDS)
def test_any_id_reaches_the_api_as_it_is(api, api_client, api_id):
    api.rows = [row(api_id)]

    assert api_client.get_migration(api_id).row["id"] == api_id


@pytest.mark.parametrize("api_id", [".", ".."])
def test_an_id_of_dots_is_no_step_in_a_path(api, api_client, api_id):
    api.rows = [row(api_id)]

    api_client.get_migration(api_id)

    assert api.requests[0].target == "/api/v1/migrations/" + "%2E" * len(api_id)


@pytest.mark.parametrize("api_id", ["", "x" * 256, "a\0b", "a\ud800b"])
def test_an_id_that_no_migration_can_have_is_not_asked_for(api, api_client, api_id):
    with pytest.raises(NotFoundError, match="no migration can have this id"):
        api_client.get_migration(api_id)
    assert api.requests == []


def test_an_answer_about_another_migration_is_refused(api, api_client):
    api.always_answer_id("m-1", row("m-2"))

    with pytest.raises(InvalidPage, match="another migration than the one asked for after 3 tries"):
        api_client.get_migration("m-1")


def test_many_migrations_are_asked_for_at_once_and_unknown_ones_come_with_their_error(api, make_client):
    api.rows, api.latency = rows(20), 0.01
    wanted = [row["id"] for row in api.rows] + ["unknown", "x" * 300]

    answers = dict(make_client(concurrency=3).get_migrations(iter(wanted)))

    assert list(answers) == wanted
    assert [answers[row["id"]].row for row in api.rows] == api.rows
    assert isinstance(answers["unknown"], NotFoundError)
    assert isinstance(answers["x" * 300], NotFoundError)
    assert api.max_in_flight == 3
    assert len(api.requests) == 21


def test_no_migrations_cost_no_request(api, api_client):
    assert list(api_client.get_migrations([])) == []
    assert api.requests == []


def test_the_counts_are_the_servers_own(api, api_client):
    api.rows = rows(30)
    api.will_answer_page(2, 500, 503, Reply(429, b"", {"Retry-After": "7"}))

    list(api_client.iter_pages())

    assert api_client.stats.requests == len(api.requests)
    assert api_client.stats.retries == 3
    assert api_client.stats.waited >= 7.0


def test_when_the_api_says_slow_down_to_one_request_all_wait(api, make_client):
    clock = GatedClock()
    api.rows = rows(200)
    api.will_answer_page(3, Reply(429, b"", {"Retry-After": "5"}))
    one_is_asleep = threading.Event()
    api.before_answer = lambda request: request.page in (1, 3) or one_is_asleep.wait()
    client = make_client(concurrency=4, clock=clock)
    pages = client.iter_pages()

    next(pages)
    assert clock.sleepers.acquire(timeout=10)
    one_is_asleep.set()
    for _ in range(3):
        assert clock.sleepers.acquire(timeout=10)
    assert len(api.requests) <= 5
    clock.open(5.0)

    assert len(ids(pages)) == 190
    assert client.stats.waited == 5.0


def test_a_rate_limit_that_lets_other_requests_through_uses_up_no_try(api, make_client):
    client = make_client(concurrency=2, max_retries=1)
    api.rows = rows(20)
    api.will_answer_page(2, *[Reply(429, b"", {"Retry-After": "1"})] * 10)
    api.before_answer = lambda request: request.page == 2 and client.get_page(1)

    assert client.get_page(2).rows == api.rows[10:]


def test_a_client_whose_connections_all_stay_busy_says_so(api, make_client):
    api.always_answer(api_server.drip_body)
    client = make_client(concurrency=1, timeout=0.05, max_retries=0)
    told = []

    def ask():
        try:
            client.get_page(1)
        except APIConnectionError as error:
            told.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(told) == 5
    assert "GET /migrations?page=1: every connection stayed busy" in told


@pytest.mark.parametrize("how", ["broken off", "closed", "forgotten"])
def test_an_iteration_that_is_not_read_to_its_end_leaves_no_thread(api, make_client, how):
    api.rows = rows(1000)
    pages = make_client().iter_pages()
    next(pages)
    assert client_threads()

    if how == "broken off":
        with pytest.raises(RuntimeError):
            pages.throw(RuntimeError())
    elif how == "closed":
        pages.close()
    del pages

    assert until(lambda: not client_threads())


def test_closing_the_client_ends_its_waits_and_iterations(api):
    api.rows = rows(1000)
    api.always_answer_page(3, Reply(503, b"", {"Retry-After": "50"}))
    client = Client(api.url, KEY, page_size=10)
    told = []

    def read():
        try:
            list(client.iter_pages())
        except APIConnectionError as error:
            told.append(str(error))

    reader = threading.Thread(target=read)
    reader.start()
    assert until(lambda: 3 in api.pages_asked)
    client.close()
    client.close()
    reader.join(10)

    assert not reader.is_alive()
    assert "closed" in told[0]
    assert until(lambda: not client_threads())
    with pytest.raises(APIConnectionError, match="closed"):
        client.get_page(1)


def test_a_netrc_file_does_not_replace_the_key(api, make_client, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    api.rows = rows(1)

    make_client().get_page(1)

    assert api.requests[0].headers["Authorization"] == f"Bearer {KEY}"


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(api, other_api, make_client, monkeypatch):
    monkeypatch.setenv("http_proxy", other_api.url)
    api.rows = rows(1)

    assert make_client().get_page(1).rows == api.rows
    assert other_api.requests == []


def test_a_proxy_of_the_environment_is_used(api, make_client, monkeypatch):
    monkeypatch.setenv("http_proxy", api.url)
    api.rows = rows(1)

    assert make_client(base_url="http://api.example/api/v1").get_page(1).rows == api.rows
    assert api.requests[0].target == "http://api.example/api/v1/migrations?page=1&page_size=10"


@pytest.mark.parametrize("key", ["", "anon_x\n", "anon x", "anon_ü", "anon_\0x"])
def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(api, key):
    settings = {"key": key}
    with pytest.raises(ValueError, match="MIGRATIONS_API_KEY") as refused:
        Client(api.url, **settings)

    frames = traceback.TracebackException.from_exception(refused.value, capture_locals=True).stack[1:]
    assert not key or repr(key) not in "".join(f"{frame.locals}" for frame in frames)


def test_the_key_shows_itself_nowhere_but_on_the_wire(api, make_client, caplog):
    caplog.set_level(logging.DEBUG)
    client = make_client()
    secret = Secret(KEY)

    client.get_page(1)

    header = secret.bearer()
    shown = f"{secret} {secret!r} {header} {header!r} { {'Authorization': header} } {client!r} {vars(client)}"
    assert KEY not in shown + caplog.text
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    assert api.requests[0].headers["Authorization"] == f"Bearer {KEY}"


def test_pages_are_read_by_number_as_long_as_numbers_are_added(api, api_client):
    api.rows = rows(95)
    numbers = [7, 8]
    read = []
    for number, page in api_client.map_numbered(numbers, lambda page: page.rows[0]["id"]):
        read.append((number, page))
        if number == 8:
            numbers.extend([1, 10, 11, 12, 13, 14, 2])

    assert read[:4] == [(7, "m-000061"), (8, "m-000071"), (1, "m-000001"), (10, "m-000091")]
    assert read[4:] == [(11, None), (12, None), (13, None), (14, None), (2, "m-000011")]


def test_behind_the_end_of_the_list_no_page_is_asked_for_any_more(api, make_client):
    api.rows = rows(10)
    list(make_client(concurrency=1).map_numbered(range(1, 50), lambda page: page))

    assert api.pages_asked == [1, 2]


def test_a_page_that_can_not_be_read_by_number_is_an_error(api, make_client):
    api.rows = rows(50)
    api.always_answer_page(3, 503)

    with pytest.raises(ServerError, match="page=3"):
        list(make_client(max_retries=0).map_numbered([1, 2, 3, 4], lambda page: page))


@pytest.mark.parametrize(("past_the_end", "plain"), [(None, True), (404, True), (422, False), ("last", False)])
def test_a_list_ends_plainly_where_pages_behind_its_end_bring_nothing(api, api_client, past_the_end, plain):
    api.rows = rows(50)
    api.past_the_end = past_the_end

    assert api_client.ends_plainly() is plain
