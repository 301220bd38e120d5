"""The simulated API, over real sockets: what a client may rely on, and what a test may do to it."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest
import requests
import time_machine
from standardwebhooks import Webhook

from migrations_sync.simulator import SHAPES, Simulator, checksum
from migrations_sync.simulator.api import Allowance
from migrations_sync.simulator.identifiers import Identifiers
from migrations_sync.simulator.life import Life
from migrations_sync.simulator.population import STATUSES, Cast, populate
from migrations_sync.simulator.table import Table
from migrations_sync.simulator.webhooks import event_for

pytestmark = pytest.mark.once

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
FIELDS = ["object", "id", "created", "status", "created_by_user_id", "company_id"]
SECRET = "whsec_" + "c2lnbmluZyBzZWNyZXQgb2YgdGhlIHRlc3Rz"


def get(simulator: Simulator, path: str, key: str | None = "any") -> requests.Response:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return requests.get(simulator.url + path, headers=headers, timeout=5)


def ids(simulator: Simulator, query: str) -> list[str]:
    return [row["id"] for row in get(simulator, f"/migrations?{query}").json()["data"]]


@pytest.fixture(scope="module")
def shared() -> Iterator[Simulator]:
    """Of 25 migrations; for tests that only read."""
    with Simulator(25, until=NOON, page_size_max=20) as simulator:
        yield simulator


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(25, until=NOON, control=True) as simulator:
        yield simulator


# The documented list and object


def test_a_page_holds_ten_migrations_unless_more_are_asked_for(shared):
    assert len(ids(shared, "")) == 10
    assert len(ids(shared, "page=1&page_size=15")) == 15


def test_the_pages_together_are_all_migrations_once_in_order(shared):
    pages = [ids(shared, f"page={number}&page_size=10") for number in (1, 2, 3)]

    assert [len(page) for page in pages] == [10, 10, 5]
    assert [*pages[0], *pages[1], *pages[2]] == [row["id"] for row in shared.rows()]


def test_a_larger_page_than_is_served_is_cut_to_what_is(shared):
    assert len(ids(shared, "page=1&page_size=1000")) == 20
    assert len(ids(shared, "page=2&page_size=1000")) == 5


def test_a_page_past_the_end_is_empty(shared):
    assert get(shared, "/migrations?page=4").json() == {"object": "list", "data": [], "has_more": False}
    assert ids(shared, "page=999999999999999999") == []


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "page=", "page_size=0", "page_size=1.5"])
def test_a_page_or_size_that_is_no_whole_number_from_one_is_refused_by_name(shared, query):
    answer = get(shared, f"/migrations?{query}")

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", query.partition("=")[0]]


def test_a_migration_has_the_six_documented_fields(shared):
    row = get(shared, "/migrations").json()["data"][0]

    assert list(row) == FIELDS
    assert row["object"] == "migration"
    assert row["status"] in STATUSES
    assert datetime.fromisoformat(row["created"]).tzinfo is None  # as the vendor's sample has it
    assert len(row["created"]) == len("2025-12-02T23:51:49.807119")


def test_one_migration_is_served_bare_by_its_id(shared):
    row = shared.rows()[7]

    assert get(shared, f"/migrations/{row['id']}").json() == row


@pytest.mark.parametrize("unknown", ["x", "00000000-0000-4000-8000-000000000000", "a/b", "%00"])
def test_an_unknown_id_is_not_found(shared, unknown):
    assert get(shared, f"/migrations/{unknown}").status_code == 404


@pytest.mark.parametrize("odd", ["mig/2024/7", "mit Leerzeichen ü", "a%2Fb?c#d", "x" * 255])
def test_an_id_may_hold_anything_that_a_url_can_quote(simulator, odd):
    simulator.create(id=odd)

    assert get(simulator, "/migrations/" + quote(odd, safe="")).json()["id"] == odd
    assert ids(simulator, "page_size=1") == [odd]


@pytest.mark.parametrize("key", [None, "", "wrong", "schlüssel".encode().decode("latin-1")])
def test_a_missing_or_wrong_key_is_refused(key):
    with Simulator(1, key="right") as simulator:
        assert get(simulator, "/migrations", key=key).status_code == 401
        assert get(simulator, f"/migrations/{simulator.rows()[0]['id']}", key=key).status_code == 401
        assert get(simulator, "/migrations", key="right").status_code == 200
        assert simulator.requests == {"refused": 2, "list": 1}


def test_without_a_key_of_its_own_any_key_is_let_in_but_none_is_not(shared):
    assert get(shared, "/migrations", key="whatever").status_code == 200
    assert get(shared, "/migrations", key=None).status_code == 401


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE"])
def test_nothing_but_get_is_allowed(shared, method):
    answer = requests.request(method, shared.url + "/migrations", data="{}", timeout=5)

    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")


def test_health_needs_no_key_and_other_paths_are_not_found(shared):
    assert get(shared, "/healthz", key=None).json() == {"status": "ok"}
    assert get(shared, "/companies").status_code == 404


@pytest.mark.parametrize("shape", SHAPES)
def test_every_envelope_holds_the_same_rows(shape):
    with Simulator(12, shape=shape) as simulator:
        body = get(simulator, "/migrations?page=2").json()
        rows = body if shape == "array" else next(v for v in body.values() if isinstance(v, list))

        assert rows == simulator.rows()[10:]


def test_an_envelope_with_totals_tells_the_truth():
    with Simulator(12, shape="items") as simulator:
        body = get(simulator, "/migrations?page=2").json()
        assert {k: v for k, v in body.items() if k != "items"} == {
            "total": 12,
            "page": 2,
            "page_size": 10,
            "pages": 2,
        }


@pytest.mark.parametrize(
    ("order", "key", "reverse"),
    [("newest-first", "created", True), ("oldest-first", "created", False), ("shuffled-by-id", "id", False)],
)
def test_the_list_keeps_its_order_while_rows_come_go_and_return(order, key, reverse):
    simulator = Simulator(200, order=order)
    simulator.create(3)
    gone = [simulator.rows()[place]["id"] for place in (150, 3, 77)]
    for migration_id in gone:
        simulator.delete(migration_id)
        assert migration_id not in {row["id"] for row in simulator.rows()}
    simulator.create()
    for migration_id in gone:
        simulator.restore(migration_id)
    simulator.set_status(gone[0], "FAILED")

    rows = simulator.rows()
    assert len(rows) == len({row["id"] for row in rows}) == 204
    assert rows == sorted(rows, key=lambda row: row[key], reverse=reverse)


# HTTP


def raw(simulator: Simulator, data: bytes) -> bytes:
    """All that comes back before the server closes or falls silent for a moment."""
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=5) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/3\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\ncontent-length: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\ncontent-length: 99999999\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", 411),
        (b"GET / HTTP/1.1\r\nx: " + b"y" * 20_000, 431),
    ],
)
def test_a_malformed_request_gets_its_answer_and_ends_the_connection(shared, request_bytes, status):
    answer = raw(shared, request_bytes)

    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert answer.count(b"HTTP/1.1") == 1


def test_the_answer_to_head_has_no_body(shared):
    head, _, body = raw(shared, b"HEAD /api/v1/migrations HTTP/1.1\r\n\r\n").partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 405 ")
    assert body == b""


def test_one_connection_serves_many_requests_even_sent_at_once(shared):
    before = shared.traffic.connections

    answer = raw(shared, b"GET /api/v1/healthz HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}" * 3)

    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert shared.traffic.connections == before + 1


def test_a_request_that_arrives_byte_by_byte_is_answered(shared):
    with socket.create_connection(("127.0.0.1", shared.port), timeout=5) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"GET /api/v1/healthz HTTP/1.1\r\n\r\n":
            connection.sendall(bytes([byte]))
        assert connection.recv(15) == b"HTTP/1.1 200 OK"


def test_requests_wait_for_the_latency_together_and_are_counted_in_flight():
    with Simulator(5, latency=250) as simulator:
        threads = [threading.Thread(target=get, args=(simulator, "/migrations")) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert simulator.traffic.max_in_flight == 4
        assert simulator.traffic.in_flight == 0


def test_beyond_the_rate_limit_a_request_is_told_when_to_come_back():
    with Simulator(5, rate_limit=0.02) as simulator:
        answers = [get(simulator, "/migrations") for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 429]
        assert 30 <= int(answers[1].headers["Retry-After"]) <= 50
        assert simulator.requests == {"list": 1, "limited": 1}


def test_the_rate_limit_lets_through_what_it_says_on_average():
    allowance = Allowance(20)
    passed = [second / 100 for second in range(1_000) if not allowance.wait(second / 100)]

    assert 200 <= len(passed) <= 220  # ten seconds' worth, and the first one's at once
    assert len([at for at in passed if at < 1]) >= 20


def test_an_outage_lasts_as_many_requests_as_it_was_given(simulator):
    simulator.fail_with(503, 2, retry_after=7)
    answers = [get(simulator, "/migrations") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].headers["Retry-After"] == "7"
    assert simulator.requests == {"failed": 2, "list": 1}

    simulator.fail_with(500)
    assert {get(simulator, "/migrations").status_code for _ in range(5)} == {500}
    simulator.work()
    assert get(simulator, "/migrations").status_code == 200


def test_it_comes_back_on_the_same_port_with_the_same_rows(simulator):
    url, before = simulator.url, simulator.checksum()
    simulator.stop()
    with pytest.raises(requests.ConnectionError):
        get(simulator, "/migrations")

    simulator.start()
    assert (simulator.url, simulator.checksum()) == (url, before)
    assert get(simulator, "/migrations").status_code == 200


# Population


def test_the_same_seed_and_time_make_the_same_population():
    assert Simulator(500, seed=4, until=NOON).rows() == Simulator(500, seed=4, until=NOON).rows()
    assert Simulator(500, seed=4, until=NOON).checksum() != Simulator(500, seed=5, until=NOON).checksum()


@pytest.mark.parametrize("count", [0, 1, 2, 13, 60])
def test_a_small_population_has_exactly_as_many(count):
    rows = Simulator(count, until=NOON).rows()

    assert len({row["id"] for row in rows}) == count


def test_a_population_is_skewed_mostly_complete_and_open_at_its_newest_end():
    rows = Simulator(20_000, until=NOON).rows()
    statuses = Counter(row["status"] for row in rows)
    companies = Counter(row["company_id"] for row in rows)
    is_open = [row["status"] in STATUSES[:4] for row in rows]

    assert set(statuses) == set(STATUSES)
    assert statuses["COMPLETE"] > 0.7 * len(rows)
    assert sum(is_open) == 300
    assert sum(is_open[:500]) == 250
    assert len(companies) > 1_000
    assert companies.most_common(1)[0][1] > 50 * len(rows) / len(companies)
    assert companies[None] > 0
    assert any(row["created_by_user_id"].endswith("@example.com") for row in rows)
    assert max(row["created"] for row in rows) <= "2026-03-04T12:00:00.000000"
    weekend = [row for row in rows if datetime.fromisoformat(row["created"]).weekday() >= 5]
    assert 0 < len(weekend) < len(rows) / 7


def test_ids_lead_back_to_their_rows_and_foreign_ids_to_none():
    identifiers = Identifiers(seed=3)
    texts = [identifiers.encode(serial) for serial in range(5_000)]

    assert [identifiers.decode(text) for text in texts] == list(range(5_000))
    assert len({text[:4] for text in texts}) > 1_000  # nothing shows that they are numbered
    assert not 0 <= Identifiers(seed=4).decode(texts[0]) < 5_000
    assert identifiers.decode(texts[0].upper()) == -1


def test_the_checksum_tells_any_difference_but_no_order():
    rows = [(row["id"], row["status"], row["created"], row["company_id"], row["created_by_user_id"])
            for row in Simulator(50, until=NOON).rows()]  # fmt: skip
    simulator = Simulator(50, until=NOON)

    assert checksum(rows) == checksum(reversed(rows)) == simulator.checksum()
    assert checksum(rows[1:]) != checksum(rows)
    simulator.set_status(rows[0][0], "SOMETHING_NEW")
    assert simulator.checksum() != checksum(rows)


# Life


def lives(minutes: float, *, stride: float = 0.1) -> tuple[list[tuple[str, str | None, str]], list[str]]:
    """The changes (id, old, new) of so many minutes of a usual population, and the times of creation."""
    since = NOON.timestamp()
    population = populate(1_200, seed=1, until=since)
    table = Table(population.rows, Identifiers(1), "newest-first")
    life = Life(table, population.cast, since=since, seed=1, speed=1.0)
    life.wake(population.lively)
    changes, created = [], []

    def listen(row, old):
        changes.append((row["id"], old, row["status"]))
        if old is None:
            created.append(row["created"])

    table.listener = listen
    for step in range(1, round(minutes / stride) + 1):
        life.advance(since + step * stride * 60)
    return changes, created


def test_several_migrations_change_in_every_few_minutes():
    changes, created = lives(60)

    assert 120 < len(changes) < 600
    assert 30 < len(created) < 80


def test_migrations_start_wait_end_and_sometimes_revive():
    steps = {(old, new) for _, old, new in lives(600)[0]}

    assert {("NOT_STARTED", "WORKING"), ("WORKING", "PENDING_USER_INPUT"), ("PENDING_USER_INPUT", "WORKING"),
            ("WORKING", "COMPLETE"), ("WORKING", "FAILED"), ("FAILED", "COMPLETE"), ("LOGIN_ABANDONED", "WORKING"),
            ("WORKING", "COMPLETED_WITH_FAILURES")} <= steps  # fmt: skip
    assert not {old for old, _ in steps} & {"COMPLETE", "COMPLETED_WITH_FAILURES"}


def test_what_was_due_while_nobody_looked_happens_at_its_own_time():
    often, seldom = lives(120), lives(120, stride=60)

    assert seldom == often


def test_life_leaves_alone_what_somebody_else_has_changed():
    table = Table([], Identifiers(1), "newest-first")
    mine = {"status": "WORKING", "company_id": None, "created_by_user_id": "u"}
    changed, deleted = table.add(mine, at=0), table.add(mine, at=0)
    life = Life(table, Cast(1, 1), since=0, seed=1, speed=1.0)
    life.wake([(changed, "WORKING"), (deleted, "WORKING")])
    table.update(changed, status="ODD")
    table.delete(deleted)

    life.advance(86_400)

    assert json.loads(table.get(changed))["status"] == "ODD"


def test_a_running_simulator_moves_by_itself_only_when_it_is_to():
    with Simulator(100, life=True, speed=50_000) as lively, Simulator(100) as still:
        before = lively.checksum(), still.checksum()
        deadline = time.monotonic() + 5
        while lively.checksum() == before[0] and time.monotonic() < deadline:
            time.sleep(0.02)

        assert lively.checksum() != before[0]
        assert still.checksum() == before[1]


def test_a_restarted_simulator_catches_up_with_the_life_of_the_one_before():
    with time_machine.travel(NOON + timedelta(hours=1), tick=False) as clock:
        first = Simulator(200, until=NOON, life=True).rows()
        clock.shift(timedelta(hours=2))
        later, again = (Simulator(200, until=NOON, life=True).rows() for _ in range(2))

    assert later == again
    assert [row["id"] for row in later[-len(first) :]] == [row["id"] for row in first]
    assert later[-len(first) :] != first
    assert len(later) > len(first) > 200


# Webhooks


class Receiver(HTTPServer):
    """Takes deliveries; refuses the first ``refuse`` of them."""

    def __init__(self, refuse: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), _Taker)
        self.refuse = refuse
        self.seen: list[tuple[dict[str, str], bytes]] = []
        self.arrived = threading.Semaphore(0)


class _Taker(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.seen.append(({k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(204 if len(self.server.seen) > self.server.refuse else 500)
        self.end_headers()
        self.server.arrived.release()

    def log_message(self, *args):
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def deliveries(receiver: Receiver, count: int) -> list[tuple[dict[str, str], bytes]]:
    for _ in range(count):
        assert receiver.arrived.acquire(timeout=5)
    return receiver.seen


def test_changes_are_told_in_signed_events_with_a_reason_for_failures_only(receiver):
    url = f"http://127.0.0.1:{receiver.server_port}/webhooks/migrations/"
    with Simulator(0, webhook_url=url, webhook_secret=SECRET) as simulator:
        [migration_id] = simulator.create()
        for status in ("WORKING", "PENDING_USER_INPUT", "FAILED", "FAILED", "COMPLETED_WITH_FAILURES"):
            simulator.set_status(migration_id, status)
        seen = deliveries(receiver, 4)

    events = {}
    for headers, body in seen:
        names = {name.replace("svix-", "webhook-"): value for name, value in headers.items()}
        event = Webhook(SECRET).verify(body, names)
        events[event["type"]] = event
    assert set(events) == {"migration." + what for what in ("created", "started", "failed", "completed")}
    assert events["migration.completed"]["data"]["object"]["status"] == "COMPLETED_WITH_FAILURES"
    assert {event["data"]["migration_id"] for event in events.values()} == {migration_id}
    assert {kind for kind, event in events.items() if event["data"].get("error_message")} == {"migration.failed"}


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (None, "NOT_READY", "migration.created"),
        ("NOT_STARTED", "WORKING", "migration.started"),
        ("WORKING", "COMPLETE", "migration.completed"),
        ("WORKING", "FAILED", "migration.failed"),
        ("FAILED", "FAILED", None),
        ("WORKING", "PENDING_USER_INPUT", None),
        ("WORKING", "SOMETHING_NEW", None),
    ],
)
def test_only_the_documented_changes_make_an_event(old, new, kind):
    event = event_for({"id": "m", "status": new}, old, at=NOON.timestamp(), rng=random.Random(1))

    assert (event and event["type"]) == kind


def test_a_refused_delivery_is_tried_again_under_the_same_message_id(receiver, monkeypatch):
    monkeypatch.setattr("migrations_sync.simulator.webhooks.TRIES", (0.0, 0.01))
    receiver.refuse = 1
    url = f"http://127.0.0.1:{receiver.server_port}/"
    with Simulator(0, webhook_url=url, webhook_secret=SECRET) as simulator:
        simulator.create()
        seen = deliveries(receiver, 2)

    assert seen[0][0]["svix-id"] == seen[1][0]["svix-id"]


# Acts from another process


def status_of(simulator: Simulator, migration_id: str) -> str:
    return str(get(simulator, f"/migrations/{migration_id}").json()["status"])


def act(simulator: Simulator, what: str, **arguments: object) -> requests.Response:
    base = f"http://127.0.0.1:{simulator.port}/_control/"
    return requests.post(base + what, params=arguments, timeout=5)


def test_another_process_can_change_what_is_served(simulator):
    before = {row["id"]: row["status"] for row in simulator.rows()}
    changed = act(simulator, "change", fraction=0.2).json()["changed"]
    created = act(simulator, "create", n=3, status="WORKING").json()["created"]
    [deleted] = act(simulator, "delete", id=created[0]).json()["deleted"]

    assert len(set(changed)) == 5
    assert all(before[migration_id] != status_of(simulator, migration_id) for migration_id in changed)
    assert ids(simulator, "page_size=2") == created[:0:-1]
    assert get(simulator, f"/migrations/{deleted}").status_code == 404
    act(simulator, "restore", id=deleted)
    assert get(simulator, f"/migrations/{deleted}").json()["status"] == "WORKING"
    answer = act(simulator, "checksum").json()
    assert answer == {"rows": 28, "checksum": simulator.checksum()}


def test_another_process_can_change_open_ones_only(simulator):
    before = {row["id"]: row["status"] for row in simulator.rows()}
    changed = act(simulator, "change", n=1_000, status="COMPLETE", open=1).json()["changed"]

    assert set(changed) == {migration_id for migration_id, status in before.items() if status in STATUSES[:4]}
    assert changed
    assert {status_of(simulator, migration_id) for migration_id in changed} == {"COMPLETE"}


def test_another_process_can_play_outages_and_read_the_counters(simulator):
    act(simulator, "fail", status=502, count=1)
    assert [get(simulator, "/migrations").status_code for _ in range(2)] == [502, 200]
    act(simulator, "fail", status=500)
    act(simulator, "work")
    assert get(simulator, "/migrations").status_code == 200

    stats = act(simulator, "stats").json()
    assert (stats["rows"], stats["max_in_flight"]) == (25, 1)
    assert stats["requests"]["list"] == 2
    act(simulator, "reset")
    assert "list" not in act(simulator, "stats").json()["requests"]


@pytest.mark.parametrize(
    ("what", "arguments", "status"),
    [
        ("nothing", {}, 404),
        ("change", {"n": "x"}, 422),
        ("change", {}, 422),
        ("delete", {"id": "unknown"}, 422),
        ("fail", {"status": 999}, 422),
    ],
)
def test_a_wrong_act_is_refused(simulator, what, arguments, status):
    assert act(simulator, what, **arguments).status_code == status


def test_acts_from_another_process_need_to_be_allowed(shared):
    assert act(shared, "stats").status_code == 404


# The command


def command(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    root = Path(__file__).parent.parent
    return subprocess.Popen(
        [sys.executable, "manage.py", "simulate_api", *arguments],
        cwd=root,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_command_says_where_it_serves_and_ends_when_it_is_told_to():
    process = command("--port", "0", "--count", "7", "--still", MIGRATIONS_API_KEY="anon_test_key")
    try:
        line = process.stdout.readline()
        url = line.split()[-1]
        answer = requests.get(url + "/migrations", headers={"Authorization": "Bearer anon_test_key"}, timeout=5)
        refused = requests.get(url + "/migrations", headers={"Authorization": "Bearer other"}, timeout=5)
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)

    assert "7 migrations" in line
    assert len(answer.json()["data"]) == 7
    assert refused.status_code == 401
    assert (process.returncode, out) == (0, "")
    assert "Traceback" not in err
    assert "anon_test_key" not in line + err


def test_a_port_that_is_taken_is_one_line_and_status_2(shared):
    process = command("--port", str(shared.port), "--count", "1")
    out, err = process.communicate(timeout=10)

    assert (process.returncode, out) == (2, "")
    assert err.splitlines()[-1] == (
        f"CommandError: can't serve at 127.0.0.1:{shared.port}: Address already in use; "
        "free it, or choose another --port (0: a free one)"
    )
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"count": -1}, "count"),
        ({"port": 70_000}, "port"),
        ({"latency": -1}, "latency"),
        ({"page_size_max": 0}, "page_size_max"),
        ({"speed": 0}, "speed"),
        ({"rate_limit": 0}, "rate_limit"),
        ({"shape": "round"}, "shape"),
        ({"order": "any"}, "order"),
        ({"webhook_url": "ftp://x", "webhook_secret": SECRET}, "webhook address"),
        ({"webhook_url": "http://127.0.0.1/", "webhook_secret": "whsec_!"}, "webhook secret"),
    ],
)
def test_a_wrong_option_is_refused_by_name(options, name):
    with pytest.raises(ValueError, match=name):
        Simulator(**{"count": 1, **options})


def test_a_wrong_webhook_secret_is_not_shown():
    with pytest.raises(ValueError, match="secret") as caught:
        Simulator(1, webhook_url="http://127.0.0.1/", webhook_secret="whsec_geheim!")

    assert "geheim" not in str(caught.value)


def test_changes_can_be_drawn_among_any_statuses_however_written():
    simulator = Simulator(10)
    odd = [simulator.create(status=status, extra={"status": "FAILED"})[0] for status in ('a+"ü', "b.c")]

    assert set(simulator.change(99, status="X", among=['a+"ü', "b.c"])) == set(odd)
    assert simulator.change(99, among=["bXc"]) == []


def test_a_draw_never_names_a_migration_twice():
    simulator = Simulator(30)

    assert len(set(simulator.draw(25))) == 25
    assert len(set(simulator.draw(1_000))) == 30
